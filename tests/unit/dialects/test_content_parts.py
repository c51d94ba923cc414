"""dialects/chat/content_parts.py: content that is no string, streamed and whole."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.chat_records import chunk, exchange, stream

from byok_bench.dialects.chat.content_parts import read_content_parts
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.timing import Timing

THOUGHT = [{"type": "text", "text": "hm"}]
CONTENTS: dict[str, tuple[Any, tuple[str, str, str]]] = {
    "text parts": ([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], ("ab", "", "")),
    "thinking as parts (BerriAI/litellm#16272)": (
        [{"type": "thinking", "thinking": THOUGHT}],
        ("", "hm", ""),
    ),
    "thinking as a string": ([{"type": "thinking", "thinking": "hm"}], ("", "hm", "")),
    "thinking before text (symfony/ai#2422)": (
        [{"type": "thinking", "thinking": THOUGHT}, {"type": "text", "text": "a"}],
        ("a", "hm", ""),
    ),
    "reasoning with a summary (Databricks)": (
        [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}],
        ("", "hm", ""),
    ),
    "reasoning as text": ([{"type": "reasoning", "text": "hm"}], ("", "hm", "")),
    "a refusal": ([{"type": "refusal", "refusal": "no"}], ("", "", "no")),
    "a picture and a reference": (
        [{"type": "image_url", "image_url": {"url": "x"}}, {"type": "reference", "reference_ids": [1]}],
        ("", "", ""),
    ),
    "bare strings": (["a", "b"], ("ab", "", "")),
    "a number, an object, an array of numbers": ([1, {}, [2]], ("", "", "")),
    "an object": ({"title": "a"}, ("", "", "")),
    "a number": (5, ("", "", "")),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_parts_are_read_by_their_type(name: str) -> None:
    """Text is text, thinking is reasoning, whatever the nesting; the rest is nothing."""
    content, expected = CONTENTS[name]
    found = read_content_parts(content, wants_json=False)
    assert (found.text, found.reasoning, found.refusal) == expected


def test_an_object_is_the_json_that_was_asked_for() -> None:
    """Cloudflare puts the object itself into content (posit-dev/chatlas, tests/_vcr/test_provider_cloudflare)."""
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {}}}
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": {"städte": ["Oslo"]}},
        "finish_reason": "stop",
    }
    body = json.dumps({"object": "chat.completion", "choices": [choice]}).encode()
    asked, unasked = (exchange(body, request=sent, headers={}) for sent in ({"response_format": form}, {}))
    assert json.loads(asked.output.text) == {"städte": ["Oslo"]}
    assert unasked.output.text == ""


def test_thoughts_in_parts_have_their_marks() -> None:
    """The first token of reasoning is timed, and that of text after it."""
    pieces = [
        stream(chunk({"role": "assistant", "content": [{"type": "thinking", "thinking": THOUGHT}]}))[
            : -len("data: [DONE]\n\n")
        ],
        stream(chunk({"content": "Hi"}, "stop")),
    ]
    timing: Timing = exchange(pieces).timing
    assert (timing.ttft_reasoning, timing.ttft_text) == (1.0, 2.0)


def reading_of(delta: Any, streamed: bool) -> Exchange:
    """One answer whose message or delta is given."""
    if streamed:
        return exchange(stream(chunk(delta), chunk({}, "stop")))
    choice = {"index": 0, "message": delta, "finish_reason": "stop"}
    return exchange(json.dumps({"choices": [choice]}).encode(), request={}, headers={})


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_spoken_words_are_text(streamed: bool) -> None:
    """The transcript of an answer in audio is what it says; beside a text it is not read twice."""
    spoken = {"role": "assistant", "content": None, "audio": {"id": "a", "transcript": "Hello"}}
    assert reading_of(spoken, streamed).output.text == "Hello"
    assert reading_of({**spoken, "content": "Hi"}, streamed).output.text == "Hi"


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
@pytest.mark.parametrize(
    "zero",
    [
        {"function_call": {"name": "", "arguments": ""}},
        {"function_call": {}},
        {"tool_calls": [{"id": "", "type": "function", "function": {"name": "", "arguments": ""}}]},
        {"tool_calls": [{}], "audio": {"id": "", "transcript": "", "expires_at": 0}},
    ],
    ids=str,
)
def test_the_zero_of_an_object_is_absent(zero: dict[str, Any], streamed: bool) -> None:
    """Snowflake writes an empty function_call into every answer (pydantic/pydantic-ai, cassettes/test_snowflake)."""
    seen = reading_of({"role": "assistant", "content": "Hi", **zero}, streamed)
    assert (seen.output.text, seen.output.tool_calls) == ("Hi", ())


@pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])
def test_the_call_of_a_custom_tool_is_read(streamed: bool) -> None:
    """Its name and its free text, which is not judged as JSON."""
    call = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "run", "input": "ls -l"}}
    seen = reading_of({"role": "assistant", "content": None, "tool_calls": [call]}, streamed)
    assert [(one.id, one.name, one.arguments) for one in seen.output.tool_calls] == [("c", "run", "ls -l")]


PARTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "text", "thinking", "summary", "refusal"]), inner, max_size=4)
        | st.fixed_dictionaries({"type": st.sampled_from(["text", "thinking", "refusal"]), "text": inner})
    ),
    max_leaves=15,
)


@given(PARTS, st.booleans())
def test_any_content_can_be_read(content: Any, wants_json: bool) -> None:
    """Nothing raises, and what is read is text."""
    found = read_content_parts(content, wants_json=wants_json)
    assert all(isinstance(one, str) for one in (found.text, found.reasoning, found.refusal))
