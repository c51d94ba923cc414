"""dialects/chat/dialect.py: what came back, and whether it is a failure."""

import gzip
import itertools
import json
from typing import Any

import pytest
from support.chat_records import DONE, call, chunk, event, exchange, stream

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.answer import ChatReading
from byok_bench.dialects.dialect import find_dialect
from byok_bench.dialects.exchange import Exchange
from byok_bench.errors import EndpointError
from byok_bench.wire.failures import make_failure
from byok_bench.wire.raw_exchange import End

START = event(chunk({"role": "assistant", "content": "Hi"}))
STOP = event(chunk({}, "stop"))
ANSWER = {
    "id": "c",
    "object": "chat.completion",
    "model": "m-1",
    "choices": [
        {
            "index": 0,
            "message": {
                "role": "assistant",
                "content": "Hi",
                "reasoning": "hm",
                "tool_calls": [call(id="x", name="f", arguments="{}")],
            },
            "finish_reason": "tool_calls",
        }
    ],
    "usage": {"prompt_tokens": 3, "completion_tokens": "4", "total_tokens": 7.0, "cost": 0.5},
}


def reading(seen: Exchange) -> ChatReading:
    assert isinstance(seen.reading, ChatReading)
    return seen.reading


SHAPES: dict[str, tuple[dict[str, Any], str, str | None]] = {
    "a stream": ({"body": START + STOP + DONE}, "stream", None),
    "nothing": ({"body": b""}, "stream", "protocol"),
    "a refusal": ({"body": b'{"error":{"message":"no"}}', "status": 401}, "refused", "auth"),
    "a redirect": ({"body": b"", "status": 302, "headers": {"location": "/x"}}, "refused", "redirect"),
    "a page": ({"body": b"<html>"}, "page", "protocol"),
    "a page by its label": (
        {"body": START, "headers": {"content-type": "Text/HTML; charset=x"}},
        "page",
        "protocol",
    ),
    "a label without a page": (
        {"body": b" ", "headers": {"content-type": "text/html"}},
        "stream",
        "protocol",
    ),
    "a page after white space": ({"body": b"\xef\xbb\xbf\n <!DOCTYPE html>"}, "page", "protocol"),
    "an error document": ({"body": b'{"error":"rate limit"}', "headers": {}}, "error", "rate_limit"),
    "an error in a list": ({"body": b'[{"error":{"code":429}}]', "headers": {}}, "error", "rate_limit"),
    "an empty error": ({"body": b'{"error":{}}', "headers": {}}, "not-sse", "protocol"),
    "one answer": ({"body": json.dumps(ANSWER).encode()}, "ignored", None),
    "one answer, indented": ({"body": b"\n" + json.dumps(ANSWER, indent=1).encode()}, "ignored", None),
    "one chunk": ({"body": json.dumps(chunk()).encode()}, "not-sse", "protocol"),
    "JSON lines": ({"body": json.dumps(chunk()).encode() + b"\n{}\n"}, "not-sse", "protocol"),
    "JSON lines with an error": (
        {"body": b'{"a":1}\n{"error":"too many requests"}\n'},
        "stream",
        "rate_limit",
    ),
    "JSON lines cut at a limit": ({"body": b'{"a":1}\n{', "end": "limit"}, "unreadable", "protocol"),
    "JSON lines, cancelled": ({"body": b'{"a":1}\n{', "end": "cancelled"}, "unreadable", None),
    "an unknown coding": (
        {"body": START + STOP + DONE, "headers": {"content-encoding": "br"}},
        "undecodable",
        "protocol",
    ),
    "gzip": (
        {"body": gzip.compress(START + STOP + DONE), "headers": {"content-encoding": "gzip"}},
        "stream",
        None,
    ),
    "as asked for": ({"body": json.dumps(ANSWER).encode(), "request": {}}, "document", None),
    "a stream nobody asked for": ({"body": START + STOP + DONE, "request": {}}, "unreadable", "protocol"),
    "an answer without choices": ({"body": b'{"choices":[]}', "request": {}}, "unreadable", "protocol"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_the_first_match_says_what_an_answer_is(name: str) -> None:
    """Each body has its shape and, where it is no good answer, a kind of failure."""
    given, shape, kind = SHAPES[name]
    seen = exchange(**given)
    assert reading(seen).shape == shape
    assert (seen.error.kind if seen.error else None) == kind


NETWORK = make_failure("network", "stream", "reset")
TIMEOUT = make_failure("timeout", "stream", "silence")
ENDS: dict[str, tuple[bytes, End, Any, str, str | None]] = {
    "done, then reset": (START + STOP + DONE, "reset", NETWORK, "done", None),
    "done, then silence": (START + DONE, "stall", TIMEOUT, "done", None),
    "clean, unfinished": (START, "eof", None, "eof", "protocol"),
    "clean, finished": (START + STOP, "eof", None, "eof", None),
    "reset, unfinished": (START, "reset", NETWORK, "reset", "network"),
    "reset, finished": (START + STOP, "reset", NETWORK, "reset", None),
    "reset, nothing": (b": hi\n\n", "reset", NETWORK, "reset", "protocol"),
    "silence, unfinished": (START, "stall", TIMEOUT, "stall", "timeout"),
    "silence, finished": (START + STOP, "stall", TIMEOUT, "stall", None),
    "silence, nothing": (b"", "stall", TIMEOUT, "stall", "timeout"),
    "a limit": (START, "limit", make_failure("protocol", "stream", "too long"), "limit", "protocol"),
    "an error, then reset": (START + event({"error": "overloaded"}), "reset", NETWORK, "error", "overloaded"),
    "an error, then done": (
        START + event({"error": "overloaded"}) + DONE,
        "eof",
        None,
        "error",
        "overloaded",
    ),
    "an unframed error": (START + b'{"error":{"code":402}}\n', "eof", None, "error", "quota"),
}


@pytest.mark.parametrize("name", ENDS)
def test_the_end_decides_the_failure(name: str) -> None:
    """What came before the end decides whether the end is a failure, and of which kind."""
    body, end, why, closing, kind = ENDS[name]
    seen = exchange(body, end=end, failure=why)
    assert reading(seen).closing == closing
    assert (seen.error.kind if seen.error else None) == kind


AFTER_DONE = {
    "an event": (START + STOP + DONE + STOP, "eof", True),
    "a second sentinel": (START + STOP + DONE + DONE, "done", True),
    "an event that is no JSON": (START + STOP + DONE + b"data: bye\n\n", "eof", True),
    "data glued to the sentinel": (START + STOP + b"data: [DONE]\ndata: {}\n\n", "eof", True),
    "an object without a blank line": (START + STOP + DONE + b"data: {}\n", "eof", True),
    "the same before a reset": (START + STOP + DONE + b"data: {}\n", "reset", False),
    "a fragment": (START + STOP + DONE + b'data: {"a', "eof", False),
    "blank data": (START + STOP + DONE + b"data:\n\n", "eof", False),
    "a comment, a name, a bad byte": (START + STOP + DONE + b": bye\n\nevent: x\n\n\xff\n", "eof", False),
}


@pytest.mark.parametrize("name", AFTER_DONE)
def test_what_follows_the_sentinel_is_told_and_not_read(name: str) -> None:
    """Events with data count, whatever they hold; nothing else does, and nothing is assembled from them."""
    body, end, told = AFTER_DONE[name]
    seen = exchange(body, end=end)
    checks = {finding.check for finding in run_checks(seen) if finding.severity != "info"}
    assert ("stream.after-done" in checks) == told
    assert checks <= {"stream.after-done", "stream.event-separator"}
    assert (seen.output.text, seen.error) == ("Hi", None)


def test_no_response_is_the_transports_failure() -> None:
    """Without a head there is nothing to read, and the record says why."""
    seen = exchange(b"", failure=make_failure("network", "connect", "refused"))
    seen.raw.head = None
    assert (reading(seen).shape, seen.error) == ("none", seen.raw.failure)
    assert seen.response is None


def test_a_document_gives_the_same_output_as_a_stream() -> None:
    """Text, reasoning, calls, finish reason, usage and model come from the message."""
    for given in ({}, {"request": {}}):
        output = exchange(json.dumps(ANSWER).encode(), **given).output
        assert (output.text, output.reasoning, output.finish_reason) == ("Hi", "hm", "tool_calls")
        assert [(one.id, one.name, one.arguments) for one in output.tool_calls] == [("x", "f", "{}")]
        assert output.usage is not None
        assert (output.usage.prompt_tokens, output.usage.completion_tokens, output.usage.total_tokens) == (
            3,
            4,
            7,
        )
        assert (output.usage.cost, output.served_model) == (0.5, "m-1")


def test_the_output_is_that_of_choice_0() -> None:
    """Other choices are read too, and stay out of it."""
    first = {
        **chunk(),
        "choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}],
    }
    seen = exchange(stream(first), request={"stream": True, "n": 2})
    assert seen.output.text == "a"
    assert [choice.text for choice in reading(seen).choices] == ["b", "a"]


def test_a_pair_split_over_two_deltas_is_one_character() -> None:
    """Escapes of half a character are joined; a lone half is U+FFFD, without a finding."""
    halves = b'data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n'
    seen = exchange(START + halves % b"\\ud83d" + halves % b"\\ude00" + halves % b"\\ud83d" + STOP + DONE)
    assert seen.output.text == "Hi😀\ufffd"
    assert [finding.check for finding in run_checks(seen) if finding.severity != "info"] == []


NASTY = (
    b"\xef\xbb\xbf: hello\r\n\r\nretry: 5\n"
    + START.replace(b"\n", b"\r\n")
    + b'data: {"id":"c","object":"chat.completion.chunk",\r\n'
    + b'data: "choices":[{"index":0,"delta":{"content":"\xf0\x9f\x98\x80"}}]}\r\r'
    + b'data: {"id":"c","object":"chat.completion.chunk",'
    + '"choices":[{"index":0,"delta":{"content":"\u2028"}}]}\n\n'.encode()
    + STOP.replace(b"\n", b"\r")
    + DONE.replace(b"\n", b"\r\n")
)


def test_cuts_change_nothing_but_time() -> None:
    """However the bytes of a nasty stream are cut into reads, everything read is the same."""
    places = range(len(NASTY))
    whole = exchange(NASTY)
    expected = (whole.output, whole.error, run_checks(whole), [(one.name, one.data) for one in whole.events])
    assert whole.output.text == "Hi😀\u2028"
    cuts = [[NASTY[:i], NASTY[i:]] for i in places] + [[NASTY[i : i + 1] for i in places]]
    cuts += [[NASTY[:i], NASTY[i:j], NASTY[j:]] for i, j in itertools.combinations(range(0, len(NASTY), 23), 2)]
    for cut in cuts:
        seen = exchange(cut)
        assert (
            seen.output,
            seen.error,
            run_checks(seen),
            [(one.name, one.data) for one in seen.events],
        ) == expected


def test_the_request_is_extra_fields_overlaid_by_the_body() -> None:
    """The endpoint's own fields come first, the body's win, and the model is set if it is given."""
    built = find_dialect("chat").build({"a": 1, "model": "x"}, "m", {"a": 0, "b": 2})
    assert built == {"a": 1, "b": 2, "model": "m"}
    assert find_dialect("chat").build({"model": "x"}, None, {}) == {"model": "x"}


def test_an_unknown_schema_is_the_callers_mistake() -> None:
    """The message names the schemas there are."""
    with pytest.raises(EndpointError, match="chat, responses, messages"):
        find_dialect("soap")
