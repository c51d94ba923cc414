"""The statements on runs as such: made, named, listed, found, and how each stands. They commit nothing."""

import sqlite3
from collections.abc import Sequence
from typing import Final

import msgspec

from byok_bench.errors import StoreError
from byok_bench.runs.planning.plan import Job, Plan
from byok_bench.runs.storage import ascii_json
from byok_bench.runs.storage.column_values import as_column, from_column, read_file_version
from byok_bench.runs.storage.ledger import add_jobs, make_timestamp
from byok_bench.runs.storage.migrations import VERSION

MOST_NAMED: Final = 20
"""Runs that an error names."""


class RunLabels(msgspec.Struct, frozen=True, kw_only=True):
    """What a user calls a run, and where its plan stood."""

    note: str = ""
    plan_file: str = ""
    """Path as it was given; empty for a run without one."""


class StoredRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as listed."""

    id: str
    created: str
    """UTC, ISO 8601: a label, not a measurement."""
    plan_hash: str
    status: str
    reason: str = ""
    """Why it was interrupted."""
    finished: str | None
    note: str = ""
    """What the user calls it."""
    plan_file: str = ""
    owner: str | None = None
    """The process that drives it, or did."""
    record_bytes: int | None = None
    """What its records take in the file; None in a file from before that was counted."""


def create_run(
    db: sqlite3.Connection,
    run_id: str,
    plan: Plan,
    plan_hash: str,
    jobs: Sequence[Job],
    labels: RunLabels = RunLabels(),  # noqa: B008 - frozen
) -> None:
    """A new run with every first turn planned, in one step."""
    db.execute(
        "insert into run (id, created, plan_hash, plan, status, note, plan_file) values (?, ?, ?, ?, 'running', ?, ?)",
        (
            run_id,
            make_timestamp(),
            plan_hash,
            ascii_json.to_ascii(plan),
            as_column(labels.note),
            as_column(labels.plan_file),
        ),
    )
    add_jobs(db, run_id, jobs)


def set_status(db: sqlite3.Connection, run_id: str, status: str, reason: str = "") -> None:
    """How a run stands: running, finished, interrupted."""
    finished = None if status == "running" else make_timestamp()
    db.execute(
        "update run set status = ?, reason = ?, finished = ? where id = ?",
        (status, as_column(reason), finished, run_id),
    )


def set_owner(db: sqlite3.Connection, run_id: str, owner: str) -> None:
    """The process that drives a run from now on."""
    db.execute("update run set owner = ? where id = ?", (owner, run_id))


def set_note(db: sqlite3.Connection, run_id: str, note: str) -> None:
    """What the user calls a run from now on."""
    db.execute("update run set note = ? where id = ?", (as_column(note), run_id))


def finish_run(db: sqlite3.Connection, run_id: str) -> None:
    """All is played; warm-up that a start was stopped in is not made up for."""
    db.execute(
        "update exchange set status = 'left_out', final = 'warm-up of a start that was stopped'"
        " where run_id = ? and repeat = 0 and status = 'planned'",
        (run_id,),
    )
    set_status(db, run_id, "finished")


def set_plan(db: sqlite3.Connection, run_id: str, plan: Plan) -> None:
    """The plan of a run with what was learnt since it was stored; its keys and jobs are the same."""
    db.execute("update run set plan = ? where id = ?", (ascii_json.to_ascii(plan), run_id))


def delete_run(db: sqlite3.Connection, run_id: str) -> None:
    """A run and everything that hangs on it."""
    db.execute("delete from run where id = ?", (run_id,))


def list_unfinished_runs(db: sqlite3.Connection, plan_hash: str) -> list[StoredRun]:
    """The runs of a plan that have not finished, newest first."""
    return [row for row in reversed(list_stored_runs(db)) if row.plan_hash == plan_hash and row.status != "finished"]


def list_stored_runs(db: sqlite3.Connection) -> list[StoredRun]:
    """Every run, oldest first."""
    labels = (
        "reason, note, plan_file, owner, record_bytes" if read_file_version(db) >= 4 else "note, '', '', null, null"
    )
    rows = db.execute(f"select id, created, plan_hash, status, finished, {labels} from run order by created, rowid")
    return [
        StoredRun(
            id=row[0], created=row[1], plan_hash=row[2], status=row[3], finished=row[4], reason=from_column(row[5]),
            note=from_column(row[6]), plan_file=from_column(row[7]), owner=row[8], record_bytes=row[9],
        )
        for row in rows
    ]  # fmt: skip


def find_run(db: sqlite3.Connection, wanted: str) -> StoredRun:
    """A run by its id, an unambiguous start of it, its note, or `last`. Raises StoreError."""
    every = list_stored_runs(db)
    if wanted == "last" and every:
        return every[-1]
    if not every:
        raise StoreError("there is no run in this file yet", code="no_run")
    found = (
        [row for row in every if row.id == wanted]
        or [row for row in every if wanted and row.note == wanted]
        or [row for row in every if wanted and row.id.startswith(wanted)]
    )
    if len(found) > 1:
        raise StoreError(f"{wanted!r} fits {len(found)} runs: {_name_some(found)}", code="no_run")
    if not found:
        raise StoreError(f"run {wanted!r} is not in this file; the latest are: {_name_some(every)}", code="no_run")
    return found[0]


def _name_some(rows: Sequence[StoredRun]) -> str:
    """The newest few by their ids, with their notes."""
    named = ", ".join(f"{row.id} ({row.note})" if row.note else row.id for row in rows[-MOST_NAMED:])
    return named if len(rows) <= MOST_NAMED else f"… {named}"


def read_stored_plan(db: sqlite3.Connection, run_id: str) -> Plan:
    """The plan that a run was started with. Raises StoreError if this version cannot read it."""
    (document,) = db.execute("select plan from run where id = ?", (run_id,)).fetchone()
    try:
        return ascii_json.from_ascii(document, Plan)
    except (msgspec.ValidationError, ValueError) as error:
        raise StoreError(
            f"the plan of run {run_id} is not one that format {VERSION} has: {error}", code="bad_plan"
        ) from None
