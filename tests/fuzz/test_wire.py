"""Bytes below the dialects: fields of events against a slow reader, limits, and HTTP framing, however it is cut."""

import re
import zlib
from typing import Any

import pytest
from hypothesis import strategies as st
from support.damage import TOKENS
from support.fuzzing import CUTS, LONGEST_S, Cut, for_a_while, pieces_of

from byok_bench.wire.bodies.content_coding import decode_content
from byok_bench.wire.bodies.sse import read_event_stream
from byok_bench.wire.connections.http1 import AnswerParser
from byok_bench.wire.failures import Failure
from byok_bench.wire.limits import Limits
from byok_bench.wire.raw_exchange import End, Phases, RawExchange, RawHead, RawRequest
from byok_bench.wire.recording.recorder import Recorder

pytestmark = pytest.mark.timeout(LONGEST_S)
LINE_ENDS = st.sampled_from((b"\n", b"\n", b"\r\n", b"\r"))
NAMES = st.sampled_from(
    (b"data", b"data", b"data", b"event", b"id", b"retry", b"", b" data", b"Data", b"x", b"\xef\xbb\xbfdata")
)
VALUES = st.binary(max_size=12) | st.sampled_from(
    (b"", b" ", b"{}", b"[DONE]", b" [DONE] ", b"a:b", b"data: {}", b"\0", b"\xf0\x9f", b"\xe2\x80\xa8\xc2\x85\x0c")
)  # fmt: skip
LINES = st.just(b"") | st.builds(
    lambda name, colon, value: name + (colon + value.translate(None, b"\r\n") if colon else b""),
    NAMES,
    st.sampled_from((b": ", b":", b":  ", b"")),
    VALUES,
)
STREAMS = st.builds(
    lambda bom, lines, rest: bom + b"".join(line + end for line, end in lines) + rest,
    st.sampled_from((b"", b"", b"\xef\xbb\xbf")),
    st.lists(st.tuples(LINES, LINE_ENDS), max_size=25),
    LINES,
)


def by_the_standard(body: bytes) -> list[tuple[str, str]]:
    """(name, data) of the events of a body, as "9.2.6 Interpreting an event stream" of the HTML standard reads it."""
    lines = re.split("\r\n|\r|\n", body.decode("utf-8", "replace").removeprefix("\ufeff"))
    events, name, data = [], "", ""
    for line in lines[:-1]:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            if data:
                events.append((name, data.removesuffix("\n")))
            name = data = ""
        elif field == "data":
            data += value + "\n"
        elif field == "event":
            name = value
    return events


@for_a_while(0.15, STREAMS, CUTS)
def test_events_are_those_of_the_standard(body: bytes, cut: Cut) -> None:
    """Whatever fields, comments, line ends and bytes a stream has, its events are the standard's, at their places."""
    stream = read_event_stream([(number, piece) for number, piece in enumerate(pieces_of(body, cut))])
    assert [(event.name, event.data) for event in stream.events] == by_the_standard(body)
    for event in stream.events:
        assert re.match(rb"(data|event|id|retry)[:\r\n]", body[event.offset :])


class Stopped:
    """What a recorder was told to stop for."""

    def __init__(self) -> None:
        self.why: str | None = None

    def note_terminator(self, t_ns: int) -> None:
        self.why = self.why or "done"

    def close_record(self, end: End, reason: Failure | None) -> None:
        self.why = self.why or end


def record_of(headers: tuple[tuple[str, str], ...]) -> tuple[RawExchange, RawHead]:
    """A record that waits for its response, and the head of that."""
    request = RawRequest(id="r", method="POST", url="http://127.0.0.1/v1", headers=(), body=b"{}")
    phases = Phases(start=0, written=0)
    return RawExchange(request=request, phases=phases), RawHead(status=200, http="1.1", headers=headers)


def packed(body: bytes, coding: str) -> bytes:
    """The body in a content coding."""
    if not coding:
        return body
    coder = zlib.compressobj(wbits=31 if coding == "gzip" else 15)
    return coder.compress(body) + coder.flush()


LIMITS = st.builds(
    Limits,
    line_bytes=st.integers(1, 60),
    stream_events=st.integers(1, 8),
    stream_bytes=st.integers(1, 400),
    body_bytes=st.integers(1, 400),
)


@for_a_while(
    0.15,
    st.lists(st.sampled_from(TOKENS) | STREAMS, max_size=8).map(b"".join),
    st.sampled_from((1, 1, 3, 40)),
    CUTS,
    LIMITS,
    st.sampled_from(("", "gzip", "deflate")),
    st.sampled_from(("text/event-stream", "application/json", "")),
)
def test_nothing_grows_past_its_limits(
    body: bytes, times: int, cut: Cut, limits: Limits, coding: str, media_type: str
) -> None:
    """The recorder stops within one read of a limit, and what is read of any record is bounded by the limits."""
    record, head = record_of((("content-type", media_type), ("content-encoding", coding)))
    stopped = Stopped()
    recorder = Recorder(record, limits, "sse-done", stopped)
    recorder.record_head(0, head)
    for number, piece in enumerate(pieces_of(packed(body * times, coding), cut)):
        if stopped.why is None:
            recorder.record_body(number, piece)
    labelled = media_type == "text/event-stream"  # else the first character decides, behind blanks of either kind
    cap = limits.stream_bytes if labelled else max(limits.stream_bytes, limits.body_bytes)
    kept = decode_content(record.chunks[:-1], (coding,) if coding else (), 1 << 30)
    assert sum(len(data) for _, data in kept.chunks) <= cap
    within = decode_content(record.chunks, (coding,) if coding else (), cap)
    assert sum(len(data) for _, data in within.chunks) <= cap
    stream = read_event_stream(within.chunks, limits=limits)
    assert len(stream.events) <= limits.stream_events + 1
    assert max(len(stream.strays), len(stream.dataless)) <= limits.stream_events
    assert all(len(event.data.encode()) <= 3 * limits.line_bytes for event in stream.events)
    if recorder.is_stream and stopped.why is None and body.endswith(b"\n\n"):
        assert stream.over_limit is None  # what the recorder lets through is read to its end


class Listener:
    """Writes down what an answer reports, and that it is reported in order."""

    def __init__(self) -> None:
        self.heads: list[RawHead] = []
        self.data = b""
        self.end: str | None = None
        self.begun = 0

    def note_start(self) -> None:
        assert not self.heads
        self.begun += 1

    def record_head(self, t_ns: int, head: RawHead) -> None:
        assert self.begun == 1
        assert self.end is None
        self.heads.append(head)

    def record_body(self, t_ns: int, data: bytes) -> None:
        assert len(self.heads) == 1
        assert data
        assert self.end is None
        self.data += data

    def complete_body(self, t_ns: int, reusable: bool) -> None:
        assert len(self.heads) == 1
        assert self.end is None
        self.end = "complete"

    def refuse_answer(self, t_ns: int, message: str, limit: bool) -> None:
        assert message
        assert self.end is None
        self.end = "limit" if limit else "broken"


HTTP_TOKENS = (
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 X\r\nlink: a\r\n\r\n"),
    *(b"HTTP/1.1 204 No\r\n", b"HTTP/1.0 200\r\n", b"HTTP/2 200\r\n", b"HTTP/1.1 101 Switching\r\n"),
    *(b"HTTP/1.1 20 x\r\n", b"HTTP/1.1 999 x\n", b"content-length: 5\r\n", b"Content-Length: 0\r\n"),
    *(b"content-length: -1\r\n", b"content-length: 99999999999999999999\r\n"),
    *(b"transfer-encoding: chunked\r\n", b"transfer-encoding: gzip, chunked\r\n", b"connection: close\r\n"),
    *(b"upgrade: h2c\r\n", b"connection: upgrade\r\n", b"x: \xff\x80\r\n", b": y\r\n", b" folded\r\n"),
    *(b"a b: c\r\n", b"x" * 90 + b": y\r\n", b"trailer: t\r\n", b"\r\n", b"\n", b"\r", b"\r\n\r\n"),
    *(b"5\r\nhello\r\n", b"5;x=y\r\nhello\r\n", b"0\r\n\r\n", b"0\r\nt: 1\r\n\r\n", b"g\r\n", b"hello"),
    *(b"ffffffffffffffff\r\n", b"-1\r\n", b"0000000000005\r\nhello\r\n", b"5\nhello\n", b"<html>", b"\0"),
    *(b"data: {}\n\n", b"SSH-2.0\r\n"),
)  # fmt: skip
FIELDS = (
    b"a: b\r\n",
    b"long: " + b"x" * 40 + b"\r\n",
    b"connection: close\r\n",
    b"date: Mon, 01 Jan 2024 00:00:00 GMT\r\n",
)
ANSWERS = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n11\r\ndata: {\"a\":1}\r\n\r\n\r\n0\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
    b"HTTP/1.0 200 OK\r\n\r\nhello",
)  # fmt: skip


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """Bytes that are nearly an HTTP answer."""
    whole = draw(st.sampled_from(ANSWERS) | st.just(b""))
    for _ in range(draw(st.integers(0, 5))):
        start, stop = sorted((draw(st.integers(0, len(whole))), draw(st.integers(0, len(whole)))))
        stop = stop if draw(st.booleans()) else start
        whole = whole[:start] + draw(st.sampled_from(HTTP_TOKENS) | st.binary(max_size=3)) + whole[stop:]
    return whole


def heard(whole: bytes, cut: Cut, limits: Limits) -> tuple[Any, ...]:
    """All that is reported of an answer, read to its end."""
    listener = Listener()
    answer = AnswerParser(listener, limits)
    for number, piece in enumerate(pieces_of(whole, cut), 1):
        if listener.end is None:
            answer.feed(number, piece)
    missing = answer.end_stream(clean=True) if listener.end is None else None
    answer.stop_listening()
    return listener.heads, listener.data, listener.end, missing


@for_a_while(0.10, answers(), CUTS)
def test_cuts_of_an_http_answer_mean_nothing(whole: bytes, cut: Cut) -> None:
    """Whatever comes where an answer should, nothing raises, and head, body and end do not depend on the reads."""
    assert heard(whole, cut, Limits()) == heard(whole, (), Limits())


@for_a_while(0.05, st.lists(st.sampled_from(FIELDS), max_size=9), CUTS, st.integers(1, 6), st.integers(60, 400))
def test_heads_stay_within_their_limits(fields: list[bytes], cut: Cut, lines: int, size: int) -> None:
    """A head is handed on if it has no more lines and bytes than are allowed, and not if it has more."""
    block = b"".join(fields)
    head = b"HTTP/1.1 200 \r\n" + block + b"\r\n"
    heads, _, end, _ = heard(head, cut, Limits(head_lines=lines, head_bytes=size))
    fits = len(fields) <= lines and len(head) <= size
    assert bool(heads) is fits
    assert (end == "limit") is not fits
