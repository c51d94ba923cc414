"""Meters: what is looked for in a body while it is recorded, and nothing else.

A meter is called with the bytes of each read, content coding removed, and answers None ("go on"), `DONE`
(the stream's terminator was dispatched) or a sentence that names the limit that was passed. Sizes are those
of `Limits`. Events are counted and bounded by their line ends; only one that may be the terminator is read.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final

from byok_bench.wire.bodies.content_coding import ContentDecoder
from byok_bench.wire.limits import Limits
from byok_bench.wire.recording.terminators import TERMINATOR_SIGNS, Terminator

TERMINATOR_SEEN: Final = "done"
Meter = Callable[[bytes], str | None]

_NOWHERE: Final = b"\n\0\n"
"""Stands for the mark of a stream that nothing ends: no event holds it."""
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"
"""White space of JSON, and the bytes of a byte order mark."""
_STEP_BYTES: Final = 1_024


class SizeMeter:
    """A body that is one document: bounded by its size."""

    def __init__(self, cap: int) -> None:
        self._left = cap
        self._cap = cap

    def __call__(self, data: bytes) -> str | None:
        self._left -= len(data)
        return None if self._left >= 0 else f"a body of more than {self._cap} bytes"


class OpeningMeter:
    """A body whose label may be wrong: one document or a stream, as its first character says."""

    def __init__(self, document: Meter, stream: Meter, *, is_stream: bool) -> None:
        self.is_stream = is_stream
        """What the body is taken for: by its label, until its first character says otherwise."""
        self._meters = (document, stream)
        self._decided = False

    def __call__(self, data: bytes) -> str | None:
        if self._decided:
            return self._meters[self.is_stream](data)
        opening = data.lstrip(_BLANK)[:1]
        if opening:
            self._decided = True
            self.is_stream = opening not in b"{[" if self.is_stream else opening in b":deir"
        # Both count what stands in front, whichever will be asked from here on.
        return [meter(data) for meter in self._meters][self.is_stream]


class StreamMeter:
    """A stream of events: bounded by its size, its events, and the longest line or event in it.

    Lines are taken to end in LF; CRLF and CR are turned into LF first, which most streams never need.
    Both counts are upper bounds of the events (a blank line may end a comment, an event may have several data
    lines), and a stream is over its limit when both are.
    """

    def __init__(self, limits: Limits, terminator: Terminator) -> None:
        self._limits = limits
        self._most_bytes = limits.stream_bytes
        self._most_events = limits.stream_events
        self._most_lines = limits.stream_lines
        self._sign = TERMINATOR_SIGNS[terminator]
        self._mark, *others = self._sign.marks or (_NOWHERE,)
        self._search = re.compile(b"|".join(map(re.escape, others))).search if others else None
        self._edge_bytes = max(map(len, (self._mark, *others))) - 1
        """How much of a mark may stand at the end of a read."""
        self._size = 0
        self._lines = 0
        self._blank_lines = 0
        self._data_lines = 0
        self._pending: list[bytes] = []
        """What came since the last blank line."""
        self._open_bytes = 0
        self._open_cap = limits.line_bytes
        self._event_bytes = 0
        """Data of the open event that was weighed and is no longer in `pending`."""
        self._edge = b""
        self._armed = False
        """The mark stands in `pending`; the blank line that dispatches it is still to come."""
        self._cr = False

    def __call__(self, data: bytes) -> str | None:
        # One whole event in one read, of one data line or of a name and one: the usual case. `find`, because `in`
        # first makes an exception of the bytes not being a number, which costs more than the search.
        size, lines = len(data), data.count(b"\n")
        if (
            not self._open_bytes
            and size <= self._open_cap
            and data.endswith(b"\n\n")
            and (
                (lines == 2 and data.startswith(b"data"))
                or (lines == 3 and data.startswith(b"event") and data.find(b"\ndata") >= 0)
            )
            and data.find(b"\r") < 0
            and data.find(self._mark) < 0
            and (self._search is None or self._search(data) is None)
        ):
            self._size += size
            self._lines += lines
            self._blank_lines += 1
            self._data_lines += 1
            within = (
                self._size <= self._most_bytes
                and self._blank_lines <= self._most_events
                and self._lines <= self._most_lines
            )
            return None if within else self._find_passed_limit()
        return self._measure_read(data)

    def _measure_read(self, data: bytes) -> str | None:
        self._size += len(data)
        if self._cr or data.find(b"\r") >= 0:
            data = self._unify_line_ends(data)
        self._open_bytes += len(data)
        self._lines += data.count(b"\n")
        self._blank_lines += data.count(b"\n\n")
        self._data_lines += data.count(b"\nd") + data.startswith(b"d")
        marked = (
            self._armed
            or self._is_marked(data)
            or (self._edge != b"" and self._is_marked(self._edge + data[: self._edge_bytes]))
        )
        if not marked and self._open_bytes <= self._open_cap and data[-2:] == b"\n\n":
            self._pending.clear()
            self._open_bytes = 0
            self._edge = b""
            return self._find_passed_limit()
        return self._look_closer(data, marked) or self._find_passed_limit()

    def _is_marked(self, data: bytes) -> bool:
        return data.find(self._mark) >= 0 or (self._search is not None and self._search(data) is not None)

    def _find_passed_limit(self) -> str | None:
        limits = self._limits
        if self._size > limits.stream_bytes:
            return f"a stream of more than {limits.stream_bytes} bytes"
        if self._blank_lines > limits.stream_events and self._data_lines > limits.stream_events:
            return f"a stream of more than {limits.stream_events} events"
        if self._lines > limits.stream_lines:
            return f"a stream of more than {limits.stream_lines} lines"
        return None

    def _look_closer(self, data: bytes, marked: bool) -> str | None:
        """A read that ends inside an event, holds the mark, or belongs to an event of unusual size."""
        self._pending.append(data)
        straddled = self._edge[-1:] == b"\n" and data[:1] == b"\n"
        self._blank_lines += straddled
        oversized = self._open_bytes > self._open_cap
        if not straddled and b"\n\n" not in data:
            self._armed = marked
            self._edge = (self._edge + data)[-self._edge_bytes :]
            return self._weigh_open_event() if oversized else None
        blocks = b"".join(self._pending).split(b"\n\n")
        rest = blocks.pop()
        for number, block in enumerate(blocks, start=1):
            if oversized and self._is_too_long(block):
                return self._describe_too_long()
            if marked and self._is_marked(block) and self._sign.is_in(block):
                # What follows in the same read counts for no limit, but was counted.
                is_last = number == len(blocks) and not rest
                return (self._find_passed_limit() if is_last else None) or TERMINATOR_SEEN
        self._pending = [rest]
        self._open_bytes = len(rest)
        self._open_cap = self._limits.line_bytes
        self._event_bytes = 0
        self._armed = self._is_marked(rest)
        self._edge = rest[-self._edge_bytes :]
        return None

    def _is_too_long(self, block: bytes) -> bool:
        """Whether a finished block passes the limit; only the first one can have begun before `pending`."""
        event, longest = _weigh_block(block, self._event_bytes)
        self._event_bytes = 0
        return max(event, longest) > self._limits.line_bytes

    def _weigh_open_event(self) -> str | None:
        """Weigh an unfinished event, keep of it the last line alone, and say how much more it takes to look again."""
        text = b"".join(self._pending)
        event, longest = _weigh_block(text, self._event_bytes)
        if max(event, longest) > self._limits.line_bytes:
            return self._describe_too_long()
        last = text[text.rfind(b"\n") + 1 :]
        self._event_bytes = event - _weigh_block(last, 0)[0]
        self._pending = [last]
        self._open_bytes = len(last) + 1
        self._open_cap = self._open_bytes + self._limits.line_bytes - max(event, len(last))
        return None

    def _describe_too_long(self) -> str:
        return f"a line or event of more than {self._limits.line_bytes} bytes"

    def _unify_line_ends(self, data: bytes) -> bytes:
        if self._cr and data.startswith(b"\n"):
            data = data[1:]
        self._cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _weigh_block(block: bytes, event: int) -> tuple[int, int]:
    """Bytes of data in the block's event, on top of `event`; and of its longest line, without the field's name."""
    longest = 0
    for line in block.split(b"\n"):
        size = len(line)
        if line.startswith(b"data:"):
            size -= 6 if line[5:6] == b" " else 5
            event += size
        longest = max(longest, size)
    return event, longest


class DecodingMeter:
    """Undoes a content coding for the meter behind it alone; the record keeps what was sent.

    Nothing of what comes out is held. Bytes that cannot be decoded are bounded
    by `cap` as they came: the reader of the record says what is wrong with them.
    """

    def __init__(self, meter: Meter, codings: Sequence[str], cap: int) -> None:
        self._meter = meter
        self._cap = cap
        self._as_sent = SizeMeter(cap)
        self._decoder = ContentDecoder(codings, cap)

    def __call__(self, data: bytes) -> str | None:
        for start in range(0, len(data), _STEP_BYTES):
            if self._decoder.problem is not None:
                break
            for piece in self._decoder.iterate_pieces(data[start : start + _STEP_BYTES]):
                found = self._meter(piece)
                if found is not None:
                    return found
            if self._decoder.over:
                return f"a body that unfolds to more than {self._cap} bytes"
        return self._as_sent(data)
