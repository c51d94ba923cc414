"""dialects/chat/common_events.py: the short way for common chunks gives what the general way gives."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.chat_records import DONE, call, chunk, event, exchange

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.chat.common_events import CommonEvents
from byok_bench.dialects.chat.events import ChatEventReader
from byok_bench.dialects.exchange import Exchange

REQUEST = {"stream": True, "n": 2, "tools": [{"type": "function", "function": {"name": "f"}}]}
TEXTS = st.sampled_from(["", "a", " b", "ab", "abc", "\ud83d", "\ude00", "\ufffd", "ä", "<think>", "x" * 300])
NULLS = st.none()
CALLS = st.builds(
    call,
    index=st.sampled_from([0, 0, 0, 1, -1, 0.0, "0", "1", None, True]),
    id=st.sampled_from([None, None, "", "x", "y"]),
    type=st.sampled_from([None, "function", "tool"]),
    name=st.sampled_from([None, None, "", "f", "g"]),
    arguments=st.sampled_from(["", "{", "}", '{"a":1}', "{}", None, 7, {"a": 1}]),
)
DELTAS = st.fixed_dictionaries(
    {},
    optional={
        "content": TEXTS | st.sampled_from([None, 7, ["a"], [{"text": "a"}]]),
        "role": st.sampled_from(["assistant", None, "", "user"]),
        "reasoning_content": TEXTS | NULLS,
        "reasoning": TEXTS | st.sampled_from([None, {}, 1]),
        "thinking": TEXTS | NULLS,
        "reasoning_details": st.sampled_from([None, [], [{"text": "r"}], {}]),
        "tool_calls": NULLS | st.lists(CALLS, max_size=2),
        "function_call": st.sampled_from([None, {"name": "f", "arguments": "{"}]),
        "refusal": TEXTS | NULLS,
        "unknown": st.just({"deep": [1, {}]}),
    },
)
ODD = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["c", "d", "", None, 7]),
        "object": st.sampled_from(["chat.completion.chunk", "chat.completion", None, "error"]),
        "created": st.sampled_from([0, 1, 1.0, "1", None, True, 10**11, 10**30, -1]),
        "model": st.sampled_from(["m", "other", None, 7]),
        "usage": st.sampled_from([None, {}, {"prompt_tokens": 1, "completion_tokens": "2"}, []]),
        "error": st.sampled_from([None, False, {}, ""]),
        "type": st.sampled_from([None, "chunk"]),
        "choices": st.sampled_from([None, [], [None], [{"index": 0, "message": {"content": "m"}}], {}]),
    },
)
FINISHES = st.sampled_from([None, None, None, None, "stop", "", "null", "eos", 1])
CHUNKS = st.builds(
    lambda delta, finish, index, odd: {
        **chunk(),
        "choices": [{"index": index, "delta": delta, "finish_reason": finish}],
        **odd,
    },
    DELTAS | NULLS,
    FINISHES,
    st.sampled_from([0, 0, 0, 1, -1, 0.0, "1", None]),
    st.just({}) | st.just({}) | ODD,
)
ONE_ODD = st.builds(
    lambda delta, odd: {**chunk(delta), **odd},
    st.sampled_from(
        [
            {"content": "a"},
            {"content": "\ufffd"},
            {"reasoning": "\ufffd"},
            {"content": "a", "role": "assistant"},
            {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]},
            {"tool_calls": [{"index": 0, "function": {"arguments": '{"a":1}'}}]},
            {"tool_calls": [{"index": 0, "id": "x", "function": {"name": "f", "arguments": "{"}}]},
            {"tool_calls": [{"index": 0, "id": "", "function": {"name": "", "arguments": ""}}]},
            {"tool_calls": [{"index": 0, "id": "", "function": {"name": None, "arguments": "1"}}]},
        ]
    ),
    st.sampled_from([{}, {}, {"id": "d"}, {"created": 10**11}, {"model": "m"}, {"model": None}, {"usage": {}}]),
)
STARTS = st.builds(
    lambda delta, odd: {**chunk(delta), **odd},
    st.sampled_from([{"role": "assistant"}, {"content": ""}, {"role": "", "content": "a"}]),
    st.sampled_from([{}, {"model": None}, {"id": ""}]),
)


def payload(value: dict[str, Any], style: str) -> bytes:
    text = json.dumps(value, ensure_ascii=style != "literal", indent=1 if style == "pretty" else None)
    lines = "\n".join(f"data: {line}" for line in text.split("\n"))
    name = "event: message\n" if style == "named" else ""
    data = f"{name}{lines}\n\n".encode("utf-8", "surrogatepass")  # bad UTF-8, where there is half a pair
    return data.replace(b"a", b"\xff", 1) if style == "bad" else data


STYLES = st.sampled_from(["literal", "literal", "escaped", "pretty", "named", "bad"])


@contextmanager
def without_the_short_way() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CommonEvents, "take", lambda self, events, number: number)
        yield


def everything(seen: Exchange) -> Any:
    reading = seen.reading
    values = {
        name: getattr(reading, name) for name in reading.__struct_fields__ if name not in ("body", "choices", "facts")
    }
    choices = [
        [
            choice.texts,
            choice.reasonings,
            choice.refusals,
            choice.is_opened,
            choice.has_role,
            choice.finish_event,
        ]
        + [[one.id, one.name, one.arguments, one.event] for one in choice.calls]
        + [sorted(choice.tools.indexes)]
        for choice in reading.choices
    ]
    facts = {name: (fact.event, fact.detail, fact.count) for name, fact in reading.facts.items()}
    return values, choices, facts, run_checks(seen), msgspec.to_builtins(seen.timing)


@settings(max_examples=300)
@given(STARTS, st.lists(st.tuples(ONE_ODD | ONE_ODD | CHUNKS, STYLES), max_size=6), st.booleans())
def test_the_short_way_is_invisible(
    start: dict[str, Any], chunks: list[tuple[dict[str, Any], str]], done: bool
) -> None:
    """Output, marks, facts and findings of any stream are the same with and without it."""
    body = [event(start)]
    body += [payload(value, style) for value, style in chunks]
    body += [DONE] if done else []
    fast = everything(exchange(body, request=REQUEST))
    with without_the_short_way():
        assert everything(exchange(body, request=REQUEST)) == fast


FRAGMENTS = {
    "the zero of a call": {"id": "", "type": "function", "function": {"name": "", "arguments": ""}},
    "an empty id": {"id": "", "function": {"name": None, "arguments": "1"}},
    "an empty id and name": {"id": "", "function": {"name": "", "arguments": "1"}},
    "no more arguments": {"function": {"arguments": ""}},
    "a custom call": {"custom": {"input": "1"}},
}


@pytest.mark.parametrize("name", FRAGMENTS)
def test_a_fragment_is_noted_the_same_both_ways(name: str) -> None:
    """What continues an open call is merged and noted alike."""
    start = {"role": "assistant", "tool_calls": [call(index=0, id="x", name="f", arguments='{"a":')]}
    later = chunk({"tool_calls": [{"index": 0, **FRAGMENTS[name]}]})
    body = [event(chunk(start)), event(later), event(chunk({}, "tool_calls")), DONE]
    fast = everything(exchange(body, request=REQUEST))
    with without_the_short_way():
        assert everything(exchange(body, request=REQUEST)) == fast


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "a"},
        {"content": "a", "role": "assistant", "tool_calls": [], "refusal": None},
        {"reasoning_content": "a", "content": None},
        {"tool_calls": [{"index": 0, "function": {"arguments": "1"}}]},
        {"tool_calls": [{"index": 0, "id": "", "type": "function", "function": {"name": "", "arguments": "1"}}]},
    ],
)
def test_common_chunks_take_the_short_way(delta: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The shapes that most servers send are the ones it is for."""
    general: list[int] = []
    read = ChatEventReader._read_event
    monkeypatch.setattr(ChatEventReader, "_read_event", lambda *given: general.append(given[2]) or read(*given))
    start = {"role": "assistant", "tool_calls": [call(index=0, id="x", name="f", arguments='{"a":')]}
    exchange([event(chunk(start)), event(chunk(delta)), event(chunk(delta))]).reading  # noqa: B018
    assert general == [0]
