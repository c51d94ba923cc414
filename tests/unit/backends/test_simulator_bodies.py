"""Whatever JSON comes as a request body, the simulator answers or refuses; it never falls over."""

from types import ModuleType
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from byok_bench.backends.simulator.answer import make_answer
from byok_bench.backends.simulator.ask import read_json_body
from byok_bench.backends.simulator.dialects import chat, messages, responses
from byok_bench.backends.simulator.refusal import Refusal
from byok_bench.backends.simulator.reply import Event, encode_compact_json
from byok_bench.backends.simulator.schema_values import make_schema_value

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SCHEMA_KEYS = (
    "type", "properties", "items", "required", "enum", "anyOf", "allOf", "$ref", "minItems", "minimum", "maxLength",
)  # fmt: skip


def some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these members, each as it should be or anything at all."""
    return st.fixed_dictionaries({}, optional={name: one | JSON for name, one in members.items()})


SCHEMA = st.recursive(
    some(**dict.fromkeys(SCHEMA_KEYS, JSON)) | st.just({"type": "string"}),
    lambda inner: st.fixed_dictionaries(
        {"type": st.just("object"), "properties": st.dictionaries(st.sampled_from("ab"), inner, max_size=2)}
    ),
    max_leaves=3,
)
CALL = some(id=st.just("c"), function=some(name=st.just("f"), arguments=st.just("{}")), type=st.just("function"))
BLOCK = some(
    type=st.sampled_from(["text", "tool_use", "tool_result"]),
    text=st.just("hi"),
    id=st.just("c"),
    tool_use_id=st.just("c"),
    content=st.just("42"),
)
MESSAGE = some(
    role=st.sampled_from(["user", "assistant", "tool"]),
    content=st.just("hi") | st.lists(BLOCK, max_size=2),
    tool_calls=st.lists(CALL, max_size=2),
    tool_call_id=st.just("c"),
    type=st.sampled_from(["message", "function_call", "function_call_output"]),
    call_id=st.just("c"),
    output=st.just("42"),
)
TOOL = some(
    type=st.just("function"),
    name=st.just("f"),
    function=some(name=st.just("f"), description=st.just("d"), parameters=SCHEMA),
    parameters=SCHEMA,
    input_schema=SCHEMA,
)
CHOICE = st.sampled_from(["auto", "none", "required"]) | some(
    type=st.sampled_from(["function", "tool", "any"]), name=st.just("f"), function=some(name=st.just("f"))
)
FORMAT = some(
    type=st.sampled_from(["text", "json_object", "json_schema"]),
    schema=SCHEMA,
    json_schema=some(schema=SCHEMA),
)
BODY = some(
    messages=st.lists(MESSAGE, max_size=3),
    input=st.just("hi") | st.lists(MESSAGE, max_size=3),
    tools=st.lists(TOOL, max_size=2),
    tool_choice=CHOICE,
    response_format=FORMAT,
    text=some(format=FORMAT),
    stream=st.booleans(),
    stream_options=some(include_usage=st.booleans()),
    max_tokens=st.integers(1, 9),
    max_output_tokens=st.integers(1, 9),
    n=st.integers(1, 3),
    thinking=some(type=st.just("enabled")),
).map(lambda body: {"model": "m", **body})


@pytest.mark.parametrize("dialect", [chat, responses, messages], ids=lambda one: one.__name__.rpartition(".")[2])
@given(body=BODY)
@settings(max_examples=60, deadline=None)
def test_any_body_is_answered_or_refused(dialect: ModuleType, body: dict[str, Any]) -> None:
    """A body gives a reply that can be written, or a Refusal with a 4xx."""
    status, reply = 200, None
    try:
        ask = dialect.read_ask(body)
        reply = dialect.write_reply(ask, [make_answer(ask, 5) for _ in range(ask.n)])
    except Refusal as refusal:
        status, reply = refusal.status, refusal.to_reply("chat")
    events: list[Event] = reply.events or []
    assert [event.encode() for event in events] or reply.encode_body()
    assert status in (200, 400)


@given(schema=SCHEMA)
@settings(max_examples=150, deadline=None)
def test_any_schema_is_filled(schema: dict[str, Any]) -> None:
    """Whatever stands where a schema's keyword is looked for, some value comes."""
    encode_compact_json(make_schema_value(schema, "Paris 3"))


@given(st.binary(max_size=30) | st.text().map(str.encode))
def test_any_bytes_are_decoded_or_refused(raw: bytes) -> None:
    """What is no JSON object is a client's mistake."""
    status, body = 200, {}
    try:
        body = read_json_body(raw)
    except Refusal as refusal:
        status = refusal.status
    assert isinstance(body, dict)
    assert status in (200, 400)


def test_deep_json_is_refused() -> None:
    """Nesting beyond Python's own limit is a client's mistake too."""
    with pytest.raises(Refusal):
        read_json_body(b"[" * 100_000)
