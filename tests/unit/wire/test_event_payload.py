"""wire/bodies/event_payload.py: what the data of one event holds."""

import pytest

from byok_bench.wire.bodies.event_payload import read_payload

PAYLOADS = {
    "": (["blank"], ()),
    " \t\n ": (["blank"], ()),
    "[DONE]": (["done"], ()),
    "  [DONE] \t": (["done"], ()),
    '{"a":1}': ([{"a": 1}], ()),
    '{"a":\n1}': ([{"a": 1}], ()),
    "null": ([None], ()),
    '"[DONE]"': (["[DONE]"], ()),
    ": OPENROUTER PROCESSING": (["text"], ()),
    '{"a":1': (["text"], ()),
    'data: {"a":1}': ([{"a": 1}], ("double_prefix",)),
    ' data:data: {"a":1}': ([{"a": 1}], ("double_prefix",)),
    "data: [DONE]": (["done"], ("double_prefix",)),
    "data: x": (["text"], ("double_prefix",)),
    'data: {"a":\ndata: 1}': ([{"a": 1}], ("double_prefix",)),
    'data: {"a":1}\ndata: {"b":2}': ([{"a": 1}, {"b": 2}], ("double_prefix", "glued_events")),
    '{"a":1}\n{"b":2}\n[DONE]': ([{"a": 1}, {"b": 2}, "done"], ("glued_events",)),
    '{"a":1}\nnull': (["text"], ()),
    '{"a":1}\n\n{"b":2}': (["text"], ()),
    "[1,\n2]": ([[1, 2]], ()),
    "[" * 300: (["text"], ()),
}


@pytest.mark.parametrize("data", PAYLOADS)
def test_data_is_taken_apart_in_order(data: str) -> None:
    """Blank, sentinel, JSON, doubled prefix, glued payloads: the first form that fits is taken."""
    expected, repairs = PAYLOADS[data]
    payload = read_payload(data)
    found = [item.value if item.kind == "json" else item.kind for item in payload.items]
    assert (found, payload.repairs) == (expected, repairs)


@pytest.mark.parametrize("data", ["data:" * 500_000, "data: " * 500_000 + "{}", "{}\n" * 300_000 + "x"])
def test_no_data_makes_it_slow(data: str) -> None:
    """Megabytes of prefixes or lines are read before the suite's timeout."""
    assert read_payload(data).items
