"""Selections: the exchanges behind a table or a line of it, and what is asked of them.

There are two kinds that answer alike: of rows, and of figures (figure_selections.py), which hold a million exchanges as
arrays. Columns are those of runs/figures.py and `caused_by_us`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from typing import Any, Final, Protocol, Self
from weakref import WeakKeyDictionary

from byok_bench.report.stats import compute_quantile
from byok_bench.runs.figures import COLUMNS
from byok_bench.runs.results import MANY, Run
from byok_bench.runs.row import Row

_KEPT: Final[WeakKeyDictionary[Run, "tuple[int, Selection]"]] = WeakKeyDictionary()
"""Run → how often it had been judged again, and its figures."""


class Selection(Protocol):
    """Some exchanges of a run, in the order of the store."""

    def __len__(self) -> int:
        """How many."""
        ...

    def select(self, column: str, *values: Any) -> Self:
        """Those that have one of the values in a column."""
        ...

    def drop(self, column: str, *values: Any) -> Self:
        """Those that have none of the values in a column."""
        ...

    def select_together(self, columns: Sequence[str], *values: tuple[Any, ...]) -> Self:
        """Those whose values in several columns are one of these tuples."""
        ...

    def drop_missing(self, column: str) -> Self:
        """Those of which a number was observed."""
        ...

    def split(self, *columns: str) -> Mapping[tuple[Any, ...], Self]:
        """The parts that have the same values in all these columns, in the order in which they first appear."""
        ...

    def list_last_turns(self) -> Self:
        """The last turn of each sample, in no order."""
        ...

    def list_numbers(self, column: str) -> Sequence[float]:
        """What a column holds, without what was not observed."""
        ...

    def count_values(self, *columns: str) -> Counter[Any]:
        """How often each value appears, in the order in which they first do; of several columns, each tuple of them."""
        ...

    def compute_gap_quantiles(self, *quantiles: float) -> list[float | None]:
        """Of all gaps between deltas, in ms."""
        ...

    def match_numbers(self, column: str, other: Self, by: Sequence[str]) -> tuple[Sequence[float], Sequence[float]]:
        """A number of these and of others, the last ones that have the same values in some columns, pair by pair."""
        ...

    def match_repeats(self, column: str, first: int, shift: int) -> tuple[Sequence[float], Sequence[float]]:
        """A number of repeats up to `first` and that of the same turn `shift` repeats later, pair by pair."""
        ...


class RowSelection:
    """Rows."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, column: str, *values: Any) -> "RowSelection":
        return self.select_together((column,), *((value,) for value in values))

    def drop(self, column: str, *values: Any) -> "RowSelection":
        read, unwanted = _get_reader(column), frozenset(values)
        return RowSelection([row for row in self.rows if read(row) not in unwanted])

    def select_together(self, columns: Sequence[str], *values: tuple[Any, ...]) -> "RowSelection":
        read, wanted = _get_readers(columns), frozenset(values)
        return RowSelection([row for row in self.rows if read(row) in wanted])

    def drop_missing(self, column: str) -> "RowSelection":
        return self.drop(column, None)

    def split(self, *columns: str) -> "Mapping[tuple[Any, ...], RowSelection]":
        read = _get_readers(columns)
        parts: dict[tuple[Any, ...], list[Row]] = {}
        for row in self.rows:
            parts.setdefault(read(row), []).append(row)
        return {values: RowSelection(rows) for values, rows in parts.items()}

    def list_last_turns(self) -> "RowSelection":
        ranked = sorted(self.rows, key=lambda row: row.turn)
        last = {(row.target, row.stage, row.scenario, row.sample, row.repeat): row for row in ranked}
        return RowSelection([*last.values()])

    def list_numbers(self, column: str) -> Sequence[float]:
        read = _get_reader(column)
        return [value for row in self.rows if (value := read(row)) is not None]

    def count_values(self, *columns: str) -> Counter[Any]:
        return Counter(map(_get_readers(columns) if len(columns) > 1 else _get_reader(*columns), self.rows))

    def compute_gap_quantiles(self, *quantiles: float) -> list[float | None]:
        gaps = sorted(gap for row in self.rows for gap in row.itl_ms)
        return [compute_quantile(gaps, one) for one in quantiles]

    def match_numbers(
        self, column: str, other: "RowSelection", by: Sequence[str]
    ) -> tuple[Sequence[float], Sequence[float]]:
        read, place = _get_reader(column), _get_readers(by)
        first, second = (
            {place(row): value for row in some.rows if (value := read(row)) is not None} for some in (self, other)
        )
        pairs = [(value, second[key]) for key, value in first.items() if key in second]
        return [one for one, _ in pairs], [another for _, another in pairs]

    def match_repeats(self, column: str, first: int, shift: int) -> tuple[Sequence[float], Sequence[float]]:
        read = _get_reader(column)
        known = {
            (row.scenario, row.sample, row.target, row.stage, row.turn, row.repeat): value
            for row in self.rows
            if (value := read(row)) is not None
        }
        later = ((value, (*place[:-1], place[-1] + shift)) for place, value in known.items() if place[-1] <= first)
        pairs = [(value, known[place]) for value, place in later if place in known]
        return [before for before, _ in pairs], [after for _, after in pairs]


def _get_reader(column: str) -> Callable[[Row], Any]:
    return COLUMNS[column].read if column in COLUMNS else _is_caused_by_us


def _get_readers(columns: Sequence[str]) -> Callable[[Row], tuple[Any, ...]]:
    readers = [_get_reader(column) for column in columns]
    return lambda row: tuple([read(row) for read in readers])


def _is_caused_by_us(row: Row) -> bool:
    return row.caused_by_us


def select_measured(run: Run) -> Selection:
    """Every exchange of a run but warm-up: figures where there are many and numpy is installed, else rows.

    Those of a run that is over are kept as long as the run is.
    """
    reading, kept = _KEPT.get(run, (None, None))
    if kept is not None and reading == run.reading:
        return kept
    if not run.has_many(MANY) or find_spec("numpy") is None:
        return RowSelection(run.rows).select("is_warmup", False)
    from byok_bench.report.figure_selections import select_figures

    figures = select_figures(run)
    if figures is None:
        return RowSelection(run.rows).select("is_warmup", False)
    measured = figures.select("is_warmup", False)
    if figures.is_whole:
        _KEPT[run] = run.reading, measured
    return measured
