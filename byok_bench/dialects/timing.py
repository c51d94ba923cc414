"""Timing: the times of one exchange in ms, computed from the stamps of its record.

TTFB, TTFT and E2E count from the last byte of the request handed to the socket; what happens before that is
`queued`, `dns`, `connect` and `tls`. None means not observed. Terms: docs/metrics.md.
"""

import itertools
from collections.abc import Sequence

import msgspec

from byok_bench.dialects.dialect import Mark, Reading
from byok_bench.wire.raw_exchange import Clock, Phases, RawExchange

_MS = 1_000_000


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """Times of one exchange, in milliseconds."""

    dns: float | None = None
    """Name lookup; None for an IP literal, a cached answer or a kept-alive connection."""
    connect: float | None = None
    """TCP handshake."""
    tls: float | None = None
    """TLS handshake."""
    queued: float | None = None
    """`send` called → request written, without dns, connect and tls: the client's own share."""
    ttfb: float | None = None
    """Request written → first body byte."""
    ttft: float | None = None
    """Request written → first delta with text, reasoning or tool arguments."""
    ttft_text: float | None = None
    ttft_reasoning: float | None = None
    ttft_tool: float | None = None
    e2e: float | None = None
    """Request written → [DONE], the terminal event, or the end of the body."""
    itl: tuple[float, ...] = ()
    """Gaps between deltas that carry output; 0 means that both came in one read."""
    tpot: float | None = None
    """(last − first output delta) / (completion tokens − 1); None below 2 tokens or without usage."""
    clock: Clock = "user"
    """Who stamped the chunks."""


def compute_timing(raw: RawExchange, reading: Reading) -> Timing:
    """The times of a recorded exchange; `reading` says which deltas carried output."""
    phases = raw.phases
    stamps, firsts = _list_output_stamps(reading.marks)
    dns = _to_ms(phases.dns_start, phases.dns_end)
    dialled = (phases.connect_start, phases.dns_end, phases.start)
    connect = _to_ms(next(stamp for stamp in dialled if stamp is not None), phases.connect_end)
    tls = _to_ms(phases.connect_end, phases.tls_end)
    return Timing(
        dns=dns,
        connect=connect,
        tls=tls,
        queued=_compute_queued_ms(phases, dns, connect, tls),
        ttfb=_to_ms(phases.written, phases.first_byte),
        ttft=_to_ms(phases.written, stamps[0] if stamps else None),
        ttft_text=_to_ms(phases.written, firsts.get("text")),
        ttft_reasoning=_to_ms(phases.written, firsts.get("reasoning")),
        ttft_tool=_to_ms(phases.written, firsts.get("tool")),
        e2e=_to_ms(phases.written, reading.done_ns if reading.done_ns is not None else _find_end_ns(raw)),
        itl=tuple([(later - earlier) / _MS for earlier, later in itertools.pairwise(stamps)]),
        tpot=_compute_tpot_ms(stamps, reading),
        clock=raw.clock,
    )


def _to_ms(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None else (end - start) / _MS


def _compute_queued_ms(phases: Phases, *network: float | None) -> float | None:
    total = _to_ms(phases.start, phases.written)
    return None if total is None else max(0.0, total - sum(part or 0.0 for part in network))


def _list_output_stamps(marks: Sequence[Mark]) -> tuple[list[int], dict[str, int]]:
    """One stamp an event, however many kinds of output it carried; and the first of each kind."""
    stamps: list[int] = []
    firsts: dict[str, int] = {}
    last = -1
    for t_ns, kind, event in marks:
        if event != last:
            stamps.append(t_ns)
            last = event
        if kind not in firsts:
            firsts[kind] = t_ns
    return stamps, firsts


def _find_end_ns(raw: RawExchange) -> int | None:
    """End of the body; None if no response came, or if this side would not hear the end."""
    if raw.head is None or raw.end == "cancelled":
        return None
    if raw.phases.end is not None:
        return raw.phases.end
    return raw.chunks[-1][0] if raw.chunks else None


def _compute_tpot_ms(stamps: Sequence[int], reading: Reading) -> float | None:
    usage = reading.output.usage
    tokens = usage.completion_tokens if usage else None
    if tokens is None or tokens < 2 or len(stamps) < 2:
        return None
    return (stamps[-1] - stamps[0]) / (tokens - 1) / _MS
