"""One answer along time, as plain data: what happened when, which packets came, where it stood still.

All times are ms since the request was written; connecting lies before 0.
"""

import itertools
from collections.abc import Sequence
from statistics import median
from typing import Final, Literal

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.raw_exchange import RawExchange

SpanKind = Literal["dns", "connect", "tls", "wait", "reasoning", "text", "tool", "rest"]
STALL_MS: Final = 200.0
"""The shortest silence that is called a stall: about what a reader notices."""
STALL_FACTOR: Final = 10.0
"""And it is this many times the median gap of its answer: a slow, even stream does not stall."""
MOST_TICKS: Final = 1_000
"""Packets that are drawn; of those that would lie on one another, the first stands for all."""


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer was doing for a while."""

    kind: SpanKind
    start_ms: float
    end_ms: float


class Packet(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that came in one read of the socket."""

    at_ms: float
    offset: int
    """Of its first byte in the body without content coding."""
    bytes: int


class Stall(msgspec.Struct, frozen=True, kw_only=True):
    """A silence between two packets."""

    start_ms: float
    end_ms: float


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """One answer along time."""

    spans: tuple[Span, ...] = ()
    packets: tuple[Packet, ...] = ()
    all_packets: int = 0
    """How many came, where not all are among `packets`."""
    stalls: tuple[Stall, ...] = ()
    start_ms: float = 0.0
    """Where connecting began; 0 on a connection that was kept alive."""
    end_ms: float = 0.0


def make_timeline(exchange: Exchange) -> Timeline:
    """The timeline of a recorded exchange; empty if its request was never written."""
    raw = exchange.raw
    written = raw.phases.written
    if written is None:
        return Timeline()
    every = list_packets(exchange, written)
    ends = [raw.phases.end, raw.phases.done, raw.chunks[-1][0] if raw.chunks else None]
    end_ms = max((stamp - written) / 1e6 for stamp in [written, *(one for one in ends if one is not None)])
    spans = [*_list_network_spans(raw, written), *_list_answer_spans(exchange, written, end_ms)]
    return Timeline(
        spans=tuple(spans),
        packets=tuple(_reduce_packets(every, end_ms)),
        all_packets=len(every),
        stalls=tuple(_find_stalls(every)),
        start_ms=min((span.start_ms for span in spans), default=0.0),
        end_ms=end_ms,
    )


def list_packets(exchange: Exchange, written: int) -> list[Packet]:
    """Every packet of the body; `written` is when the request was, ns."""
    chunks = exchange.reading.body.chunks
    offsets = itertools.accumulate((len(data) for _, data in chunks), initial=0)
    return [
        Packet(at_ms=(stamp - written) / 1e6, offset=offset, bytes=len(data))
        for (stamp, data), offset in zip(chunks, offsets, strict=False)
    ]


def _reduce_packets(packets: Sequence[Packet], end_ms: float) -> list[Packet]:
    """The first packet of each thousandth of the axis."""
    kept: dict[int, Packet] = {}
    for packet in packets:
        kept.setdefault(int(packet.at_ms / max(end_ms, 1e-9) * MOST_TICKS), packet)
    return list(kept.values())


def _find_stalls(packets: Sequence[Packet]) -> list[Stall]:
    gaps = [later.at_ms - earlier.at_ms for earlier, later in itertools.pairwise(packets)]
    if not gaps:
        return []
    least = max(STALL_MS, STALL_FACTOR * median(gaps)) if len(gaps) > 1 else STALL_MS
    return [
        Stall(start_ms=earlier.at_ms, end_ms=later.at_ms)
        for earlier, later in itertools.pairwise(packets)
        if later.at_ms - earlier.at_ms >= least
    ]


def _list_network_spans(raw: RawExchange, written: int) -> list[Span]:
    """Name lookup, connecting and TLS, each if it happened."""
    phases = raw.phases
    steps: tuple[tuple[SpanKind, int | None, int | None], ...] = (
        ("dns", phases.dns_start, phases.dns_end),
        ("connect", phases.connect_start, phases.connect_end),
        ("tls", phases.connect_end, phases.tls_end),
    )
    return [
        Span(kind=kind, start_ms=(start - written) / 1e6, end_ms=(end - written) / 1e6)
        for kind, start, end in steps
        if start is not None and end is not None
    ]


def _list_answer_spans(exchange: Exchange, written: int, end_ms: float) -> list[Span]:
    """Waiting, then each stretch of one kind of output, then what came behind the last of it."""
    spans = []
    kind: SpanKind = "wait"
    start_ms = 0.0
    for stamp, found, _ in exchange.reading.marks:
        at_ms = (stamp - written) / 1e6
        if found != kind:
            spans.append(Span(kind=kind, start_ms=start_ms, end_ms=at_ms))
            kind, start_ms = found, at_ms
    if kind == "wait":
        return [Span(kind=kind, start_ms=0.0, end_ms=end_ms)]
    last_ms = (exchange.reading.marks[-1][0] - written) / 1e6
    spans.append(Span(kind=kind, start_ms=start_ms, end_ms=last_ms))
    return [*spans, Span(kind="rest", start_ms=last_ms, end_ms=end_ms)]
