"""What tables are made of: the exchanges behind one line, and the numbers and words in its cells."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from byok_bench.report.selections import Selection
from byok_bench.report.stats import Interval, compute_quantile, median
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.results import Run

ASKED: Final = ("done", "failed")
DIGITS: Final = 2
LONGEST_MESSAGE: Final = 160
"""Characters of a server's words in a table."""
Line = dict[str, Any]
"""Key of a column → text, number or None."""


class Part:
    """The exchanges behind one line of a table."""

    def __init__(self, head: Line, target: int, some: Selection) -> None:
        self.head = head
        self.target = target
        """Index into the plan's targets."""
        self._played = some.drop("status", "left_out")
        counted = some.drop("caused_by_us", True)
        self.asked = counted.select("status", *ASKED)
        self.good = self.asked.select("kind", None)
        self.over = self.asked.drop("outcome", None)
        """The last turn of each sample that was played to its end."""
        self.excluded = len(some) - len(self._played)
        self.caused = len(some) - len(counted)
        """Failed by our doing: neither asked nor failed."""
        self.marked = len(self.asked.select("is_marked", True))

    @property
    def counts(self) -> Line:
        """Where exchanges are counted, and not samples."""
        return {
            "n": len(self.asked),
            "planned": self.count_planned(),
            "failed": len(self.asked) - len(self.good),
            "excluded": self.excluded,
        }

    def count_planned(self, *, wants_failure: bool = True) -> int:
        """Exchanges to be asked in all, as far as is known: a sample that is not over has one more turn at least."""
        played = self._played if wants_failure else self._played.select("wants_failure", False)
        still_open = played.list_last_turns().select("outcome", None).select("status", *ASKED)
        return len(played.drop("caused_by_us", True)) + len(still_open)

    def count_planned_samples(self) -> int:
        """Samples to be played in all."""
        return len(self._played.list_last_turns().drop("caused_by_us", True))


def iterate_parts(some: Selection, run: Run, column: str | None = None) -> Iterator[Part]:
    """Parts in the order of the plan, by the values of a column, too, which stand under `scenario`.

    The load is named where the plan has more than one request at a time.
    """
    loaded = run.plan.loads != (ClosedLoad(),)
    parts = some.split("target", "stage", *([column] if column else []))
    for values, behind in sorted(parts.items(), key=lambda part: part[0][:2]):
        place, stage, *named = values
        target = run.plan.targets[place]
        head: Line = {"endpoint": target.label, "model": target.alias or target.model}
        if loaded:
            head["load"] = run.plan.loads[stage].name
        if named:
            (head["scenario"],) = named
        yield Part(head, place, behind)


def compute_median(some: Selection, column: str) -> float | None:
    """Of what was observed."""
    return round_number(compute_quantile(some.list_numbers(column), 0.5))


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


def count_ok(over: Selection) -> int:
    """Samples that met all that was expected."""
    return len(over.select("outcome", "ok"))


def render_ok_share(over: Selection) -> str | None:
    """Samples with outcome ok, of all that were played to their end."""
    return f"{count_ok(over)} of {len(over)}" if len(over) else None


def compute_total(some: Selection, column: str) -> float | None:
    """The sum of what was observed, rounded once; None if nothing was."""
    numbers = some.list_numbers(column)
    return math.fsum(numbers) if len(numbers) else None


def round_number(value: float | None) -> float | None:
    """To the digits that tables keep."""
    return None if value is None else round(value, DIGITS)


def render_counts(counts: Mapping[str, int]) -> str:
    """`a ×3, b`: most frequent first."""
    ranked = Counter(counts).most_common()
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in ranked)


def count_each(counts: Mapping[Iterable[Any], int]) -> Counter[Any]:
    """How often each member of tuples appears that appear so often."""
    found: Counter[Any] = Counter()
    for names, count in counts.items():
        for name in names:
            found[name] += count
    return found


def compute_share(name: str, found: Interval) -> Line:
    """A share and its interval, in percent."""
    ends = {"": found.value, "_low": found.low, "_high": found.high}
    return {f"{name}{end}_percent": None if value is None else round_number(100 * value) for end, value in ends.items()}


def shorten_message(text: str, most: int = LONGEST_MESSAGE) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
