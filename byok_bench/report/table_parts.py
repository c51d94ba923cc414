"""What tables are made of: the exchanges behind one line, and the numbers and words in its cells."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from byok_bench.report.stats import Interval, compute_quantile, median
from byok_bench.runs.judging import Row
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.results import Run
from byok_bench.wire.recording.clock_watch import UNTIMED_FLAGS
from byok_bench.wire.recording.loop_lag import STALLED_FLAG

ASKED: Final = ("done", "failed")
DOUBTFUL: Final = UNTIMED_FLAGS | {STALLED_FLAG}
"""Marks of samples whose times may be off, or are left out."""
DIGITS: Final = 2
LONGEST_MESSAGE: Final = 160
"""Characters of a server's words in a table."""
Line = dict[str, Any]
"""Key of a column → text, number or None."""


class Part:
    """The exchanges behind one line of a table."""

    def __init__(self, head: Line, rows: Sequence[Row]) -> None:
        self.head = head
        self._rows = rows
        self.asked = [row for row in rows if row.status in ASKED and not row.caused_by_us]
        self.good = [row for row in self.asked if row.kind is None]
        self.over = [row for row in self.asked if row.outcome is not None]
        """The last turn of each sample that was played to its end."""
        self.excluded = sum(row.status == "left_out" for row in rows)
        self.caused = sum(row.caused_by_us for row in rows)
        """429s of a cooldown that an error scenario of ours caused: neither asked nor failed."""
        self.marked = sum(not DOUBTFUL.isdisjoint(row.flags) for row in self.asked)

    @property
    def counts(self) -> Line:
        """Where exchanges are counted, and not samples."""
        failed = len(self.asked) - len(self.good)
        return {
            "n": len(self.asked),
            "planned": self.count_planned(),
            "failed": failed,
            "excluded": self.excluded,
        }

    def count_planned(self, *, wants_failure: bool = True) -> int:
        """Exchanges to be asked in all, as far as is known: a sample that is not over has one more turn at least."""
        planned = 0
        for turns in self._iterate_samples():
            if wants_failure or not turns[0].wants_failure:
                counted = [row for row in turns if not row.caused_by_us]
                is_open = turns[-1].outcome is None and all(row.status in ASKED for row in turns)
                planned += len(counted) + is_open
        return planned

    def count_planned_samples(self) -> int:
        """Samples to be played in all."""
        return sum(not turns[-1].caused_by_us for turns in self._iterate_samples())

    def _iterate_samples(self) -> Iterator[list[Row]]:
        """The rows of each sample that is not left out, in the order of turns."""
        found: dict[tuple[str, str, int], list[Row]] = {}
        for row in sorted(self._rows, key=lambda row: row.turn):
            if row.status != "left_out":
                found.setdefault((row.scenario, row.sample, row.repeat), []).append(row)
        yield from found.values()


def iterate_parts(rows: Sequence[Row], run: Run, scenario: Callable[[Row], str] | None = None) -> Iterator[Part]:
    """Parts in the order of the plan; the load is named where the plan has more than one request at a time."""
    loaded = run.plan.loads != (ClosedLoad(),)
    parts: dict[tuple[int, int, str | None], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.target, row.stage)):
        parts.setdefault((row.target, row.stage, scenario(row) if scenario else None), []).append(row)
    for (place, stage, name), behind in parts.items():
        target = run.plan.targets[place]
        head: Line = {"endpoint": target.label, "model": target.alias or target.model}
        if loaded:
            head["load"] = run.plan.loads[stage].name
        if name is not None:
            head["scenario"] = name
        yield Part(head, behind)


def get_scenario_name(row: Row) -> str:
    """The scenario that a row is of."""
    return row.scenario


def list_numbers(rows: Iterable[Row], column: str) -> list[float]:
    """What a column holds, without what was not observed."""
    return [value for row in rows if (value := getattr(row, column)) is not None]


def compute_median(rows: Iterable[Row], column: str) -> float | None:
    """Of what was observed."""
    return round_number(compute_quantile(list_numbers(rows, column), 0.5))


def compute_spread(name: str, values: Sequence[float]) -> Line:
    """Median, its interval, and the tail as far as the samples reach."""
    found = median(values)
    return {
        f"{name}_ms": round_number(found.value),
        f"{name}_low_ms": round_number(found.low),
        f"{name}_high_ms": round_number(found.high),
        f"{name}_p90_ms": round_number(compute_quantile(values, 0.9)),
        f"{name}_p99_ms": round_number(compute_quantile(values, 0.99)),
    }


def compute_speed(good: Iterable[Row]) -> float | None:
    """Tokens a second of streams that flowed, median; where most deltas came in packets, a gap says nothing of it."""
    speeds = [
        1000 / row.tpot_ms
        for row in good
        if row.tpot_ms and row.tpot_ms > 0 and 2 * sum(gap > 0 for gap in row.itl_ms) > len(row.itl_ms)
    ]
    return round_number(compute_quantile(speeds, 0.5))


def count_having(rows: Iterable[Row], severity: str) -> int:
    """How many have a finding of that severity."""
    return sum(any(found.severity == severity for found in row.findings) for row in rows)


def count_ok(over: Iterable[Row]) -> int:
    """Samples that met all that was expected."""
    return sum(row.outcome == "ok" for row in over)


def render_ok_share(over: Sequence[Row]) -> str | None:
    """Samples with outcome ok, of all that were played to their end."""
    return f"{count_ok(over)} of {len(over)}" if over else None


def compute_total(rows: Iterable[Row], column: str) -> int | None:
    """The sum of what was observed; None if nothing was."""
    numbers = list_numbers(rows, column)
    return int(sum(numbers)) if numbers else None


def round_number(value: float | None) -> float | None:
    """To the digits that tables keep."""
    return None if value is None else round(value, DIGITS)


def render_counts(names: Iterable[str]) -> str:
    """`a ×3, b`: most frequent first."""
    ranked = Counter(names).most_common()
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in ranked)


def group_by_prompt(rows: Iterable[Row], read: Callable[[Row], Sequence[bool]]) -> dict[tuple[str, str], list[float]]:
    """Prompt → what each of its answers shows: answers to one prompt are not independent of each other."""
    found: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        found.setdefault((row.scenario, row.sample), []).extend(map(float, read(row)))
    return found


def list_call_verdicts(row: Row) -> list[bool]:
    """Whether each call of an answer is valid."""
    return [True] * row.valid_calls + [False] * (len(row.tool_calls) - row.valid_calls)


def compute_share(name: str, found: Interval) -> Line:
    """A share and its interval, in percent."""
    ends = {"": found.value, "_low": found.low, "_high": found.high}
    return {f"{name}{end}_percent": None if value is None else round_number(100 * value) for end, value in ends.items()}


def shorten_message(text: str, most: int = LONGEST_MESSAGE) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
