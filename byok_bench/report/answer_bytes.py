"""The bytes of one answer, event by event, as plain data: only what matters of a large one, the broken byte marked.

Bytes are written as Python escapes: nothing in them can steer a page or a terminal.
"""

import bisect
import itertools
from collections.abc import Sequence
from typing import Final

import msgspec

from byok_bench.checks.finding import Finding
from byok_bench.dialects.exchange import Exchange

AROUND: Final = 3
"""Pieces before and behind a broken one."""
MOST_PIECES: Final = 60
"""An answer of more is shown by its beginning, its end, and what lies around its findings."""
EDGE: Final = 5
"""Pieces of a long answer that are shown of its beginning and of its end."""
LONGEST: Final = 2_000
"""Bytes of one piece that are shown, around the broken one if there is one."""
LINE: Final = 160
"""Bytes of a piece where the body is no event stream."""
_ESCAPES: Final = tuple(
    chr(byte) if 32 <= byte < 127 and byte != 92 else repr(bytes([byte]))[2:-1] for byte in range(256)
)


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """One event of a stream, or some bytes of another body."""

    number: int
    """Counted from 0; for a stream the index of the event."""
    offset: int
    bytes: int
    at_ms: float | None = None
    """Request written → the read that completed it."""
    after_ms: float | None = None
    """Since the piece before."""
    before: str = ""
    """The bytes up to the broken one, or all of them, escaped."""
    broken: str = ""
    """The broken byte, escaped."""
    behind: str = ""
    checks: tuple[str, ...] = ()
    """Rules that it breaks."""
    left_out: int = 0
    """Pieces that are not shown between the one before and this one."""


def list_pieces(exchange: Exchange, findings: Sequence[Finding], offset: int | None = None) -> tuple[list[Piece], int]:
    """What is shown of the body, with what lies around byte `offset`, and how many pieces it has in all."""
    data, written = exchange.reading.body.data, exchange.raw.phases.written
    starts = [event.offset for event in exchange.events] or list(range(0, len(data), LINE))
    if not starts:
        return [], 0
    starts[0] = 0
    stamps = [event.t_ns for event in exchange.events] or _list_stamps(exchange, starts)
    ends = [*starts[1:], len(data)]
    broken = _group_findings(findings, starts)
    pieces = []
    last = -1
    wanted = [] if offset is None else [max(0, bisect.bisect_right(starts, offset) - 1)]
    for number in _choose_numbers(len(starts), [*wanted, *sorted(broken)]):
        start, end = starts[number], ends[number]
        marked = [one.offset for one in broken.get(number, ()) if one.offset is not None and start <= one.offset < end]
        before, byte, behind = _cut(data[start:end], marked[0] - start if marked else None)
        pieces.append(
            Piece(
                number=number,
                offset=start,
                bytes=end - start,
                at_ms=None if written is None else (stamps[number] - written) / 1e6,
                after_ms=(stamps[number] - stamps[number - 1]) / 1e6 if number else None,
                before=before,
                broken=byte,
                behind=behind,
                checks=tuple(dict.fromkeys(one.check for one in broken.get(number, ()))),
                left_out=number - last - 1,
            )
        )
        last = number
    return pieces, len(starts)


def escape_bytes(data: bytes) -> str:
    """Printable ASCII as it is, all else as Python escapes."""
    return "".join(_ESCAPES[byte] for byte in data)


def _list_stamps(exchange: Exchange, starts: Sequence[int]) -> list[int]:
    """When the chunk came in which each piece begins."""
    chunks = exchange.reading.body.chunks
    ends = list(itertools.accumulate(len(data) for _, data in chunks))
    return [chunks[min(bisect.bisect_right(ends, start), len(chunks) - 1)][0] for start in starts]


def _group_findings(findings: Sequence[Finding], starts: Sequence[int]) -> dict[int, list[Finding]]:
    """Findings by the piece that they are about; those about the whole answer are in none."""
    placed: dict[int, list[Finding]] = {}
    for finding in findings:
        if finding.offset is not None:
            placed.setdefault(max(0, bisect.bisect_right(starts, finding.offset) - 1), []).append(finding)
        elif finding.event is not None and finding.event < len(starts):
            placed.setdefault(finding.event, []).append(finding)
    return placed


def _choose_numbers(count: int, wanted: Sequence[int]) -> list[int]:
    if count <= MOST_PIECES:
        return list(range(count))
    chosen = {*range(EDGE), *range(count - EDGE, count)}
    for number in wanted:
        if len(chosen) < MOST_PIECES:
            chosen |= set(range(max(0, number - AROUND), min(count, number + AROUND + 1)))
    return sorted(chosen)


def _cut(data: bytes, at: int | None) -> tuple[str, str, str]:
    """A piece before, at and behind a byte of it, no longer than is shown."""
    if at is None:
        more = "…" if len(data) > LONGEST else ""
        return escape_bytes(data[:LONGEST]) + more, "", ""
    first, last = max(0, at - LONGEST // 2), min(len(data), at + LONGEST // 2)
    before = ("…" if first else "") + escape_bytes(data[first:at])
    behind = escape_bytes(data[at + 1 : last]) + ("…" if last < len(data) else "")
    return before, escape_bytes(data[at : at + 1]), behind
