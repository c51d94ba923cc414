"""The board of a run while it goes: endpoint × scenario, a square an answer. One piece of data, which a view draws.

Computed from the states of exchanges and the rows that are judged so far; the clock is given from outside.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import Final

import msgspec

from byok_bench.report.evidence import name_plan_targets
from byok_bench.runs.judging import group_by_sample
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.row import Row
from byok_bench.runs.storage.ledger import FINAL, ExchangeState

WAITING, RUNNING, GOOD, FINDING, FAILED, LEFT_OUT = ".", "r", "g", "f", "x", "-"
SQUARES: Final = {
    WAITING: "waiting",
    RUNNING: "running",
    GOOD: "good",
    FINDING: "a rule is broken",
    FAILED: "failed",
    LEFT_OUT: "left out",
}
"""Mark of a square → what it means."""


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint × one scenario."""

    squares: str = ""
    """A mark each sample, in the order in which they were planned."""
    answers: tuple[int, ...] = ()
    """The exchange that a square opens: the last turn of its sample."""
    median_ms: float | None = None
    """Of the time to first token of good answers, so far; without streams of the whole answer."""


class Board(msgspec.Struct, frozen=True, kw_only=True):
    """Where a run stands."""

    targets: tuple[str, ...]
    scenarios: tuple[tuple[str, str], ...]
    """Name and title."""
    cells: tuple[tuple[Cell, ...], ...]
    """By target, then by scenario."""

    @property
    def marks(self) -> Counter[str]:
        """How many squares are of each kind."""
        return Counter("".join(cell.squares for line in self.cells for cell in line))

    @property
    def samples(self) -> int:
        """How many squares there are; left-out ones are none to wait for."""
        return sum(count for mark, count in self.marks.items() if mark != LEFT_OUT)

    @property
    def done(self) -> int:
        """How many of them are over."""
        return sum(count for mark, count in self.marks.items() if mark in (GOOD, FINDING, FAILED))

    @property
    def failures(self) -> int:
        """How many failed."""
        return self.marks[FAILED]

    def list_first_failures(self) -> list[str]:
        """Each endpoint that has a failure, with the scenario of its first."""
        found = []
        for target, line in zip(self.targets, self.cells, strict=True):
            names = (name for (name, _), cell in zip(self.scenarios, line, strict=True) if FAILED in cell.squares)
            if (name := next(names, None)) is not None:
                found.append(f"{target}: {name}")
        return found


def make_board(plan: Plan, states: Sequence[ExchangeState], rows: Mapping[int, Row]) -> Board:
    """The board of a run; warm-up is not on it."""
    squares: dict[tuple[int, str], list[tuple[str, int]]] = {}
    times: dict[tuple[int, str], list[float]] = {}
    for sample in group_by_sample([state for state in states if state.repeat > 0]):
        place = sample[0].target, sample[0].scenario
        squares.setdefault(place, []).append((_mark_sample(sample, rows), sample[-1].id))
        times.setdefault(place, []).extend(_list_times(sample, rows))
    return Board(
        targets=tuple(name_plan_targets(plan)),
        scenarios=tuple((scenario.name, scenario.title) for scenario in plan.scenarios),
        cells=tuple(
            tuple(
                _make_cell(squares.get((at, scenario.name), ()), times.get((at, scenario.name), ()))
                for scenario in plan.scenarios
            )
            for at in range(len(plan.targets))
        ),
    )


def estimate_left_s(done_at_start: int, board: Board, elapsed_s: float) -> float | None:
    """How long the rest takes at the pace of this start; None before anything is done."""
    made = board.done - done_at_start
    return None if made <= 0 else elapsed_s / made * (board.samples - board.done)


def _make_cell(squares: Sequence[tuple[str, int]], times: Sequence[float]) -> Cell:
    return Cell(
        squares="".join(mark for mark, _ in squares),
        answers=tuple(id for _, id in squares),
        median_ms=median(times) if times else None,
    )


def _mark_sample(sample: Sequence[ExchangeState], rows: Mapping[int, Row]) -> str:
    """The worst that is known of its turns; a turn that is not judged yet is running."""
    if all(state.status == "planned" for state in sample):
        return WAITING
    if all(state.status == "left_out" for state in sample):
        return LEFT_OUT
    judged = [rows[state.id] for state in sample if state.id in rows]
    if len(judged) < len(sample) or any(state.status not in FINAL for state in sample) or judged[-1].outcome is None:
        return RUNNING
    if judged[-1].outcome != "ok":
        return FAILED
    broken = any(one.severity != "info" for row in judged for one in row.findings)
    return FINDING if broken else GOOD


def _list_times(sample: Sequence[ExchangeState], rows: Mapping[int, Row]) -> Iterator[float]:
    for state in sample:
        row = rows.get(state.id)
        if row is not None and row.kind is None:
            time_ms = row.ttft_ms if row.streamed else row.e2e_ms
            if time_ms is not None:
                yield time_ms
