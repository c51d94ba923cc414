"""What holds for every body: cuts do not matter, and what is read stays within the limits."""

import gzip
import zlib
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from support.chat_records import DONE, EVENT_STREAM, chunk, event, exchange

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.bodies.sse import read_event_stream
from byok_bench.wire.limits import Limits

LINES = st.sampled_from(
    [
        event(chunk({"role": "assistant", "content": "a\u2028\ud83d"})),
        event(chunk({"content": "\ude00"})),
        event(chunk({"tool_calls": [{"index": 0, "id": "x", "function": {"name": "f", "arguments": "{}"}}]})),
        event(chunk({}, "stop")),
        event({"error": {"message": "boom"}}),
        b'{"error":{"message":"boom"}}\n',
        b"data: caf\xe9\n\n",
        "data: caf\u00e9 \U0001f600\n\n".encode(),
        b"event: ping\r\r",
        b": comment\r\n",
        b"data: x\r\n\r\n",
        b"data: ",
        b"<html>",
        b"\xef\xbb\xbf",
        b"\xe2\x82",
        b"\n",
        b"\r",
        b"stray\n",
        DONE,
    ]
)
BODIES = st.tuples(st.sampled_from([b"", b"", b"<html>"]), st.lists(LINES, max_size=8).map(b"".join)).map(b"".join)
HEADERS = {
    "plain": EVENT_STREAM,
    "gzip": {**EVENT_STREAM, "content-encoding": "gzip"},
    "deflate": {**EVENT_STREAM, "content-encoding": "deflate"},
    "untyped": {},
}


def coded(body: bytes, name: str) -> bytes:
    if name == "gzip":
        return gzip.compress(body, mtime=0)
    return zlib.compress(body) if name == "deflate" else body


def everything(seen: Exchange) -> Any:
    """All that is read of an exchange but its times."""
    events = [(one.offset, one.name, one.data) for one in seen.events]
    return events, msgspec.to_builtins(seen.output), seen.error, run_checks(seen)


@settings(max_examples=200)
@given(
    BODIES,
    st.sampled_from(list(HEADERS)),
    st.sampled_from(["eof", "done", "reset", "stall"]),
    st.sampled_from(["whole", "cut short", "one bad byte"]),
    st.data(),
)
def test_cuts_do_not_matter(body: bytes, coding: str, end: Any, damage: str, data: st.DataObject) -> None:
    """However a body is cut into reads, coded or damaged, it is read and judged the same."""
    sent = coded(body, coding)
    place = data.draw(st.integers(0, max(0, len(sent) - 1)) | st.just(max(0, len(sent) - 3)))
    if damage == "cut short":
        sent = sent[:place]
    elif damage == "one bad byte":
        sent = sent[:place] + b"\xff" + sent[place + 1 :]
    places = sorted(data.draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    pieces = [sent[start:stop] for start, stop in zip([0, *places], [*places, len(sent)], strict=True) if start < stop]
    whole, cut = (exchange(read, headers=HEADERS[coding], end=end) for read in ([sent] if sent else [], pieces))
    assert everything(cut) == everything(whole)
    singly = exchange([sent[i : i + 1] for i in range(len(sent))], headers=HEADERS[coding], end=end)
    assert everything(singly) == everything(whole)


@settings(max_examples=200)
@given(BODIES | st.binary(max_size=80), st.integers(1, 40), st.integers(1, 4), st.booleans())
def test_what_is_read_stays_within_the_limits(body: bytes, line: int, events: int, clean: bool) -> None:
    """No line, event or number of them grows past its limit, and nothing holds more than was sent."""
    stream = read_event_stream([(0, body)], clean=clean, limits=Limits(line_bytes=line, stream_events=events))
    read = stream.events + ([stream.pending] if stream.pending is not None else [])
    assert len(stream.events) <= events + 1
    assert len(stream.strays) <= events
    assert len(stream.dataless) <= events
    assert all(len(part) <= line for one in read for part in one.data.split("\n"))
    assert all(len(one.data) <= line + one.data.count("\n") for one in read)
    assert all(len(one.text) <= line for one in stream.strays)
    assert sum(len(one.data) for one in read) + sum(len(one.text) for one in stream.strays) <= len(body)
