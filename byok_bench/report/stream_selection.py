"""Numbers of a stretch of time of some answers: what a selection in a timeline shows."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import msgspec

from byok_bench.report.stats import median, quantile
from byok_bench.report.stream_columns import StreamColumns
from byok_bench.report.table_text import NA, render_cell

ENOUGH_FOR_P95: Final = 20
"""Gaps below which there is no p95: one is expected beyond it."""
HEADS: Final = ("answer", "packets", "deltas", "tokens", "median gap, ms", "p95 gap, ms", "max gap, ms", "rate")


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """A part of one answer."""

    name: str
    packets: int
    deltas: int
    """That carried output."""
    tokens: float | None
    """The tokens of the answer by the stretch's share of its deltas; None without either."""
    is_exact: bool
    """Whether the stretch has every delta, so that `tokens` is what the server counted."""
    median_ms: float | None
    """Of the gaps between packets that carried output."""
    p95_ms: float | None
    longest_ms: float | None
    tokens_per_s: float | None
    """Tokens behind the first packet with output ÷ first to last of these: 1 ÷ TPOT, of the stretch."""


def measure_stretch(columns: StreamColumns, lane: int, start_us: int, end_us: int) -> Stretch:
    """One lane from `start_us` to `end_us`, both within it."""
    first, behind = columns.firsts[lane], columns.firsts[lane + 1]
    low = bisect_left(columns.packet_us, start_us, first, behind)
    high = bisect_right(columns.packet_us, end_us, first, behind)
    carrying = [at for at in range(low, high) if columns.packet_deltas[at]]
    deltas = sum(columns.packet_deltas[at] for at in carrying)
    gaps = [(columns.packet_us[later] - columns.packet_us[earlier]) / 1000 for earlier, later in pairwise(carrying)]
    of = columns.lanes[lane]
    per_delta = of.tokens / of.deltas if of.tokens is not None and of.deltas else None
    behind_first = deltas - columns.packet_deltas[carrying[0]] if carrying else 0
    rate = behind_first * per_delta * 1000 / sum(gaps) if per_delta is not None and sum(gaps) > 0 else None
    return Stretch(
        name=of.name,
        packets=high - low,
        deltas=deltas,
        tokens=None if per_delta is None else deltas * per_delta,
        is_exact=deltas == of.deltas and of.tokens_from == "usage",
        median_ms=median(gaps).value,
        p95_ms=quantile(gaps, 0.95).value if len(gaps) >= ENOUGH_FOR_P95 else None,
        longest_ms=max(gaps, default=None),
        tokens_per_s=rate,
    )


def render_stretches(stretches: Sequence[Stretch]) -> list[list[str]]:
    """A line each under HEADS; ≈ stands before tokens that are a share."""
    return [
        [
            one.name,
            str(one.packets),
            str(one.deltas),
            NA if one.tokens is None else f"{'' if one.is_exact else '≈ '}{one.tokens:.0f}",
            *(_render_number(value) for value in (one.median_ms, one.p95_ms, one.longest_ms)),
            NA if one.tokens_per_s is None else f"{_render_number(one.tokens_per_s)} tok/s",
        ]
        for one in stretches
    ]


def _render_number(value: float | None) -> str:
    return render_cell(None if value is None else round(value, 2))
