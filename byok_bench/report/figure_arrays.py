"""Figures of a run as arrays, read from the file column by column as they are asked for.

Rows stand in the order of their exchanges. Numbers are float64 with NaN for what was not observed, words a code for
each row and the list of words; gaps stay in the file. What has not ended is among the rows, as it is among a run's.
"""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np

from byok_bench.report.caused_figures import find_cooling_figures, find_sleep_figures
from byok_bench.runs.figures import COLUMNS, make_block, unpack_gaps, unpack_integers, unpack_numbers, unpack_words
from byok_bench.runs.judging import compute_judge_version, make_unrecorded_row
from byok_bench.runs.own_failures import IN_COOLDOWN, WHILE_ASLEEP
from byok_bench.runs.results import Run
from byok_bench.runs.storage import figure_blocks, ledger
from byok_bench.runs.storage.result_file import open_reader

Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"
_CODES: Final = (np.uint8, np.uint16, np.uint32)


class Words(NamedTuple):
    """A column of words."""

    words: list[Any]
    codes: Array
    """Of each row, the place of its word."""


class Figures:
    """The figures of a run, as far as it was when they were read."""

    def __init__(self, run: Run) -> None:
        self.plan = run.plan
        self._path = run.path
        with open_reader(run.path) as db:
            self._blocks = figure_blocks.list_blocks(db, run.id, compute_judge_version())
            waiting = ledger.list_open_states(db, run.id)
        self._open = make_block([make_unrecorded_row(run.plan, state) for state in waiting])
        ids = self._read_stored("exchange_id", unpack_integers, np.int64)
        self._order = None if np.all(ids[:-1] < ids[1:]) else np.argsort(ids)
        self.is_whole = run.status == "finished" and not waiting
        """Nothing can come any more."""
        self._words: dict[str, Words] = {}
        self._numbers: dict[str, Array] = {}

    def __len__(self) -> int:
        return self._open.rows + sum(rows for _, rows in self._blocks)

    def find_words(self, name: str) -> Words:
        """A column of words, `caused_by_us` among them."""
        if name not in self._words:
            self._words[name] = self._mark_words(name)
        return self._words[name]

    def find_numbers(self, name: str) -> Array:
        """A column of numbers."""
        if name not in self._numbers:
            self._numbers[name] = self._put_in_order(self._read_stored(name, unpack_numbers, np.float64))
        return self._numbers[name]

    def find_integers(self, name: str) -> Array:
        """A column of integers."""
        return self._put_in_order(self._read_stored(name, unpack_integers, np.int64))

    def find_codes(self, name: str) -> tuple[Array, int]:
        """Of each row a number from 0 on for its word, or its integer, if from 0 on; and a bound of them."""
        if COLUMNS[name].kind == "integer":
            codes = self.find_integers(name)
            return codes, int(codes.max(initial=0)) + 1
        column = self.find_words(name)
        return column.codes, len(column.words)

    def read_gaps(self, chosen: Array) -> tuple[Array, Array]:
        """Gaps of some rows in ns, in no order: those of 32 bits, and the longer ones."""
        wanted = np.zeros(len(self), bool)
        wanted[chosen if self._order is None else self._order[chosen]] = True
        counts = self._read_stored("gaps", unpack_integers, np.int64)
        short, filled = np.empty(int(counts[wanted].sum()), np.uint32), 0
        long: list[Array] = [np.empty(0, np.int64)]
        for gaps in self._iterate_gaps(wanted, counts):
            fitting = gaps if gaps.dtype == np.uint32 else gaps[gaps < 2**32]
            short[filled : filled + len(fitting)] = fitting
            filled += len(fitting)
            if len(fitting) < len(gaps):
                long.append(gaps[gaps >= 2**32])
        return short[:filled], np.concatenate(long)

    def _iterate_gaps(self, wanted: Array, counts: Array) -> Iterator[Array]:
        """The gaps of wanted rows, block by block and place by place; rows of a place stand together in a block."""
        targets, stages = (self._read_words(name) for name in ("target", "stage"))
        start = 0
        with open_reader(self._path) as db:
            for block, rows in self._blocks:
                here = slice(start, start + rows)
                start += rows
                target, stage = targets.codes[here], stages.codes[here]
                steps = np.flatnonzero((np.diff(target) != 0) | (np.diff(stage) != 0)) + 1
                for part in np.split(np.arange(here.start, here.stop), steps):
                    place = targets.words[targets.codes[part[0]]], stages.words[stages.codes[part[0]]]
                    packed = figure_blocks.find_gaps(db, block, *place) if wanted[part].any() else None
                    if packed is not None:
                        yield _choose_gaps(packed, wanted[part], counts[part])

    def _mark_words(self, name: str) -> Words:
        """What the file has, with the marks on what failed by our doing."""
        if name == "caused_by_us":
            return Words([False, True], (self._cooling | self._asleep).view(np.uint8))
        found = self._put_words_in_order(self._read_words(name))
        if name not in ("outcome", "why") or not (self._cooling | self._asleep).any():
            return found
        over = ~_find_rows(self._put_words_in_order(self._read_words("outcome")), None)
        places, codes = {word: code for code, word in enumerate(found.words)}, found.codes.astype(np.uint32)
        for ours, why in ((self._asleep, WHILE_ASLEEP), (self._cooling, IN_COOLDOWN)):
            for rows, word in ((ours & over, ("excluded", (why,))), (ours & ~over, (None, ()))):
                codes[rows] = places.setdefault(word[name == "why"], len(places))
        return Words(list(places), codes)

    @cached_property
    def _cooling(self) -> Array:
        return find_cooling_figures(self)

    @cached_property
    def _asleep(self) -> Array:
        return find_sleep_figures(self)

    def _read_words(self, name: str) -> Words:
        """As stored: every block has words of its own."""
        places: dict[Any, int] = {}
        codes, start = np.empty(len(self), np.uint32), 0
        for packed, rows in self._iterate_columns(name):
            words, own = unpack_words(packed)
            translated = np.array([places.setdefault(word, len(places)) for word in words], np.uint32)
            codes[start : start + rows] = translated[np.frombuffer(own, f"u{own.itemsize}")]
            start += rows
        smallest = next(code for code in _CODES if len(places) <= np.iinfo(code).max)
        return Words(list(places), codes.astype(smallest))

    def _read_stored(self, name: str, unpack: Callable[[bytes], Any], kind: type) -> Array:
        start = 0
        column: Array = np.empty(len(self), kind)
        for packed, rows in self._iterate_columns(name):
            column[start : start + rows] = np.frombuffer(unpack(packed), kind)
            start += rows
        return column

    def _iterate_columns(self, name: str) -> Iterator[tuple[bytes, int]]:
        with open_reader(self._path) as db:
            for block, rows in self._blocks:
                yield figure_blocks.read_column(db, block, name), rows
        if self._open.rows:
            yield self._open.columns[name], self._open.rows

    def _put_in_order(self, column: Array) -> Array:
        return column if self._order is None else column[self._order]

    def _put_words_in_order(self, column: Words) -> Words:
        return Words(column.words, self._put_in_order(column.codes))


def match_words(column: Words, *values: Any) -> Array:
    """Of each word, whether it is one of the values."""
    wanted = frozenset(values)
    return np.fromiter((word in wanted for word in column.words), bool, len(column.words))


def _find_rows(column: Words, *values: Any) -> Array:
    return match_words(column, *values)[column.codes]


def _choose_gaps(packed: bytes, wanted: Array, counts: Array) -> Array:
    gaps = np.frombuffer(unpack_gaps(packed), np.uint32 if packed[:1] == b"I" else np.int64)
    return gaps if wanted[counts > 0].all() else gaps[np.repeat(wanted, counts)]
