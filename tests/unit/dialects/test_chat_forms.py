"""dialects/chat/dialect.py: an answer says the same, streamed or whole."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from support.chat_records import chunk, exchange, stream

from byok_bench.dialects.exchange import Exchange

TEXTS = st.text("aä \N{GRINNING FACE}{}", max_size=4)
PARTS = st.lists(
    st.one_of(
        st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
        st.builds(lambda text: {"type": "thinking", "thinking": [{"type": "text", "text": text}]}, TEXTS),
        st.builds(lambda text: {"type": "thinking", "thinking": text}, TEXTS),
        st.builds(lambda text: {"type": "refusal", "refusal": text}, TEXTS),
        st.sampled_from([{"type": "image_url", "image_url": {"url": "x"}}, {}, 7, None]),
    ),
    max_size=3,
)
ARGUMENTS = st.sampled_from(["", "{}", '{"a":1}', '{"a', None, {}, {"a": 1}, [], 5, False])
FUNCTIONS = st.builds(
    lambda name, arguments: {"type": "function", "function": {"name": name, "arguments": arguments}},
    st.sampled_from(["f", "g"]),
    ARGUMENTS,
)
CUSTOM = st.builds(
    lambda said: {"type": "custom", "custom": {"name": "run", "input": said}},
    st.sampled_from(["", "ls", "{"]),
)
ZERO = st.just({"type": "function", "function": {"name": "", "arguments": ""}})
CALLS = st.lists(
    st.builds(lambda call_id, call: {"id": call_id, **call}, st.sampled_from(["x", "y"]), FUNCTIONS | CUSTOM)
    | st.builds(lambda call: {"id": "", **call}, ZERO),
    max_size=3,
)
MESSAGES = st.fixed_dictionaries(
    {"role": st.just("assistant")},
    optional={
        "content": TEXTS | st.none() | PARTS | st.sampled_from([{"a": 1}, 5, True]),
        "reasoning_content": TEXTS | st.none(),
        "reasoning": TEXTS | st.sampled_from([None, {"a": 1}]),
        "reasoning_details": st.sampled_from([None, [], [{"text": "r"}]]),
        "refusal": TEXTS | st.none(),
        "tool_calls": CALLS | st.none(),
        "function_call": st.sampled_from([None, {}, {"name": "", "arguments": ""}, {"name": "f", "arguments": "{}"}]),
        "audio": st.sampled_from([None, {"id": "a", "transcript": "t"}, {"id": "", "transcript": ""}]),
    },
)
ENDS = st.fixed_dictionaries(
    {"finish_reason": st.sampled_from([None, "", "stop", "tool_calls", "content_filter", "error", "eos", 7])},
    optional={"error": st.sampled_from([None, "", {"code": 0, "message": ""}, {"code": 429, "message": "slow"}])},
)
USAGES = st.fixed_dictionaries(
    {},
    optional={
        "usage": st.sampled_from([None, {"prompt_tokens": 1, "completion_tokens": "2"}, 7]),
        "x_groq": st.sampled_from([None, {}, {"usage": {"prompt_tokens": 3}}]),
    },
)
REQUESTS = st.sampled_from([{}, {"response_format": {"type": "json_object"}}])


def as_a_whole(message: dict[str, Any], end: dict[str, Any], usage: dict[str, Any], asked: Any) -> Exchange:
    """The answer in one document."""
    choice = {"index": 0, "message": message, **end}
    body = {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice], **usage}
    return exchange(json.dumps(body).encode(), request=asked, headers={"content-type": "application/json"})


def as_a_stream(message: dict[str, Any], end: dict[str, Any], usage: dict[str, Any], asked: Any) -> Exchange:
    """The answer in three chunks: what is said, how it ends, what it counts."""
    calls = message.get("tool_calls")
    numbered = [{"index": place, **call} for place, call in enumerate(calls or [])]
    delta = {**message, "tool_calls": numbered} if calls else message
    last = {"index": 0, "delta": {}, **end}
    body = stream(chunk(delta), chunk(choices=[last]), chunk(choices=[], **usage))
    return exchange(body, request={**asked, "stream": True})


@settings(max_examples=300)
@given(MESSAGES, ENDS, USAGES, REQUESTS)
def test_an_answer_is_the_same_in_both_forms(
    message: dict[str, Any], end: dict[str, Any], usage: dict[str, Any], asked: dict[str, Any]
) -> None:
    """What was said, how it ended and what failed do not depend on whether it came in pieces."""
    whole, streamed = (read(message, end, usage, asked) for read in (as_a_whole, as_a_stream))
    assert msgspec.to_builtins(streamed.output) == msgspec.to_builtins(whole.output)
    failures = [one.error and (one.error.kind, one.error.retryable, one.error.message) for one in (whole, streamed)]
    assert failures[0] == failures[1]


@given(MESSAGES, ENDS)
def test_a_delta_in_the_place_of_a_message_is_the_message(message: dict[str, Any], end: dict[str, Any]) -> None:
    """The output is that of the same message, and a delta beside it changes nothing."""
    proper = as_a_whole(message, end, {}, {}).output
    for members in ({"delta": message}, {"message": message, "delta": {"content": "other"}}):
        body = {"model": "m", "choices": [{"index": 0, **members, **end}]}
        assert exchange(json.dumps(body).encode(), request={}, headers={}).output == proper


def test_a_choice_keeps_its_number_in_another_dress() -> None:
    """An index that is a string of digits is reported, and does not put two choices into one."""
    pieces = [("0", "a"), ("1", "b"), ("0", "c"), ("1", "d")]
    deltas = [chunk(choices=[{"index": index, "delta": {"content": said}}]) for index, said in pieces]
    seen = exchange(stream(*deltas), request={"stream": True, "n": 2})
    assert seen.output.text == "ac"
