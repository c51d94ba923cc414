"""All answers to one prompt along time, as columns of whole numbers: what a timeline draws, and others compute from.

Times are µs since the request of each answer was written, so that all begin together; connecting lies before 0. A
column is an array of 32-bit numbers (35 minutes), which goes to a front end as it lies in memory.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from typing import Any, Final

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.report.answer_details import Flag, describe_end, make_flag
from byok_bench.report.answer_timeline import Timeline, list_packets, make_timeline
from byok_bench.report.evidence import name_targets
from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.prompts import Prompt, iterate_recorded_rows, rank_worst_first
from byok_bench.report.selections import select_measured
from byok_bench.report.table_parts import ASKED
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

HUES: Final = {
    "dns": "#8a6d3b",
    "connect": "#a0522d",
    "tls": "#7a4fa3",
    "wait": "#6b7785",
    "reasoning": "#8e24aa",
    "text": "#1565c0",
    "tool": "#00796b",
    "rest": "#9aa5b1",
}
"""Kind of a span → its colour; a column of spans holds places in here."""
KINDS: Final = tuple(HUES)
MOST_LANES: Final = 64
"""Answers that are laid side by side."""
LONGEST_US: Final = 2**31 - 1


class Lane(msgspec.Struct, frozen=True, kw_only=True):
    """One answer."""

    name: str
    """Endpoint, and repeat where there are several."""
    endpoint: str
    repeat: int
    exchange_id: int
    tone: str
    """good, finding or bad."""
    sentence: str
    """What happened."""
    start_us: int
    """Where connecting began."""
    end_us: int
    ttft_ms: float | None
    tokens: int | None
    tokens_from: str | None
    """usage or deltas."""
    packets: int
    deltas: int
    """That carried output."""
    stalls: int
    ghost: int = -1
    """Index of the lane that has the answer of the baseline; -1 without one."""


class LaneFlag(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, on its lane."""

    lane: int
    at_us: int
    """Of its event; what is about the whole answer stands at its end."""
    severity: str
    check: str
    message: str
    offset: int | None


class StreamColumns(msgspec.Struct, frozen=True, kw_only=True):
    """Lanes, and behind the `shown` first of them those of the baseline."""

    lanes: tuple[Lane, ...] = ()
    shown: int = 0
    left_out: int = 0
    """Answers that there was no room for."""
    flags: tuple[LaneFlag, ...] = ()
    """In the order in which one goes through them: lane by lane, by time."""
    firsts: Any = array("i", [0])
    """Lane → its first packet; one more at the end."""
    packet_us: Any = array("i")
    packet_offset: Any = array("i")
    """Of its first byte in the body without content coding."""
    packet_deltas: Any = array("i")
    """Deltas with output that it completed."""
    spans: Any = array("i")
    """Lane, kind, begin, end; and so on."""
    stalls: Any = array("i")
    """Lane, begin, end; and so on."""


def make_stream_columns(
    run: Run, prompt: Prompt, baseline: Run | None = None, *, most: int = MOST_LANES, worst_first: bool = False
) -> StreamColumns:
    """The answers to a prompt, endpoint by endpoint and repeat by repeat.

    Of more than `most` the first repeats, or with `worst_first` the worst answers of each endpoint. An answer of
    `baseline` belongs to that with the same endpoint and, if there is one, the same repeat.
    """
    answers = _count_rows(run, prompt)
    rows = _iterate_rows(run, prompt)
    first = rank_worst_first(rows, most) if worst_first else nsmallest(most, rows, lambda row: (row.repeat, row.target))
    taken = sorted(first[:most], key=_order)
    building = _Building()
    for row in taken:
        building.add_answer(run, row)
    shown = len(building.lanes)
    if baseline is not None:
        building.add_baseline(baseline, sorted(_iterate_rows(baseline, prompt), key=_order))
    return building.finish(shown, answers - len(taken))


def to_bytes(column: "array[int]") -> bytes:
    """A column as front ends read it: little-endian."""
    if sys.byteorder == "big":
        column = array(column.typecode, column)
        column.byteswap()
    return column.tobytes()


def _iterate_rows(run: Run, prompt: Prompt) -> Iterator[Row]:
    return filter(prompt.has_row, iterate_recorded_rows(run))


def _count_rows(run: Run, prompt: Prompt) -> int:
    recorded = select_measured(run).select("status", *ASKED).select("prompt", (prompt.scenario, prompt.sample))
    return len(recorded.select("turn", prompt.turn).select("stage", prompt.stage))


def _order(row: Row) -> tuple[int, int]:
    return row.target, row.repeat


class _Building:
    """Columns while they grow."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self._flags: list[LaneFlag] = []
        self._firsts, self._packet_us = array("i", [0]), array("i")
        self._packet_offset, self._packet_deltas = array("i"), array("i")
        self._spans, self._stalls = array("i"), array("i")

    def add_answer(self, run: Run, row: Row) -> None:
        """One answer as a lane; one without a record is none."""
        exchange = run.find_exchange(row.exchange_id)
        if exchange is None:
            return
        at, line = len(self.lanes), make_timeline(exchange)
        counted = self._add_packets(exchange)
        for span in line.spans:
            self._spans.extend((at, KINDS.index(span.kind), to_us(span.start_ms), to_us(span.end_ms)))
        for stall in line.stalls:
            self._stalls.extend((at, to_us(stall.start_ms), to_us(stall.end_ms)))
        flags = [_make_lane_flag(at, make_flag(one, exchange), line) for one in row.findings]
        self._flags += sorted(flags, key=lambda flag: flag.at_us)
        self.lanes.append(_make_lane(run, row, exchange, line, counted))

    def add_baseline(self, baseline: Run, rows: Sequence[Row]) -> None:
        """The ghosts of the lanes that there are; a finding of theirs has no flag."""
        names, flags = [to_printable_line(name) for name in name_targets(baseline)], list(self._flags)
        for at, lane in enumerate(self.lanes[:]):
            alike = [row for row in rows if names[row.target] == lane.endpoint]
            same = [row for row in alike if row.repeat == lane.repeat] or alike
            if same:
                ghost = len(self.lanes)
                self.add_answer(baseline, same[0])
                if len(self.lanes) > ghost:
                    self.lanes[at] = msgspec.structs.replace(lane, ghost=ghost)
        self._flags = flags

    def finish(self, shown: int, left_out: int) -> StreamColumns:
        several = len({lane.repeat for lane in self.lanes[:shown]}) > 1
        named = [
            msgspec.structs.replace(lane, name=f"{lane.name}, repeat {lane.repeat}") if several else lane
            for lane in self.lanes
        ]
        return StreamColumns(
            lanes=tuple(named),
            shown=shown,
            left_out=left_out,
            flags=tuple(self._flags),
            firsts=self._firsts,
            packet_us=self._packet_us,
            packet_offset=self._packet_offset,
            packet_deltas=self._packet_deltas,
            spans=self._spans,
            stalls=self._stalls,
        )

    def _add_packets(self, exchange: Exchange) -> tuple[int, int]:
        """How many packets and deltas there are."""
        written = exchange.raw.phases.written
        packets = [] if written is None else list_packets(exchange, written)
        stamps = {event: stamp for stamp, _, event in exchange.reading.marks}
        deltas = Counter(to_us((stamp - (written or 0)) / 1e6) for stamp in stamps.values())
        for packet in packets:
            at_us = to_us(packet.at_ms)
            self._packet_us.append(at_us)
            self._packet_offset.append(packet.offset)
            self._packet_deltas.append(deltas.pop(at_us, 0))
        self._firsts.append(len(self._packet_us))
        return len(packets), len(stamps)


def to_us(ms: float) -> int:
    """Whole µs, no more than a column holds."""
    return max(-LONGEST_US, min(LONGEST_US, round(ms * 1000)))


def _make_lane(run: Run, row: Row, exchange: Exchange, line: Timeline, counted: tuple[int, int]) -> Lane:
    tone, sentence, _ = describe_end(row, exchange)
    endpoint = to_printable_line(name_targets(run)[row.target])
    return Lane(
        name=endpoint,
        endpoint=endpoint,
        repeat=row.repeat,
        exchange_id=row.exchange_id,
        tone=tone,
        sentence=to_printable_line(sentence),
        start_us=to_us(line.start_ms),
        end_us=to_us(line.end_ms),
        ttft_ms=row.ttft_ms,
        tokens=row.tokens,
        tokens_from=row.tokens_from,
        packets=counted[0],
        deltas=counted[1],
        stalls=len(line.stalls),
    )


def _make_lane_flag(lane: int, flag: Flag, line: Timeline) -> LaneFlag:
    return LaneFlag(
        lane=lane,
        at_us=to_us(line.end_ms if flag.at_ms is None else flag.at_ms),
        severity=flag.severity,
        check=flag.check,
        message=to_printable_line(flag.message),
        offset=flag.offset,
    )
