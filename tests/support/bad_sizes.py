"""Servers that send more than they may, and codings that unfold to more than they seem."""

import gzip
import json
import zlib

from support.hostile import DONE, JSON, OK, SSE, Script, chunked, event, flooding, reply, sized
from support.hostile_case import SMALL, Case, over, whole

from byok_bench.wire.limits import Limits

A = event("a")
STREAM = OK + SSE + b"\r\n" + A
BOMB = gzip.compress(b"\n" * 30_000_000, 1)
"""30 MB out of less than 200 kB: over the limit of a document."""
LINE_BOMB = gzip.compress(b"z" * 30_000_000, 1)
"""The same as one line, over the limit of a stream's line."""
TWICE = gzip.compress(gzip.compress(b" " * 100_000_000, 9), 9)
FLOODS = {
    "line": b"z" * 1000,
    "comment": b": " + b"z" * 1000,
    "event": b"data: " + b"z" * 90 + b"\n",
    "event with CR": b"data: " + b"z" * 90 + b"\r",
    "event with CRLF": b"data: " + b"z" * 90 + b"\r\n",
    "events": b"data: {}\n\n",
    "events with CR": b"data: {}\r\r",
    "events with CRLF": b"data: {}\r\n\r\n",
    "comments": b": ping\n\n",
    "blank lines": b"\n",
    "empty data": b"data:\n",
}
ECHO = {"error": {"message": "too long", "code": "x"}, "body": ["word " * 100] * 9}


def coded(data: bytes, coding: bytes, *, stream: bool) -> Script:
    return reply(sized(data, SSE[:-2] if stream else JSON[:-2], b"content-encoding: " + coding))


def coded_flood(status: bytes, coding: bytes, data: bytes) -> Script:
    return flooding(b"HTTP/1.1 " + status + b"\r\n" + SSE + b"content-encoding: " + coding + b"\r\n\r\n", data)


CASES = [
    # Documents.
    over("length over the limit", reply(sized(b"x" * 20_001, JSON[:-2])), "body", body=b""),
    over(
        "length over the limit, and nothing sent",
        reply(OK + JSON + b"content-length: 20001\r\n\r\n", then="silence"),
        "body",
        body=b"",
    ),
    over(
        "length of a stream over the limit",
        reply(OK + SSE + b"content-length: 50001\r\n\r\n", then="silence"),
        "stream",
        body=b"",
    ),
    whole("length at the limit", reply(sized(b"x" * 20_000, JSON[:-2])), limits=SMALL, body=b"x" * 20_000),
    Case(
        "claimed terabyte",
        reply(OK + JSON + b"content-length: 1099511627776\r\n\r\n{"),
        "protocol",
        "body",
        "limit",
        body=b"",
    ),
    over("endless JSON", flooding(OK + JSON + b"\r\n[", b"1," * 500), "body"),
    over("endless JSON in lines, without a type", flooding(OK + b"\r\n[\n", b"1,\n" * 500), "body"),
    over(
        "endless text where no stream was asked for",
        flooding(OK + b"\r\n", b"word\n" * 500),
        "body",
        asked_to_stream=False,
    ),
    Case(
        "a stream labelled JSON may be longer than a document",
        reply(OK + JSON + b"\r\n" + A * 400 + DONE),
        None,
        None,
        "done",
        limits=Limits(body_bytes=20_000),
        body=A * 400 + DONE,
    ),
    # Errors: the status says what they are, and no more of them is kept than has a meaning.
    Case(
        "endless error",
        flooding(b"HTTP/1.1 500 Oops\r\ncontent-type: text/plain\r\n\r\n", b"no " * 300),
        None,
        None,
        "limit",
        limits=SMALL,
        status=500,
        flag="body_cut",
        body=(b"no " * 334)[:1000],
    ),
    whole(
        "a long error",
        reply(sized(b"no " * 1000, status=b"500 Oops")),
        limits=SMALL,
        status=500,
        flag="body_cut",
        body=(b"no " * 334)[:1000],
    ),
    whole(
        "a long error in JSON is kept as JSON",
        reply(sized(json.dumps(ECHO).encode(), status=b"400 No")),
        limits=SMALL,
        status=400,
        flag="body_cut",
        body=json.dumps({**ECHO, "body": [f"{('word ' * 100)[:63]}…"] * 4}).encode(),
    ),
    Case(
        "an error that claims a terabyte",
        reply(b"HTTP/1.1 500 Oops\r\ncontent-length: 1099511627776\r\n\r\nno", then="silence"),
        "timeout",
        "body",
        "stall",
        status=500,
        body=b"no",
    ),
    Case(
        "gzip bomb in an error",
        reply(sized(BOMB, b"content-encoding: gzip", status=b"500 Oops")),
        None,
        None,
        "limit",
        flag="body_cut",
        body=b"\n" * 4096,
    ),
    Case(
        "endless error in an unknown coding",
        coded_flood(b"500 Oops", b"br", b"?!" * 500),
        None,
        None,
        "limit",
        limits=SMALL,
        status=500,
        flag="body_cut",
        body=b"?!" * 500,
    ),
    Case(
        "endless error in a broken coding",
        coded_flood(b"500 Oops", b"gzip", b"?!" * 500),
        None,
        None,
        "limit",
        limits=SMALL,
        status=500,
        flag="body_cut",
        body=b"?!" * 500,
    ),
    # Streams.
    *[over(f"endless {name}", flooding(STREAM, flood), "stream") for name, flood in FLOODS.items()],
    over(
        "a line over the limit, then done",
        reply(STREAM + b"data: " + b"z" * 3_001 + b"\n\n" + DONE),
        "stream",
    ),
    Case(
        "a line at the limit, then done",
        reply(STREAM + b"data: " + b"z" * 3_000 + b"\n\n" + DONE),
        None,
        None,
        "done",
        limits=SMALL,
    ),
    Case(
        "300 events",
        reply(b"".join([OK + SSE + b"\r\n", b"data: {}\n\n" * 299, DONE])),
        None,
        None,
        "done",
        limits=SMALL,
    ),
    over("301 events", reply(b"".join([OK + SSE + b"\r\n", b"data: {}\n\n" * 300, DONE])), "stream"),
    Case(
        "one byte a packet",
        reply(OK + JSON + b"\r\n[", *[b" ", 0.0] * 200, then="silence"),
        "protocol",
        "body",
        "limit",
        limits=Limits(stream_events=5),
    ),
    # Codings.
    Case("gzip", coded(gzip.compress(A + DONE), b"gzip", stream=True), None, None, "done"),
    Case(
        "gzip in small packets",
        reply(
            OK + SSE + b"content-encoding: gzip\r\n\r\n",
            *[part for at in range(0, 90, 5) for part in (gzip.compress(A + DONE)[at : at + 5], 0.001)],
        ),
        None,
        None,
        "done",
    ),
    Case("gzip bomb as JSON", coded(BOMB, b"gzip", stream=False), "protocol", "body", "limit"),
    Case("gzip bomb as a stream", coded(LINE_BOMB, b"gzip", stream=True), "protocol", "stream", "limit"),
    over("gzip bomb of events", coded(gzip.compress(A * 10_000, 1), b"gzip", stream=True), "stream"),
    Case("gzip bomb in gzip", coded(TWICE, b"gzip, gzip", stream=False), "protocol", "body", "limit"),
    Case(
        "deflate bomb",
        coded(zlib.compress(b"\n" * 30_000_000, 1), b"deflate", stream=False),
        "protocol",
        "body",
        "limit",
    ),
    Case(
        "gzip that is cut",
        reply(
            OK
            + SSE
            + b"content-encoding: gzip\r\ntransfer-encoding: chunked\r\n\r\n"
            + chunked(gzip.compress(A)[:-8], last=b"").partition(b"\r\n\r\n")[2]
        ),
        "network",
        "stream",
        "reset",
        body=gzip.compress(A)[:-8],
    ),
    whole("gzip that is none", coded(b"{}" * 10, b"gzip", stream=False), body=b"{}" * 10),
    whole("unknown coding", coded(b"??", b"br", stream=False), body=b"??"),
    over("endless stream in an unknown coding", coded_flood(b"200 OK", b"br", b"?!" * 500), "stream"),
    over("endless stream in a broken coding", coded_flood(b"200 OK", b"gzip", b"?!" * 500), "stream"),
]
