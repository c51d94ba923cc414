"""The reader and the rules over whatever a server may send."""

import json
import re
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from support.chat_records import EVENT_STREAM, exchange

from byok_bench.checks.registry import run_checks
from byok_bench.wire.failures import KINDS

PIECES = st.sampled_from(
    [
        b"data: ", b"data:", b"event: error\n", b"event: x\n", b"id: 1\n", b": c\n", b"\n", b"\n\n", b"\r", b"\r\n",
        b"[DONE]", b"{", b"}", b"null", b"[]", b"\xff", b"\xef\xbb\xbf", b"\xf0\x9f", b"<html>", b"\\ud83d", b"",
        b'{"error":{"message":"x"}}', b'{"choices":[]}', b'{"choices":null}',
        b'{"choices":[{"delta":{"content":"a"}}]}',
        b'{"choices":[{"index":0,"delta":{"role":"","tool_calls":[{"function":{"arguments":{}}}]}}]}',
        b'{"choices":[{"message":{"tool_calls":[{"id":"a"},{"id":"a"}]},"finish_reason":"tool_calls"}]}',
        b'{"choices":[{"index":0,"delta":{"content":"```"},"finish_reason":"stop"}],"usage":{"total_tokens":-1}}',
        b'{"object":"chat.completion","choices":[{"message":{"content":"x"},"finish_reason":""}]}',
        b'{"choices":[{"index":0,"error":{"code":502},"finish_reason":"error"}]}',
        b'{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"text":"a"}]}]}}]}',
        b'{"code":402,"message":"x"}',
    ]
)  # fmt: skip
MEMBERS = re.findall(
    r"\w+",
    "choices delta message index content tool_calls function arguments name id usage prompt_tokens "
    "completion_tokens_details reasoning_tokens finish_reason role reasoning reasoning_details error object "
    "created function_call refusal cost type text thinking custom input audio transcript x_groq code success "
    "errors base_resp status_code native_finish_reason model n",
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(MEMBERS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)
REQUESTS = st.fixed_dictionaries(
    {"stream": st.booleans()},
    optional={
        "tools": ANYTHING
        | st.just([{"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}}]),
        "response_format": ANYTHING | st.sampled_from([{"type": "json_object"}, {"type": "json_schema"}]),
        "stream_options": ANYTHING,
        "tool_choice": ANYTHING,
        "n": ANYTHING,
    },
)
HEADERS = st.sampled_from(
    [
        EVENT_STREAM,
        {},
        {"content-type": "application/json"},
        {"content-encoding": "gzip"},
        {"content-type": "text/html"},
    ]
)


def judge(body: bytes, request: Any, headers: Any, status: int, end: Any) -> None:
    seen = exchange(body, request=request, headers=headers, status=status, end=end)
    for finding in run_checks(seen):
        assert finding.event is None or finding.event < len(seen.events)
        assert finding.offset is None or 0 <= finding.offset <= len(body)
    assert seen.error is None or seen.error.kind in KINDS
    msgspec.json.encode(seen.to_json(run_checks(seen)))


@settings(max_examples=200)
@given(
    st.lists(PIECES, max_size=12).map(b"".join) | st.binary(max_size=60),
    REQUESTS,
    HEADERS,
    st.sampled_from([200, 200, 200, 204, 302, 400, 503]),
    st.sampled_from(["eof", "done", "reset", "stall", "limit"]),
)
def test_no_bytes_raise(body: bytes, request: Any, headers: Any, status: int, end: str) -> None:
    """Any body under any head is read and judged; places lie within the body, and the document is JSON."""
    judge(body, request, headers, status, end)


@settings(max_examples=200)
@given(st.lists(ANYTHING, max_size=5), REQUESTS)
def test_no_json_raises(values: list[Any], request: Any) -> None:
    """Any JSON in events or as the whole body is read and judged."""
    body = b"".join(b"data: " + json.dumps(value).encode() + b"\n\n" for value in values)
    judge(body, request, EVENT_STREAM, 200, "eof")
    judge(
        json.dumps(values[0] if values else {}).encode(),
        request,
        {"content-type": "application/json"},
        200,
        "eof",
    )
