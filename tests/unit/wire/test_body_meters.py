"""The meters that look at a body while it is recorded, against a slow reading of the same bytes."""

import gzip
import itertools
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.terminator import end_of_done

from byok_bench.wire.limits import Limits
from byok_bench.wire.recording.body_meters import (
    TERMINATOR_SEEN,
    DecodingMeter,
    OpeningMeter,
    SizeMeter,
    StreamMeter,
)

PIECES = st.sampled_from(
    b"data: {}|data: [DONE]|data:[DONE]|data: x[DONE]|: ping|event: e|data|[DONE]|data: data: [DONE]|data:   [DONE]  "
    b"|id: 1|data: [".split(b"|")
)
LINE_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])
STREAMS = st.lists(st.tuples(st.one_of(PIECES, st.just(b"")), LINE_ENDS), max_size=30).map(
    lambda lines: b"".join(text + end for text, end in lines)
)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    """The body cut at the places, taken modulo its length."""
    edges = sorted({0, len(body), *(place % (len(body) + 1) for place in places)})
    return [body[start:stop] for start, stop in itertools.pairwise(edges)]


@given(STREAMS, st.lists(st.integers(0, 400)))
def test_the_terminator_is_found_at_the_read_that_dispatches_it(body: bytes, places: list[int]) -> None:
    """Wherever the reads are cut, the stream ends at the read with the blank line behind data: [DONE], or never."""
    meter = StreamMeter(Limits(), "sse-done")
    seen = 0
    for part in cut(body, places):
        seen += len(part)
        if meter(part) == TERMINATOR_SEEN:
            break
    else:
        seen = 0
    expected = end_of_done(body)
    if expected is None:
        assert seen == 0
    else:
        edges = [sum(map(len, cut(body, places)[:n])) for n in range(len(cut(body, places)) + 1)]
        assert seen == next(edge for edge in edges if edge >= expected)


TYPED = {
    "messages": (
        b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"text":"\\"message_stop\\""}}\n\n',
        b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    ),
    "responses": (
        b'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","delta":"response.failed"}\n\n',
        b'event: response.incomplete\ndata: {"type": "response.incomplete", "response": {}}\n\n',
    ),
}


@pytest.mark.parametrize("name", ["", "event-less"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("terminator", TYPED)
def test_a_typed_stream_ends_at_its_terminal_event(terminator: Any, end: bytes, name: str) -> None:
    """Wherever it is cut in two: not at the word in a text, and not before the blank line."""
    before, last = TYPED[terminator]
    if name:
        before, last = (one[one.index(b"data") :] for one in (before, last))
    body = (before + last).replace(b"\n", end)
    stop = len(body) - (len(end) - 1)  # a lone CR of the blank line dispatches, whatever follows
    for place in range(1, len(body)):
        meter = StreamMeter(Limits(), terminator)
        assert [meter(body[:place]), meter(body[place:])].index(TERMINATOR_SEEN) == (place < stop), place


@pytest.mark.parametrize("terminator", ["none", "messages", "responses"])
def test_the_sentinel_of_chat_ends_no_other_stream(terminator: Any) -> None:
    """A gateway may put [DONE] behind, or in front of, what really ends such a stream."""
    assert StreamMeter(Limits(), terminator)(b"data: [DONE]\n\ndata: {}\n\n") is None


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 5000])
@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b"data: " + b"z" * 2_000 + b"\n\n", True),
        (b"data: " + b"z" * 2_001 + b"\n\n", False),
        ((b"data: " + b"z" * 1_000 + b"\n") * 2 + b"\n", True),
        ((b"data: " + b"z" * 1_001 + b"\n") * 2 + b"\n", False),
        ((b"data: " + b"z" * 1_500 + b"\n\n") * 5, True),
        ((b": " + b"z" * 1_500 + b"\n") * 5 + b"\n", True),
        (b": " + b"z" * 2_100 + b"\n\n", False),
    ],
)
def test_a_line_or_event_may_hold_as_much_as_the_limit_says(line: bytes, kept: bool, size: int) -> None:
    """The data of one event, or one line, may be as long as the limit and no longer, in reads of any size."""
    meter = StreamMeter(Limits(line_bytes=2_000), "sse-done")
    found = [meter(line[start : start + size]) for start in range(0, len(line), size)]
    assert all(one is None for one in found) is kept


@pytest.mark.parametrize("size", [1, 5, 64, 100_000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize(
    ("block", "kept"),
    [(b"data: {}", 300), (b"data: {}", 301), (b": ping", 5000), (b"data: {\ndata: }", 300)],
)
def test_events_are_counted_and_comments_are_not(block: bytes, kept: int, end: bytes, size: int) -> None:
    """A stream may have as many events as the limit says; comments, and data lines of one event, are no events."""
    meter = StreamMeter(Limits(stream_events=300), "sse-done")
    body = (block.replace(b"\n", end) + end + end) * kept
    found = [meter(body[start : start + size]) for start in range(0, len(body), size)]
    assert all(one is None for one in found) is (kept != 301)


@pytest.mark.parametrize("size", [1, 1000, 100_000])
@pytest.mark.parametrize("event", [b"data: {}\n\n", b"data: 1234567890\r\n\r\n"])
def test_a_stream_is_bounded_by_its_bytes(event: bytes, size: int) -> None:
    """The byte that passes the limit of a stream is the one that ends it, whatever ends the lines."""
    meter = StreamMeter(Limits(stream_bytes=10_000), "sse-done")
    body = event * (10_000 // len(event))
    assert all(meter(body[at : at + size]) is None for at in range(0, len(body), size))
    assert "10000 bytes" in (meter(b"\n") or "")


WRAPPED = {
    "gzip": lambda data: gzip.compress(data, 1),
    "deflate": lambda data: zlib.compress(data, 1),
    "bare deflate": lambda data: zlib.compress(data, 1)[2:-4],
    "two gzip members": lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
}


@pytest.mark.parametrize("size", [1, 3, 100_000])
@pytest.mark.parametrize("coding", WRAPPED)
def test_coded_streams_are_looked_into(coding: str, size: int) -> None:
    """The terminator of a compressed stream is found, in reads of any size."""
    meter = DecodingMeter(StreamMeter(Limits(), "sse-done"), [coding.split()[-1].replace("members", "gzip")], 1 << 26)
    body = WRAPPED[coding](b"data: {}\n\n" * 50 + b"data: [DONE]\n\n")
    assert TERMINATOR_SEEN in [meter(body[at : at + size]) for at in range(0, len(body), size)]


def test_what_unfolds_beyond_the_limit_ends_there() -> None:
    """Of a bomb no more is decoded than the limit allows."""
    plain = SizeMeter(1_000_000)
    meter = DecodingMeter(plain, ["gzip"], 1_000_000)
    bomb = gzip.compress(b"\0" * 50_000_000, 9)
    assert meter(bomb) is not None


@pytest.mark.parametrize("coding", [["gzip"], ["gzip", "gzip"], ["deflate", "gzip", "gzip"]])
def test_a_bomb_is_never_held(coding: list[str]) -> None:
    """Whatever unfolds, in however many codings: it is measured piece by piece, and what was measured is dropped."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS if coding[0] == "deflate" else 16 + zlib.MAX_WBITS)
    bomb = b"".join([packer.compress(b"\0" * 1_000_000) for _ in range(300)]) + packer.flush()
    for _ in coding[1:]:
        bomb = gzip.compress(bomb)
    tracemalloc.start()
    try:
        assert DecodingMeter(SizeMeter(200_000_000), coding, 200_000_000)(bomb) is not None
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_undecodable_bytes_are_bounded_as_they_came(coding: str) -> None:
    """What cannot be decoded passes the meter, since the reader of the record names it, but not without end."""
    meter = DecodingMeter(SizeMeter(100), [coding], 100)
    assert [meter(b"nonsense" * 5) for _ in range(3)] == [None, None, "a body of more than 100 bytes"]


@pytest.mark.parametrize("is_stream", [True, False])
@pytest.mark.parametrize(
    ("parts", "opens_as"),
    [
        ([b"\n", b" {", b'"a": "'], False),
        ([b"\xef", b"\xbb\xbf[", b"data"], False),
        ([b"\r\n", b"d", b"ata: {"], True),
        ([b": ping\n"], True),
        ([b"<html>"], None),
        ([b"", b"\n"], None),
    ],
)
def test_a_body_is_measured_as_what_it_opens_like(parts: list[bytes], opens_as: bool | None, is_stream: bool) -> None:
    """A brace makes a document, a field or a comment a stream; the label says what anything else is."""
    meter = OpeningMeter(lambda data: "document", lambda data: "stream", is_stream=is_stream)
    found = [meter(part) for part in parts][-1]
    expected = is_stream if opens_as is None else opens_as
    assert (found, meter.is_stream) == ("stream" if expected else "document", expected)


@pytest.mark.parametrize("tail", [b"", b"data: {}\n\n"])
def test_a_limit_passed_before_the_terminator_counts_though_both_come_in_one_read(tail: bytes) -> None:
    """A line over its limit ends the stream although the terminator follows in the read; one behind it does not."""
    meter = StreamMeter(Limits(line_bytes=1_000), "sse-done")
    long, done = b"data: " + b"z" * 1_001 + b"\n\n", b"data: [DONE]\n\n"
    assert "1000 bytes" in (meter(long + done + tail) or "")
    assert StreamMeter(Limits(line_bytes=1_000), "sse-done")(done + long + tail) == TERMINATOR_SEEN


def test_a_stream_over_its_limit_is_not_saved_by_its_terminator() -> None:
    """A terminator that itself passes the stream's limit comes too late."""
    meter = StreamMeter(Limits(stream_events=3), "sse-done")
    assert "3 events" in (meter(b"data: {}\n\n" * 3 + b"data: [DONE]\n\n") or "")
