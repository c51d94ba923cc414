"""dialects/tool_calls.py: fragments of tool calls, merged."""

from typing import Any

import pytest
from support.chat_records import call

from byok_bench.dialects.answer import Facts
from byok_bench.dialects.tool_calls import ToolCalls

Expected = list[tuple[str | None, str, str]]
A, B = '{"a":1}', '{"b":2}'

MERGES: dict[str, tuple[list[dict[str, Any]], Expected, set[str]]] = {
    "one call in fragments": (
        [
            call(index=0, id="x", name="f", arguments=""),
            call(index=0, arguments='{"a"'),
            call(index=0, arguments=":1}"),
        ],
        [("x", "f", A)],
        set(),
    ),
    "two calls, interleaved": (
        [
            call(index=0, id="x", name="f", arguments='{"a"'),
            call(index=1, id="y", name="g", arguments='{"b"'),
            call(index=0, arguments=":1}"),
            call(index=1, arguments=":2}"),
        ],
        [("x", "f", A), ("y", "g", B)],
        set(),
    ),
    "two calls, interleaved, with indexes in another dress": (
        [
            call(index="0", id="x", name="f", arguments='{"a"'),
            call(index=1.0, id="y", name="g", arguments='{"b"'),
            call(index="0", arguments=":1}"),
            call(index=1.0, arguments=":2}"),
        ],
        [("x", "f", A), ("y", "g", B)],
        {"index_missing"},
    ),
    "an empty object, then text (unslothai/unsloth#10275)": (
        [call(index=0, id="x", name="f", arguments={}), call(index=0, arguments=A)],
        [("x", "f", A)],
        {"arguments_not_text"},
    ),
    "an empty array, and nothing after it": (
        [call(index=0, id="x", name="f", arguments=[])],
        [("x", "f", "[]")],
        {"arguments_not_text"},
    ),
    "an id that comes again as an empty string (anomalyco/opencode#40969)": (
        [call(index=0, id="x", name="f", arguments=""), call(index=0, id="", name=None, arguments=A)],
        [("x", "f", A)],
        {"id_repeated"},
    ),
    "calls keep the order in which they were opened": (
        [call(index=1, id="y", name="g", arguments=B), call(index=0, id="x", name="f", arguments=A)],
        [("y", "g", B), ("x", "f", A)],
        set(),
    ),
    "a continuation on an index never opened": (
        [call(index=0, id="x", name="f", arguments='{"a"'), call(index=1, arguments=":1}")],
        [("x", "f", A)],
        {"index_drift"},
    ),
    "a first fragment without id and name opens a call": (
        [call(index=0, arguments=A)],
        [(None, "", A)],
        set(),
    ),
    "another id and a name on a complete call": (
        [call(index=0, id="x", name="f", arguments=A), call(index=0, id="y", name="f", arguments=B)],
        [("x", "f", A), ("y", "f", B)],
        {"index_collision"},
    ),
    "another id and another name on an open call": (
        [call(index=0, id="x", name="f", arguments='{"a'), call(index=0, id="y", name="g", arguments=B)],
        [("x", "f", '{"a'), ("y", "g", B)],
        {"index_collision"},
    ),
    "the new call owns the index": (
        [
            call(index=0, id="x", name="f", arguments=A),
            call(index=0, id="y", name="g", arguments='{"b"'),
            call(index=0, arguments=":2}"),
        ],
        [("x", "f", A), ("y", "g", B)],
        {"index_collision"},
    ),
    "another id without a name": (
        [call(index=0, id="x", name="f", arguments='{"a"'), call(index=0, id="y", arguments=":1}")],
        [("x", "f", A)],
        {"id_changes"},
    ),
    "another id with the same name on an open call": (
        [call(index=0, id="x", name="f", arguments='{"a"'), call(index=0, id="y", name="f", arguments=":1}")],
        [("x", "f", A)],
        {"id_changes", "name_repeated"},
    ),
    "another id and a name where the call has no name yet": (
        [call(index=0, id="x", arguments='{"a"'), call(index=0, id="y", name="f", arguments=":1}")],
        [("x", "f", A)],
        {"id_changes"},
    ),
    "the same id again": (
        [call(index=0, id="x", name="f", arguments='{"a"'), call(index=0, id="x", arguments=":1}")],
        [("x", "f", A)],
        {"id_repeated"},
    ),
    "an id that comes late": (
        [call(index=0, name="f", arguments='{"a"'), call(index=0, id="x", arguments=":1}")],
        [("x", "f", A)],
        set(),
    ),
    "complete calls on one index without any ids": (
        [call(index=0, name="f", arguments=A), call(index=0, name="f", arguments=B)],
        [(None, "f", A), (None, "f", B)],
        {"index_collision"},
    ),
    "no index, an id of its own": (
        [call(id="x", name="f", arguments=A), call(id="y", name="g", arguments=B)],
        [("x", "f", A), ("y", "g", B)],
        {"index_missing"},
    ),
    "no index, a known id": (
        [
            call(id="x", name="f", arguments='{"a"'),
            call(id="y", name="g", arguments=B),
            call(id="x", arguments=":1}"),
        ],
        [("x", "f", A), ("y", "g", B)],
        {"index_missing"},
    ),
    "no index and no id, a name after a complete call": (
        [call(name="f", arguments=A), call(name="g", arguments=B)],
        [(None, "f", A), (None, "g", B)],
        {"index_missing"},
    ),
    "no index and no id, a name before the arguments are complete": (
        [call(name="f", arguments='{"a"'), call(name="f", arguments=":1}")],
        [(None, "f", A)],
        {"index_missing", "name_repeated"},
    ),
    "nothing but arguments continues the last call": (
        [call(name="f", arguments='{"a"'), call(arguments=":1}")],
        [(None, "f", A)],
        {"index_missing"},
    ),
    "an index that is no integer is none": (
        [call(index="0", id="x", name="f", arguments='{"a"'), call(index=True, id="x", arguments=":1}")],
        [("x", "f", A)],
        {"index_missing"},
    ),
    "the name again": (
        [call(index=0, id="x", name="f", arguments=""), call(index=0, name="f", arguments=A)],
        [("x", "f", A)],
        {"name_repeated"},
    ),
    "the name in two pieces": (
        [call(index=0, id="x", name="get_"), call(index=0, name="time", arguments=A)],
        [("x", "get_time", A)],
        {"name_split"},
    ),
    "another name after arguments is ignored": (
        [call(index=0, id="x", name="f", arguments='{"a"'), call(index=0, name="g", arguments=":1}")],
        [("x", "f", A)],
        set(),
    ),
    "complete arguments again": (
        [
            call(index=0, id="x", name="f", arguments='{"a"'),
            call(index=0, arguments=":1}"),
            call(index=0, arguments=A),
        ],
        [("x", "f", A)],
        {"arguments_repeated"},
    ),
    "an equal fragment of incomplete arguments is appended": (
        [call(index=0, id="x", name="f", arguments="{}"[:1]), call(index=0, arguments="{")],
        [("x", "f", "{{")],
        set(),
    ),
    "arguments that are an object": (
        [call(index=0, id="x", name="f", arguments={"a": "ä"})],
        [("x", "f", '{"a": "ä"}')],
        {"arguments_not_text"},
    ),
    "null and absent arguments": (
        [call(index=0, id="x", name="f", arguments=None), call(index=0)],
        [("x", "f", "")],
        set(),
    ),
    "a type of another name": (
        [call(index=0, id="x", name="f", type="tool"), call(index=0, type=None, arguments="{}")],
        [("x", "f", "{}")],
        {"call_type"},
    ),
    "members of other types are ignored": (
        [
            {"index": 0, "id": 7, "function": None},
            {"index": 0, "id": None, "function": {"name": 7, "arguments": A}},
        ],
        [(None, "", A)],
        set(),
    ),
}


@pytest.mark.parametrize("name", MERGES)
def test_fragments_merge_by_the_rules(name: str) -> None:
    """Each sequence of elements gives its calls, and notes just these repairs."""
    elements, expected, noted = MERGES[name]
    calls, facts = ToolCalls(), Facts()
    for event, element in enumerate(elements):
        calls.add(element, event, facts)
    assert [(one.id, one.name, one.arguments) for one in calls.calls] == expected
    assert set(facts) == noted


def test_elements_of_a_message_are_numbered_by_their_place() -> None:
    """A whole message needs no index, and one that is there does not count."""
    calls, facts = ToolCalls(), Facts()
    for position, element in enumerate(
        [call(id="x", name="f", arguments=A), call(index=0, id="y", name="f", arguments=A)]
    ):
        calls.add(element, None, facts, position)
    assert [one.id for one in calls.calls] == ["x", "y"]
    assert set(facts) == set()
    assert calls.indexes == {0, 1}


def test_each_element_of_a_message_is_a_call() -> None:
    """Without id and name too, and with an id that another one of the same message has."""
    calls, facts = ToolCalls(), Facts()
    for position, element in enumerate([call(id="x", name="f", arguments=A), call(arguments=A), call(id="x")]):
        calls.add(element, 3, facts, position)
    assert [(one.id, one.name) for one in calls.calls] == [("x", "f"), (None, ""), ("x", "")]
    assert set(facts) == set()


def test_a_message_repeats_calls_by_their_ids() -> None:
    """What came before in deltas is not taken for further calls; an id of its own is one, wherever it stands."""
    calls, facts = ToolCalls(), Facts()
    calls.add(call(index=0, id="x", name="f", arguments=A), 1, facts)
    for position, element in enumerate([call(id="y", name="f", arguments=A), call(id="x", name="f", arguments=A)]):
        calls.add(element, 2, facts, position)
    assert [(one.id, one.arguments) for one in calls.calls] == [("x", A), ("y", A)]
    assert set(facts) == {"name_repeated", "arguments_repeated"}


def test_function_call_is_one_call_without_id() -> None:
    """The name is set, the arguments are appended."""
    calls, facts = ToolCalls(), Facts()
    for value in ({"name": "f", "arguments": ""}, {"arguments": '{"a"'}, {"name": "f", "arguments": ":1}"}):
        calls.add_legacy(value, 0, facts)
    assert [(one.id, one.name, one.arguments, one.is_legacy) for one in calls.calls] == [(None, "f", A, True)]
    assert set(facts) == {"function_call"}


def test_function_call_with_an_object_is_written_as_json() -> None:
    """Arguments of another type are repaired there too."""
    calls, facts = ToolCalls(), Facts()
    calls.add_legacy({"name": "f", "arguments": {"a": 1}}, 0, facts)
    assert [one.arguments for one in calls.calls] == ['{"a": 1}']
    assert "arguments_not_text" in facts


def test_many_calls_and_ids_are_merged_in_time() -> None:
    """A hundred thousand calls with ids of their own end before the suite's timeout."""
    calls, facts = ToolCalls(), Facts()
    for number in range(100_000):
        calls.add(call(id=f"x{number}", name="f", arguments="{}"), number, facts)
    assert len(calls.calls) == 100_000
