"""What the caller of `send` sees of a hostile server: kind, phase and end, and whatever text came before."""

import gzip
import json
from typing import Any, NamedTuple

import pytest
from support.hostile import (
    DONE,
    JSON,
    OK,
    SSE,
    Script,
    chunked,
    event,
    flooding,
    frame,
    hostile,
    reply,
    sized,
)

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import send
from byok_bench.wire.limits import Limits, Timeouts

QUICK = Timeouts(connect=5, first_byte=0.4, idle=0.4, total=5)
SMALL = Limits(body_bytes=20_000, line_bytes=3_000, stream_bytes=50_000, stream_events=300)
CHUNKED = b"transfer-encoding: chunked\r\n\r\n"
PART = event("Hel") + event("lo")
FINISH = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
HEAD = OK + SSE + CHUNKED
ANSWER = {
    "object": "chat.completion",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}}],
}
DOCUMENT = json.dumps(ANSWER).encode()


def refused(status: bytes, body: bytes, *fields: bytes) -> Script:
    return reply(sized(body, *fields, status=status))


def nested(depth: int) -> bytes:
    return DOCUMENT[:-1] + b', "x": ' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}"


class Seen(NamedTuple):
    """A server, and what the caller sees."""

    name: str
    script: Script
    kind: str | None
    phase: str | None = None
    end: str | None = None
    text: str = ""
    stream: bool = True
    limits: Limits | None = None
    words: str | None = None

    def __str__(self) -> str:
        return self.name


CASES = [
    Seen("a whole stream", reply(chunked(PART, FINISH, DONE)), None, None, "done", "Hello"),
    Seen("a reset in a stream", reply(HEAD + frame(PART), then="reset"), "network", "stream", "reset", "Hello"),
    Seen("no last chunk", reply(HEAD + frame(PART)), "network", "stream", "reset", "Hello"),
    Seen("a broken chunk", reply(HEAD + frame(PART) + b"zz\r\n"), "protocol", "stream", "reset", "Hello"),
    Seen("silence", reply(HEAD + frame(PART), then="silence"), "timeout", "stream", "stall", "Hello"),
    Seen("a clean end, unfinished", reply(chunked(PART)), "protocol", "stream", "eof", "Hello"),
    Seen("a clean end, finished", reply(chunked(PART, FINISH)), None, None, "eof", "Hello"),
    Seen("a reset, finished", reply(HEAD + frame(PART + FINISH), then="reset"), None, None, "reset", "Hello"),
    Seen("silence, finished", reply(HEAD + frame(PART + FINISH), then="silence"), None, None, "stall", "Hello"),
    Seen("a reset before an event", reply(HEAD, then="reset"), "protocol", "stream", "reset"),
    Seen("silence before an event", reply(HEAD, then="silence"), "timeout", "stream", "stall"),
    Seen(
        "a line over its limit",
        flooding(OK + SSE + b"\r\n" + PART, b"z" * 1000),
        "protocol",
        "stream",
        "limit",
        "Hello",
        limits=SMALL,
    ),
    Seen(
        "an unknown coding",
        refused(b"200 OK", PART, SSE[:-2], b"content-encoding: br"),
        "protocol",
        "body",
        "eof",
    ),
    Seen(
        "gzip that is cut",
        reply(HEAD.replace(CHUNKED, b"content-encoding: gzip\r\n" + CHUNKED) + frame(gzip.compress(PART)[:-8])),
        "network",
        "stream",
        "reset",
        "Hello",
    ),
    Seen("a document", reply(sized(DOCUMENT, JSON[:-2])), None, None, "eof", "Hello", stream=False),
    Seen(
        "a document that is cut",
        reply(OK + JSON + b"content-length: 900\r\n\r\n" + DOCUMENT[:-9]),
        "network",
        "body",
        "reset",
        stream=False,
    ),
    Seen("a document 200 deep", reply(sized(nested(200), JSON[:-2])), None, None, "eof", "Hello", stream=False),
    Seen("a document 201 deep", reply(sized(nested(201), JSON[:-2])), "protocol", "body", "eof", stream=False),
    Seen(
        "untyped lines where a document was asked for",
        flooding(OK + b"\r\n", b"word\n" * 500),
        "protocol",
        "body",
        "limit",
        stream=False,
        limits=SMALL,
    ),
    Seen(
        "an error that is cut",
        reply(b"HTTP/1.1 401 No\r\ncontent-length: 90\r\n\r\n{"),
        "auth",
        "body",
        "reset",
    ),
    Seen(
        "an error without end",
        flooding(b"HTTP/1.1 500 Oops\r\n\r\n", b"no " * 900),
        "server",
        "body",
        "limit",
    ),
    Seen(
        "a long error in JSON",
        refused(b"400 No", json.dumps({"x": "y" * 9000, "error": {"message": "too many words"}}).encode()),
        "invalid_request",
        "body",
        "eof",
        words="too many words",
    ),
    Seen(
        "a redirect",
        refused(b"307 Go", b"", b"location: https://other.example/s3cr3t?token=s3cr3t"),
        "redirect",
        "headers",
        "eof",
        words="https://other.example)",
    ),
    Seen("no answer", reply(), "network", "headers"),
    Seen("no HTTP", reply(b"220 mail.example ESMTP\r\n", then="silence"), "protocol", "headers"),
    Seen("no byte", reply(then="silence"), "timeout", "headers"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_the_caller_sees_what_happened(case: Seen) -> None:
    """Kind, phase, end and text are those of the case, in one attempt."""
    async with hostile(case.script) as server:
        endpoint = Endpoint(label="test", base_url=server.base_url, models=[Model("m-1")])
        body: dict[str, Any] = {"stream": case.stream, "messages": []}
        exchange = await send(endpoint, body, timeouts=QUICK, limits=case.limits)
    error = exchange.error
    assert (error and error.kind, error and error.phase) == (case.kind, case.phase)
    assert (exchange.response and exchange.response.end) == case.end
    assert exchange.output.text == case.text
    assert case.words is None or (error is not None and case.words in error.message)
    assert len(server.peers) == 1
