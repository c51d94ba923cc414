"""Server-sent events: timed bytes in, timed events out.

The rules of the WHATWG standard (docs/wire.md, "Reading streams", has the one exception: what is pending at a
clean end is handed out, so that its reader can use and report it). Beside the events stands what a judge of
the framing wants to know. Chunk borders mean nothing but time. No sockets, no clock, no JSON.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Final

import msgspec

from byok_bench.wire.limits import DEFAULT_LIMITS, Limits
from byok_bench.wire.raw_exchange import Chunk

BOM: Final = b"\xef\xbb\xbf"
_REPLACEMENT: Final = b"\xef\xbf\xbd"
_DATA: Final = "data: "
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")
_NAMES: Final = {b"\n": "LF", b"\r": "CR", b"\r\n": "CRLF"}
_FIELDS: Final = (b"data", b"event", b"id", b"retry")


class Event(msgspec.Struct, frozen=True, gc=False):
    """One server-sent event, as dispatched."""

    t_ns: int
    """Stamp of the chunk that completed the event."""
    offset: int
    """Where its first field line begins, bytes in the content-decoded body."""
    name: str
    """Value of its `event` field; empty if it had none."""
    data: str
    """Its data lines joined with LF; bad UTF-8 sequences are U+FFFD."""


class StrayLine(msgspec.Struct, frozen=True, gc=False):
    """A line that is neither blank, a comment, nor a field of the standard."""

    offset: int
    text: str


class EventStream(msgspec.Struct, kw_only=True):
    """A whole body, read as server-sent events."""

    events: list[Event] = []
    pending: Event | None = None
    """At a clean end: data lines that no blank line closed."""
    strays: list[StrayLine] = []
    """Lines outside all fields; no more of them are kept than a stream may have events."""
    dataless: list[int] = []
    """Offsets of blocks that a blank line closed, with event, id or retry fields and no data line; as many."""
    has_data: bool = False
    """Whether any line's field name is data."""
    has_bom: bool = False
    line_ends: list[str] = []
    """Which of LF, CR and CRLF occur."""
    over_limit: str | None = None
    """The limit that was passed; what came before it is read."""


def read_event_stream(
    chunks: Sequence[Chunk],
    *,
    body: bytes | None = None,
    clean: bool = True,
    limits: Limits = DEFAULT_LIMITS,
) -> EventStream:
    """Events of a content-decoded body; `body` is all chunks joined, where the caller has that already.

    `clean`: the body ended as it should, not by reset or stall.
    """
    body = b"".join([data for _, data in chunks]) if body is None else body
    reader = _EventStreamReader(chunks, limits)
    reader.stream.has_bom = body.startswith(BOM)
    start = len(BOM) if reader.stream.has_bom else 0
    line_end = _find_uniform_line_end(body)
    reader.stream.line_ends = _list_line_ends(body) if line_end is None else [_NAMES[line_end]]
    text = None if line_end is None else _decode_few_events(body, start, line_end, limits)
    if line_end is None or text is None:
        rest = reader.read_lines(body, start)
    else:
        rest = reader.read_blocks(text, start, line_end.decode())
    reader.finish(rest, len(body), clean=clean)
    return reader.stream


def find_invalid_utf8(body: bytes, *, clean: bool = True) -> int | None:
    """Offset of the first bad sequence; None if there is none. One cut by an unclean end is no bad one."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        cut = error.end == len(body) and error.reason == "unexpected end of data"
        return None if cut and not clean else error.start
    return None


def _find_uniform_line_end(body: bytes) -> bytes | None:
    """LF or CRLF if all line ends are that; None for a mixture or lone CRs."""
    returns = body.count(b"\r")
    if not returns:
        return b"\n"
    return b"\r\n" if returns == body.count(b"\n") == body.count(b"\r\n") else None


def _decode_few_events(body: bytes, start: int, line_end: bytes, limits: Limits) -> str | None:
    """The body as text, where that is one; None if it may hold more events than are read."""
    blank = line_end * 2
    # No event is shorter than its end: counting those takes longer than decoding the body.
    if len(body) > limits.stream_events * len(blank) and body.count(blank) > limits.stream_events:
        return None
    try:
        return body[start:].decode() if start else body.decode()
    except UnicodeDecodeError:
        return None


def _list_line_ends(body: bytes) -> list[str]:
    both = body.count(b"\r\n")
    counts = {"LF": body.count(b"\n") - both, "CR": body.count(b"\r") - both, "CRLF": both}
    return [name for name, count in counts.items() if count]


class _EventStreamReader:
    """Fields between two blank lines, and the stream read so far."""

    def __init__(self, chunks: Sequence[Chunk], limits: Limits) -> None:
        self.stream = EventStream()
        self._limits = limits
        self._stamps = [t_ns for t_ns, _ in chunks]
        self._ends = list(accumulate([len(data) for _, data in chunks]))
        self._chunk = 0
        self._room = limits.stream_lines
        self._forget()

    def _forget(self) -> None:
        self._offset = -1
        self._name = b""
        self._data: list[bytes] = []
        self._size = 0

    def read_blocks(self, text: str, start: int, line_end: str) -> tuple[int, bytes]:
        """Split where an event of one data line may begin; what is more than that is read line by line.

        All lines end alike. Returns the unfinished last line and its offset.
        """
        events, closing = self.stream.events, line_end * 2
        ends, stamps, chunk, step = self._ends, self._stamps, 0, len(line_end)
        begin = len(_DATA) + step
        first, *pieces = text.split(closing + _DATA)
        if not pieces:
            return self.read_lines(text.encode(), base=start)
        offset, _ = self.read_lines((first + closing).encode(), base=start)
        last = pieces.pop()
        is_ascii, longest = text.isascii(), self._limits.line_bytes - len(_DATA)
        for piece in pieces if not self.stream.over_limit else ():
            size = len(piece) if is_ascii else len(piece.encode())
            if "\n" in piece or size > longest:
                offset, _ = self.read_lines((_DATA + piece + closing).encode(), base=offset)
                if self.stream.over_limit:
                    break
                continue
            closed_at = offset + begin + size
            while ends[chunk] <= closed_at:
                chunk += 1
            events.append(Event(stamps[chunk], offset, "", piece))
            offset = closed_at + step
            self._room -= 2
        self.stream.has_data = True
        return (0, b"") if self.stream.over_limit else self.read_lines((_DATA + last).encode(), base=offset)

    def read_lines(self, body: bytes, start: int = 0, base: int = 0) -> tuple[int, bytes]:
        """Line by line from `start` on, whatever ends the lines; `base` is the offset of `body` itself.

        Returns the unfinished last line and its offset.
        """
        begin = start
        for found in _LINE_END.finditer(body, start):
            self._room -= 1
            if self._room < 0:
                self._pass_limit("lines")
                return 0, b""
            if found.start() > begin:
                self._read_line(base + begin, body[begin : found.start()])
            else:
                self._read_blank_line(base + begin)
            if self.stream.over_limit:
                return 0, b""
            begin = found.end()
        return base + begin, body[begin:]

    def finish(self, rest: tuple[int, bytes], size: int, *, clean: bool) -> None:
        """The end of the body: an unfinished last line, and what no blank line closed."""
        offset, line = rest
        if clean or not any(field.startswith(line) for field in _FIELDS):
            self._read_line(offset, line)
        if clean and self._data and not self.stream.over_limit:
            self.stream.pending = self._make_event(size - 1)

    def _read_line(self, offset: int, line: bytes) -> None:
        if not line or line.startswith(b":"):
            return
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if len(value if field == b"data" else line) > self._limits.line_bytes:
            self._pass_limit("line")
            return
        if field not in _FIELDS:
            if line.strip() and len(self.stream.strays) < self._limits.stream_events:
                self.stream.strays.append(StrayLine(offset, line.decode("utf-8", "replace")))
            return
        if self._offset < 0:
            self._offset = offset
        if field == b"data":
            self.stream.has_data = True
            self._data.append(value)
            self._size += len(value)
            if self._size > self._limits.line_bytes:
                self._pass_limit("event")
        elif field == b"event":
            self._name = value

    def _read_blank_line(self, at: int) -> None:
        """Dispatch what has data, forget what has none. `at`: offset of the byte that ended the blank line."""
        if self.stream.over_limit:
            return
        if self._data:
            self.stream.events.append(self._make_event(at))
            if len(self.stream.events) > self._limits.stream_events:
                self._pass_limit("events")
        elif self._offset >= 0 and len(self.stream.dataless) < self._limits.stream_events:
            self.stream.dataless.append(self._offset)
        self._forget()

    def _make_event(self, at: int) -> Event:
        while self._ends[self._chunk] <= at:
            self._chunk += 1
        return Event(
            self._stamps[self._chunk],
            self._offset,
            self._name.decode("utf-8", "replace"),
            b"\n".join(self._data).decode("utf-8", "replace"),
        )

    def _pass_limit(self, what: str) -> None:
        self.stream.over_limit = what
        self._forget()


def iterate_invalid_utf8_events(body: bytes, events: Sequence[Event]) -> Iterator[tuple[int, bool]]:
    """(index, whether it holds a U+FFFD of the server's own) of each event with bad UTF-8 in it."""
    borders = [*(event.offset for event in events), len(body)]
    for index, event in enumerate(events):
        piece = body[event.offset : borders[index + 1]]
        if find_invalid_utf8(piece) is not None:
            yield index, _REPLACEMENT in piece or "\\ufffd" in event.data.lower()
