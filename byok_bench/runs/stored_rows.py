"""Rows of a run as the result file keeps them, one after the other: never more than some thousand are held meanwhile.

What has no row of today's checks is judged for this once. Gaps stand with the figures, sorted by target and load, so
the block that a row is in is looked up by its exchange.
"""

import sqlite3
from array import array
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from byok_bench.runs.figures import to_ms, unpack_gaps, unpack_integers, unpack_words
from byok_bench.runs.judging import compute_judge_version, group_by_sample, judge_records
from byok_bench.runs.own_failures import KeptEnding, read_ending
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.row import Row, decode_row
from byok_bench.runs.storage import figure_blocks, judged_rows, ledger, run_rows
from byok_bench.runs.storage.result_file import open_reader

AT_ONCE: Final = 4096
"""Exchanges that are read together."""
OPEN_BLOCKS: Final = 16
"""Whose gaps are held: later turns stand far behind the first ones, which are judged with them."""
Slots = dict[int, tuple["array[int]", int, int]]
"""Exchange → the gaps of its target and load, and from where to where its own are."""


def iterate_rows(path: Path, run_id: str, *, anew: bool = False, only: range | None = None) -> Iterator[Row]:
    """The rows of a run in the order of the store; what has not ended has a row that says so.

    `anew`: all of them from their records, whatever is kept. `only`: those of these exchange ids.
    """
    judge = compute_judge_version()
    with open_reader(path) as db:
        plan = run_rows.read_stored_plan(db, run_id)
        ids = ledger.find_ids(db, run_id) if only is None else only
        kept = KeptRows(run_id, judge, ids) if figure_blocks.has_blocks(db) and not anew else None
    for start in range(ids.start, ids.stop, AT_ONCE):
        window = range(start, min(start + AT_ONCE, ids.stop))
        with open_reader(path) as db:
            rows = _read_window(db, plan, run_id, window, kept)
        yield from rows


def iterate_endings(path: Path, run_id: str) -> Iterator[KeptEnding]:
    """What cooldowns are found by, of the kept rows; nothing where there can be none: no mistake was made, or no 429
    came.
    """
    judge = compute_judge_version()
    with open_reader(path) as db:
        plan, ids = run_rows.read_stored_plan(db, run_id), ledger.find_ids(db, run_id)
        is_calm = not any(scenario.wants_failure for scenario in plan.scenarios) or not _has_limited(db, run_id, judge)
    for start in () if is_calm else range(ids.start, ids.stop, AT_ONCE):
        with open_reader(path) as db:
            rows = judged_rows.read_judged_rows(db, run_id, judge, range(start, start + AT_ONCE))
        yield from (read_ending(row) for row in rows.values())


def _has_limited(db: sqlite3.Connection, run_id: str, judge: str) -> bool:
    blocks = figure_blocks.list_blocks(db, run_id, judge)
    return any(429 in unpack_words(figure_blocks.read_column(db, block, "http_status"))[0] for block, _ in blocks)


def _read_window(db: sqlite3.Connection, plan: Plan, run_id: str, window: range, kept: "KeptRows | None") -> list[Row]:
    ids = ledger.list_ids(db, run_id, window)
    rows = {} if kept is None else kept.read(db, window)
    missing = [id_ for id_ in ids if id_ not in rows]
    if missing:
        samples = ledger.list_sample_states(db, run_id, ledger.list_first_keys(db, missing))
        for sample in group_by_sample(samples):
            rows |= {row.exchange_id: row for row in judge_records(db, plan, sample) if row.exchange_id not in rows}
    return [rows[id_] for id_ in ids if id_ in rows]  # a run may be deleted meanwhile


class KeptRows:
    """The rows and gaps that one judge stored of a run."""

    def __init__(self, run_id: str, judge: str, ids: range) -> None:
        self._run_id = run_id
        self._judge = judge
        self._ids = ids
        self._home = array("q", bytes(8 * len(ids)))
        """Of each exchange its block, or 0."""
        self._seen = 0
        """The last block that was looked at."""
        self._open: OrderedDict[int, Slots] = OrderedDict()

    def read(self, db: sqlite3.Connection, window: range) -> dict[int, Row]:
        """Exchange → its row, of those in the window that have one."""
        found = judged_rows.read_judged_rows(db, self._run_id, self._judge, window)
        gaps = self._find_gaps(db, list(found))
        return {
            id_: replace(decode_row(row), itl_ms=gaps[id_]) if id_ in gaps else decode_row(row)
            for id_, row in found.items()
        }

    def _find_gaps(self, db: sqlite3.Connection, ids: Sequence[int]) -> dict[int, tuple[float, ...]]:
        places = [id_ - self._ids.start for id_ in ids]
        if not all(self._home[place] for place in places):
            self._look_for_blocks(db)
        by_block: dict[int, list[int]] = {}
        for id_, place in zip(ids, places, strict=True):
            by_block.setdefault(self._home[place], []).append(id_)
        found = {}
        for block, some in by_block.items():
            slots = self._open_block(db, block) if block else {}
            for id_ in some:
                if id_ in slots:
                    gaps, start, end = slots[id_]
                    found[id_] = tuple(map(to_ms, gaps[start:end]))
        return found

    def _look_for_blocks(self, db: sqlite3.Connection) -> None:
        for block, _ in figure_blocks.list_blocks(db, self._run_id, self._judge):
            if block > self._seen:
                held = unpack_integers(figure_blocks.read_column(db, block, "exchange_id"))
                if max(held) >= self._ids.start and min(held) < self._ids.stop:
                    for id_ in held:
                        if id_ in self._ids:
                            self._home[id_ - self._ids.start] = block
                self._seen = block

    def _open_block(self, db: sqlite3.Connection, block: int) -> Slots:
        if block not in self._open:
            self._open[block] = _read_slots(db, block)
            if len(self._open) > OPEN_BLOCKS:
                self._open.popitem(last=False)
        self._open.move_to_end(block)
        return self._open[block]


def _read_slots(db: sqlite3.Connection, block: int) -> Slots:
    """Those of its exchanges that have gaps; rows of a target and load stand together."""
    ids, counts = (unpack_integers(figure_blocks.read_column(db, block, name)) for name in ("exchange_id", "gaps"))
    targets, stages = (_read_words(db, block, name) for name in ("target", "stage"))
    members: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for id_, count, place in zip(ids, counts, zip(targets, stages, strict=True), strict=True):
        if count:
            members.setdefault(place, []).append((id_, count))
    slots: Slots = {}
    for place, some in members.items():
        gaps = unpack_gaps(figure_blocks.find_gaps(db, block, *place) or b"I")
        ends = accumulate(count for _, count in some)
        slots |= {id_: (gaps, end - count, end) for (id_, count), end in zip(some, ends, strict=True)}
    return slots


def _read_words(db: sqlite3.Connection, block: int, name: str) -> list[int]:
    words, places = unpack_words(figure_blocks.read_column(db, block, name))
    return [words[place] for place in places]
