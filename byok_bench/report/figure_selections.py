"""Selections of figures: what report/selections.py asks, of arrays. It answers as a selection of rows does."""

from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Final, cast

import numpy as np

from byok_bench.report.figure_arrays import Array, Figures, match_words
from byok_bench.report.stats import compute_picked_quantiles
from byok_bench.runs.figures import COLUMNS, MISSING, to_ms
from byok_bench.runs.judgement import update_judgement
from byok_bench.runs.results import Run

_SAMPLE: Final = ("target", "stage", "prompt", "repeat")


def select_figures(run: Run) -> "FigureSelection | None":
    """All of a run, judged as far as it has ended. None where the file cannot be written and lacks some."""
    if not update_judgement(run.path, run.id):
        return None
    figures = Figures(run)
    return FigureSelection(figures, np.arange(len(figures)))


class FigureSelection:
    """Places of rows among the figures of a run, in order."""

    def __init__(self, figures: Figures, places: Array) -> None:
        self._figures = figures
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @property
    def is_whole(self) -> bool:
        """Whether the run is over: it will not have more."""
        return self._figures.is_whole

    def select(self, column: str, *values: Any) -> "FigureSelection":
        return self._filter(column, values, wanted=True)

    def drop(self, column: str, *values: Any) -> "FigureSelection":
        return self._filter(column, values, wanted=False)

    def select_together(self, columns: Sequence[str], *values: tuple[Any, ...]) -> "FigureSelection":
        codes, wanted = self._join_codes(columns), frozenset(values)
        kept = [code for code in np.unique(codes) if self._name_values(columns, int(code)) in wanted]
        return FigureSelection(self._figures, self._places[np.isin(codes, kept)])

    def drop_missing(self, column: str) -> "FigureSelection":
        return FigureSelection(self._figures, self._places[~np.isnan(self._read_numbers(column))])

    def split(self, *columns: str) -> "Mapping[tuple[Any, ...], FigureSelection]":
        codes = self._join_codes(columns)
        order = np.argsort(codes, kind="stable")
        edges = np.flatnonzero(np.diff(codes[order])) + 1
        groups = sorted(np.split(order, edges), key=lambda group: int(group[0])) if len(order) else []
        return {
            self._name_values(columns, int(codes[group[0]])): FigureSelection(self._figures, self._places[group])
            for group in groups
        }

    def list_last_turns(self) -> "FigureSelection":
        turns = self._figures.find_words("turn")
        if len(turns.words) < 2:
            return self
        numbers = np.array(turns.words)[turns.codes[self._places]]
        codes = self._join_codes(_SAMPLE)
        order = np.lexsort((numbers, codes))
        is_last = np.append(np.diff(codes[order]) != 0, True)[: len(order)]
        return FigureSelection(self._figures, np.sort(self._places[order[is_last]]))

    def list_numbers(self, column: str) -> Sequence[float]:
        if COLUMNS[column].kind == "integer":
            whole = self._figures.find_integers(column)[self._places]
            return cast(Sequence[float], whole[whole != MISSING])
        found = self._figures.find_numbers(column)[self._places]
        return cast(Sequence[float], found[~np.isnan(found)])

    def count_values(self, *columns: str) -> Counter[Any]:
        codes, first, counts = np.unique(self._join_codes(columns), return_index=True, return_counts=True)
        found: Counter[Any] = Counter()
        for place in np.argsort(first):
            values = self._name_values(columns, int(codes[place]))
            found[values if len(columns) > 1 else values[0]] = int(counts[place])
        return found

    def compute_gap_quantiles(self, *quantiles: float) -> list[float | None]:
        short, long = self._figures.read_gaps(self._places)
        long.sort()

        def pick(places: Sequence[int]) -> Sequence[float]:
            """Every short one is shorter than every long one."""
            short.partition([place for place in places if place < len(short)])
            return [to_ms(int(short[place] if place < len(short) else long[place - len(short)])) for place in places]

        return compute_picked_quantiles(len(short) + len(long), quantiles, pick)

    def match_numbers(
        self, column: str, other: "FigureSelection", by: Sequence[str]
    ) -> tuple[Sequence[float], Sequence[float]]:
        first, second = (some.drop_missing(column)._keep_last(by) for some in (self, other))
        keys, others = first._join_codes(by), second._join_codes(by)
        _, at, there = np.intersect1d(keys, others, assume_unique=True, return_indices=True)
        return (
            cast(Sequence[float], first._read_numbers(column)[at]),
            cast(Sequence[float], second._read_numbers(column)[there]),
        )

    def match_repeats(self, column: str, first: int, shift: int) -> tuple[Sequence[float], Sequence[float]]:
        numbers = self._figures.find_numbers(column)[self._places]
        known = np.flatnonzero(~np.isnan(numbers))
        repeat = self._figures.find_integers("repeat")[self._places[known]]
        turns = self._join_codes(("target", "stage", "prompt", "turn"))[known].astype(np.int64)
        keys = turns * (int(repeat.max(initial=0)) + shift + 1) + repeat
        order = np.argsort(keys)
        ranked = keys[order]
        early = np.flatnonzero(repeat <= first)
        at = np.minimum(np.searchsorted(ranked, keys[early] + shift), max(0, len(ranked) - 1))
        met = ranked[at] == keys[early] + shift if len(ranked) else np.zeros(0, bool)
        return numbers[known[early[met]]], numbers[known[order[at[met]]]]

    def _filter(self, column: str, values: tuple[Any, ...], *, wanted: bool) -> "FigureSelection":
        found = self._figures.find_words(column)
        is_kept = match_words(found, *values) == wanted
        if is_kept.all():
            return self
        return FigureSelection(self._figures, self._places[is_kept[found.codes[self._places]]])

    def _keep_last(self, by: Sequence[str]) -> "FigureSelection":
        """Of those with the same values in some columns the last one."""
        _, at = np.unique(self._join_codes(by)[::-1], return_index=True)
        return FigureSelection(self._figures, self._places[len(self) - 1 - at])

    def _read_numbers(self, column: str) -> Array:
        return self._figures.find_numbers(column)[self._places]

    def _join_codes(self, columns: Sequence[str]) -> Array:
        """One number for the values of each row, of as few bytes as hold it: these are sorted fastest."""
        found = [self._figures.find_codes(column) for column in columns]
        kind = np.min_scalar_type(prod(most for _, most in found))
        joined = np.zeros(len(self), kind)
        for codes, most in found:
            joined *= kind.type(most)
            joined += codes[self._places].astype(kind)
        return joined

    def _name_values(self, columns: Sequence[str], code: int) -> tuple[Any, ...]:
        values = []
        for column in reversed(columns):
            words = self._figures.find_words(column).words
            code, place = divmod(code, len(words))
            values.append(words[place])
        return tuple(reversed(values))
