"""Judgement: the rows of a run as the result file keeps them, with their figures, brought up to date when asked for.

It is made in spans of exchanges, each in one transaction: whatever ends it in between, what was made stands, and the
next time the rest is judged. Where there is much to do, processes share the spans.
"""

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from byok_bench.runs.figures import make_block
from byok_bench.runs.judging import compute_judge_version, group_by_sample, judge_records
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.row import Row, encode_row
from byok_bench.runs.storage import figure_blocks, judged_rows, ledger, run_rows
from byok_bench.runs.storage.ledger import FINAL
from byok_bench.runs.storage.result_file import StoreWriter, change_store, open_reader
from byok_bench.runs.stored_rows import iterate_rows

SPAN: Final = 4096
"""Exchanges that are judged and stored together."""
ENOUGH_FOR_PROCESSES: Final = 3 * SPAN
"""Exchanges to judge from which on it pays to start processes."""
_PROCESS: Final = "byok_bench.runs.judging_process"


def update_judgement(path: Path, run_id: str, *, again: bool = False, processes: int | None = None) -> bool:
    """Judge what ended and has no row of today's checks, or all of it `again`; whether the file holds every row now.

    `processes`: all cores, if not said; one while the run goes on, which more would disturb. False for a file that
    cannot be written.
    """
    judge = compute_judge_version()
    with open_reader(path) as db:
        missing = ledger.count_ended(db, run_id)[1] if again else count_unjudged(db, run_id)
        is_going_on = run_rows.find_run(db, run_id).status == "running"
    if missing <= 0:
        return True
    if not os.access(path, os.W_OK):
        return False
    with change_store(path) as db:
        kept = "" if again else judge
        if figure_blocks.delete_blocks(db, run_id, kept):
            # Rows go with their figures: whoever reads the file next, with whatever checks, finds both or none.
            judged_rows.delete_judged_rows(db, run_id, kept)
    processes = processes or _count_cores()
    if missing >= ENOUGH_FOR_PROCESSES and processes > 1 and not is_going_on:
        told = "judging %d exchanges of run %s with %d processes; what is judged is kept"
        logging.getLogger("byok_bench").warning(told, missing, run_id, processes)
        _judge_in_processes(path, run_id, processes)
    judge_share(path, run_id, 0, 1, SPAN)
    return True


def count_unjudged(db: sqlite3.Connection, run_id: str) -> int:
    """Exchanges of a run that ended and have no figures of today's checks."""
    _, ended = ledger.count_ended(db, run_id)
    if not figure_blocks.has_blocks(db):
        return ended
    return ended - sum(rows for _, rows in figure_blocks.list_blocks(db, run_id, compute_judge_version()))


def judge_share(path: Path, run_id: str, share: int, shares: int, span: int) -> None:
    """Judge and store what is missing in every `shares`-th span of so many exchanges, that of number `share` first."""
    judge = compute_judge_version()
    with open_reader(path) as db:
        plan, ids = run_rows.read_stored_plan(db, run_id), ledger.find_ids(db, run_id)
    starts = range(ids.start, ids.stop, span)[share::shares]
    with closing(StoreWriter(path)) as writer:
        for start in starts:
            with open_reader(path) as db:
                rows = [*_judge_span(db, plan, run_id, range(start, start + span))]
            if rows:
                writer.submit(store_judgement, run_id, judge, rows).result()


def _judge_span(db: sqlite3.Connection, plan: Plan, run_id: str, ids: range) -> Iterator[Row]:
    """Rows that are missing of the samples of which one in the span is."""
    judge = compute_judge_version()
    samples = judged_rows.list_unjudged_samples(db, run_id, ids, judge)
    states = ledger.list_sample_states(db, run_id, samples) if samples else []
    ended = [state.id for state in states if state.status in FINAL]
    missing = set(ended) - judged_rows.list_judged(db, judge, ended)
    for sample in group_by_sample(states):
        yield from (row for row in judge_records(db, plan, sample) if row.exchange_id in missing)


def store_judgement(db: sqlite3.Connection, run_id: str, judge: str, rows: Sequence[Row]) -> None:
    """Rows and figures, but for those that another process has stored meanwhile."""
    there = judged_rows.list_judged(db, judge, [row.exchange_id for row in rows])
    fresh = [row for row in rows if row.exchange_id not in there]
    if not fresh:
        return
    judged_rows.store_judged_rows(db, [(row.exchange_id, judge, encode_row(replace(row, itl_ms=()))) for row in fresh])
    block = make_block(fresh)
    figure_blocks.store_block(db, run_id, judge, block.rows, block.columns, block.gaps)
    judged_rows.mark_failed(db, [(row.kind, row.phase or "", row.exchange_id) for row in fresh if row.kind])
    judged_rows.mark_answered(db, [row.exchange_id for row in fresh if row.status == "done"])


def _judge_in_processes(path: Path, run_id: str, processes: int) -> None:
    """One process a core; what one of them leaves undone is judged afterwards."""
    command = [sys.executable, "-P", "-m", _PROCESS, str(path), run_id]
    children = [
        subprocess.Popen(
            [*command, *map(str, (share, processes, SPAN))], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        for share in range(processes)
    ]
    try:
        for child in children:
            child.wait()
    finally:
        for child in children:
            with suppress(OSError):
                child.kill()
            child.wait()
            assert child.stdin is not None
            child.stdin.close()


def _count_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def list_rows(path: Path, run_id: str, *, again: bool = False) -> list[Row]:
    """Every row of a run, in the order of the store; what has not ended has a row that says so.

    In a file that cannot be written, what it lacks is judged for this once.
    """
    again = not update_judgement(path, run_id, again=again) and again
    return [*iterate_rows(path, run_id, anew=again)]
