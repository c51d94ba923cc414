"""What a list of runs says of each: from the columns of the file and the names in the plan; nothing is judged."""

import json
import os
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from byok_bench.runs.results import is_run_abandoned
from byok_bench.runs.storage import ledger, run_rows
from byok_bench.runs.storage.result_file import count_file_bytes, open_reader
from byok_bench.runs.storage.result_path import locate_store
from byok_bench.runs.storage.run_rows import StoredRun


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as listed."""

    run: str
    created: str
    """UTC, ISO 8601."""
    finished: str | None
    status: str
    """running, finished, interrupted."""
    is_abandoned: bool
    """It was not told that it was interrupted: its process is gone."""
    reason: str
    """Why it was interrupted."""
    note: str
    """What its user calls it."""
    plan_file: str
    targets: tuple[str, ...]
    scenarios: tuple[str, ...]
    repeats: int
    exchanges: Mapping[str, int]
    """Status → how many, without warm-up."""
    size_bytes: int | None
    """What its records take in the file; None in a file from before that was counted."""


class StoreSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A result file with its runs."""

    store: str
    size_bytes: int
    """The file and its log."""
    free_bytes: int
    """Of these, what no run takes any more: `runs vacuum` gives it back."""
    runs: tuple[RunSummary, ...]
    """Oldest first."""


def summarize_store(store: str | os.PathLike[str] | None = None) -> StoreSummary:
    """Every run of a result file. Raises StoreError if there is none."""
    path = locate_store(store)
    with open_reader(path) as db:
        (page,), (free,) = (db.execute(f"pragma {name}").fetchone() for name in ("page_size", "freelist_count"))
        runs = tuple(_summarize_row(db, row) for row in run_rows.list_stored_runs(db))
    return StoreSummary(store=str(path), size_bytes=count_file_bytes(path), free_bytes=page * free, runs=runs)


def summarize_run(wanted: str = "last", store: str | os.PathLike[str] | None = None) -> RunSummary:
    """One run by id, note or `last`. Raises StoreError."""
    path: Path = locate_store(store)
    with open_reader(path) as db:
        return _summarize_row(db, run_rows.find_run(db, wanted))


def _summarize_row(db: sqlite3.Connection, row: StoredRun) -> RunSummary:
    # Not the whole Plan: it holds every prompt, and a list of a hundred runs is to come at once.
    (document,) = db.execute("select plan from run where id = ?", (row.id,)).fetchone()
    plan: dict[str, Any] = json.loads(document)
    is_abandoned = is_run_abandoned(db, row.id, row.status, row.owner)
    return RunSummary(
        run=row.id,
        created=row.created,
        finished=row.finished,
        status="interrupted" if is_abandoned else row.status,
        is_abandoned=is_abandoned,
        reason="its process is gone" if is_abandoned else row.reason,
        note=row.note,
        plan_file=row.plan_file,
        targets=tuple(f"{target['label']} · {target.get('alias') or target['model']}" for target in plan["targets"]),
        scenarios=_list_names(plan["scenarios"]),
        repeats=plan.get("repeats", 1),
        exchanges=ledger.count_states(db, row.id),
        size_bytes=row.record_bytes,
    )


def _list_names(entries: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(str(entry["name"]) for entry in entries)
