"""Which failures are ours, of figures: the rules are those of runs/own_failures.py and runs/cooldown.py."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from byok_bench.runs import cooldown
from byok_bench.runs.figures import MISSING
from byok_bench.runs.own_failures import BROKEN_OFF, FIRST_REFUSAL

if TYPE_CHECKING:
    from byok_bench.report.figure_arrays import Array, Figures


class _Seen(NamedTuple):
    """One answer, as the rule looks at it."""

    row: int
    start_ns: int
    end_ns: int
    http_status: int | None = None
    kind: str | None = None
    retry_after_s: float | None = None
    message: str | None = None
    wants_failure: bool = False


def find_sleep_figures(figures: "Figures") -> "Array":
    """Of each row, whether it broke while the machine slept."""
    found = np.ones(len(figures), bool)
    for name, fits in _BROKEN_BY_SLEEP.items():
        column = figures.find_words(name)
        found &= np.fromiter(map(fits, column.words), bool, len(column.words))[column.codes]
    return found


_BROKEN_BY_SLEEP: Final[Mapping[str, Callable[[Any], bool]]] = {
    "is_untimed": bool,
    "kind": BROKEN_OFF.__contains__,
    "http_status": lambda status: status is None or status < FIRST_REFUSAL,
}


def find_cooling_figures(figures: "Figures") -> "Array":
    """Of each row, whether it is a 429 of a cooldown of ours."""
    caused = np.zeros(len(figures), bool)
    if 429 not in figures.find_words("http_status").words:
        return caused
    ends, timelines, targets = (
        figures.find_integers("end_ns"), figures.find_words("timeline"), figures.find_words("target"),
    )  # fmt: skip
    servers = [cooldown.name_server(figures.plan, target) for target in targets.words]
    numbers = np.array([servers.index(server) for server in servers])
    together = numbers[targets.codes] * len(timelines.words) + timelines.codes
    for server in np.unique(together):
        rows = np.flatnonzero((together == server) & (ends != MISSING))
        ranked = rows[np.argsort(ends[rows], kind="stable")]
        for found in cooldown.find_caused(_iterate_seen(figures, ranked, ends[ranked])):
            caused[found.row] = True
    return caused


def _iterate_seen(figures: "Figures", rows: "Array", ends: "Array") -> Iterator[_Seen]:
    """In the order of their ends. Of good answers in a row, the one that was asked last tells all."""
    starts = figures.find_integers("start_ns")[rows]
    starts[starts == MISSING] = 0
    is_good = _has_word(figures, "kind", rows, None) & ~_has_word(figures, "http_status", rows, 429)
    failed = np.flatnonzero(~is_good)
    good = starts.copy()
    good[failed] = MISSING
    edges = np.concatenate(([0], failed + 1))
    latest = np.maximum.reduceat(good, edges[edges < len(good)]) if len(good) else good
    for place, asked in enumerate(latest):
        if asked != MISSING:
            yield _Seen(-1, int(asked), int(asked))
        if place < len(failed):
            at = failed[place]
            yield _read_failure(figures, int(rows[at]), int(starts[at]), int(ends[at]))


def _has_word(figures: "Figures", column: str, rows: "Array", word: object) -> "Array":
    found = figures.find_words(column)
    return np.array([one == word for one in found.words], bool)[found.codes[rows]]


def _read_failure(figures: "Figures", row: int, start_ns: int, end_ns: int) -> _Seen:
    status, kind, message, wanted = (
        column.words[column.codes[row]]
        for column in map(figures.find_words, ("http_status", "kind", "message", "wants_failure"))
    )
    told = float(figures.find_numbers("retry_after_s")[row])
    return _Seen(row, start_ns, end_ns, status, kind, None if np.isnan(told) else told, message, wanted)
