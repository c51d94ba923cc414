"""The statements on a result file: what is planned, sent, recorded, judged. They take a connection and commit nothing.

A row goes planned → sent → done | failed. `sent` is written before the request goes out, so a row that is still
`sent` when its process is gone may have been billed. A result is written once: only the attempt that is in flight
can end a row. Text that has no UTF-8 form is kept as bytes with surrogates passed, which the column's type shows.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from byok_bench.errors import StoreError
from byok_bench.runs.planning.plan import Job, Plan, make_turn_key
from byok_bench.runs.storage import ascii_json
from byok_bench.runs.storage.column_values import as_column, from_column, read_file_version
from byok_bench.runs.storage.migrations import VERSION
from byok_bench.runs.storage.records import Record

Status = Literal["planned", "sent", "done", "failed", "left_out"]
FINAL: Final = ("done", "failed", "left_out")
MOST_NAMED: Final = 8
"""Runs that an error names."""


class ExchangeState(msgspec.Struct, frozen=True, kw_only=True):
    """Where one exchange of a run stands."""

    id: int
    key: str
    first_key: str
    turn: int
    target: int
    stage: int
    scenario: str
    sample: str
    repeat: int
    status: Status
    attempt: int
    owner: str | None
    kind: str | None
    phase: str | None
    final: str
    """Why the row is final."""
    waited_ms: float | None = None
    """How long this side waited before its last request, as it was told to."""


class ExchangeEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How an exchange ended."""

    status: Literal["done", "failed"]
    why: str
    """Why no other attempt follows."""
    kind: str | None = None
    phase: str | None = None


class StoredRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run, as listed."""

    id: str
    created: str
    """UTC, ISO 8601: a label, not a measurement."""
    plan_hash: str
    status: str
    note: str
    finished: str | None


def make_timestamp() -> str:
    """Wall time as a label."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def create_run(db: sqlite3.Connection, run_id: str, plan: Plan, plan_hash: str, jobs: Sequence[Job]) -> None:
    """A new run with every first turn planned, in one step."""
    document = ascii_json.to_ascii(plan)
    db.execute(
        "insert into run (id, created, plan_hash, plan, status) values (?, ?, ?, ?, 'running')",
        (run_id, make_timestamp(), plan_hash, document),
    )
    add_jobs(db, run_id, jobs)


def add_jobs(db: sqlite3.Connection, run_id: str, jobs: Iterable[Job]) -> None:
    """Plan the first turn of each job; those already there stay as they are."""
    db.executemany(
        "insert into exchange (run_id, plan_key, first_key, turn, target, stage, scenario, sample, repeat, status)"
        " values (?, ?, ?, 1, ?, ?, ?, ?, ?, 'planned') on conflict do nothing",
        (
            (
                run_id,
                job.key,
                job.key,
                job.target,
                job.stage,
                as_column(job.scenario),
                as_column(job.sample),
                job.repeat,
            )
            for job in jobs
        ),
    )


def claim_attempt(
    db: sqlite3.Connection,
    run_id: str,
    job: Job,
    turn: int,
    attempt: int,
    owner: str,
    waited_ms: float | None = None,
) -> bool:
    """Mark one attempt as sent, before it is. False if another process has it, or it is final."""
    key = make_turn_key(job.key, turn)
    if turn > 1:
        db.execute(
            "insert into exchange (run_id, plan_key, first_key, turn, target, stage, scenario, sample, repeat, status)"
            " values (?, ?, ?, ?, ?, ?, ?, ?, ?, 'planned') on conflict do nothing",
            (
                run_id,
                key,
                job.key,
                turn,
                job.target,
                job.stage,
                as_column(job.scenario),
                as_column(job.sample),
                job.repeat,
            ),
        )
    taken = db.execute(
        "update exchange set status = 'sent', attempt = ?, owner = ?, waited_ms = ? where run_id = ? and plan_key = ?"
        " and (status = 'planned' or (status = 'sent' and owner = ? and attempt = ? - 1)) returning id",
        (attempt, owner, waited_ms, run_id, key, owner, attempt),
    ).fetchone()
    if taken is None:
        return False
    db.execute(
        "insert into attempt (exchange_id, attempt, sent_at) values (?, ?, ?)",
        (taken[0], attempt, make_timestamp()),
    )
    return True


def store_attempt(
    db: sqlite3.Connection,
    run_id: str,
    key: str,
    attempt: int,
    stored: Record,
    end: ExchangeEnd | None,
) -> int | None:
    """Keep what an attempt brought; `end` is None if another attempt follows.

    Returns the row's id, or None if this attempt is not the one in flight: then nothing changed.
    """
    row = db.execute(
        "select id from exchange where run_id = ? and plan_key = ? and status = 'sent' and attempt = ?",
        (run_id, key, attempt),
    ).fetchone()
    if row is None:
        return None
    id_: int = row[0]
    db.execute(
        "update attempt set ended = 'recorded', meta = ?, stamps = ?, sizes = ? where exchange_id = ? and attempt = ?",
        (stored.meta, stored.stamps, stored.sizes, id_, attempt),
    )
    db.execute(
        "insert into body (exchange_id, attempt, request, response) values (?, ?, ?, ?)",
        (id_, attempt, stored.request, stored.response),
    )
    if end is not None:
        db.execute(
            "update exchange set status = ?, kind = ?, phase = ?, final = ?, owner = null where id = ?",
            (end.status, end.kind, end.phase, as_column(end.why), id_),
        )
    return id_


def leave_out(db: sqlite3.Connection, run_id: str, key: str, why: str) -> None:
    """A planned exchange that is not asked, and why."""
    db.execute(
        "update exchange set status = 'left_out', final = ? where run_id = ? and plan_key = ? and status = 'planned'",
        (as_column(why), run_id, key),
    )


def fail_unsent(db: sqlite3.Connection, run_id: str, key: str, kind: str, phase: str, why: str) -> None:
    """An exchange that failed before anything was sent; there is no record of it."""
    db.execute(
        "update exchange set status = 'failed', kind = ?, phase = ?, final = ?, owner = null"
        " where run_id = ? and plan_key = ? and status in ('planned', 'sent')",
        (kind, phase, as_column(why), run_id, key),
    )


def give_back_exchanges(db: sqlite3.Connection, run_id: str, keys: Sequence[str]) -> None:
    """Rows whose process is gone are planned again; the attempt that was in flight is kept as lost."""
    for key in keys:
        db.execute(
            "update attempt set ended = 'lost' where ended is null and exchange_id ="
            " (select id from exchange where run_id = ? and plan_key = ?)",
            (run_id, key),
        )
        db.execute(
            "update exchange set status = 'planned', owner = null"
            " where run_id = ? and plan_key = ? and status = 'sent'",
            (run_id, key),
        )


def give_back_owned(db: sqlite3.Connection, run_id: str, owner: str) -> None:
    """The same for all rows that a process has in flight, by that process itself."""
    rows = db.execute(
        "select plan_key from exchange where run_id = ? and status = 'sent' and owner = ?", (run_id, owner)
    )
    give_back_exchanges(db, run_id, [key for (key,) in rows.fetchall()])


def set_status(db: sqlite3.Connection, run_id: str, status: str, note: str = "") -> None:
    """How a run stands: running, finished, interrupted."""
    finished = None if status == "running" else make_timestamp()
    db.execute(
        "update run set status = ?, note = ?, finished = ? where id = ?",
        (status, as_column(note), finished, run_id),
    )


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


def list_unfinished_runs(db: sqlite3.Connection, plan_hash: str) -> list[StoredRun]:
    """The runs of a plan that have not finished, newest first."""
    return [row for row in reversed(list_stored_runs(db)) if row.plan_hash == plan_hash and row.status != "finished"]


def list_stored_runs(db: sqlite3.Connection) -> list[StoredRun]:
    """Every run, oldest first."""
    rows = db.execute("select id, created, plan_hash, status, note, finished from run order by created, rowid")
    return [
        StoredRun(id=i, created=c, plan_hash=h, status=s, note=from_column(n), finished=f) for i, c, h, s, n, f in rows
    ]


def find_run(db: sqlite3.Connection, wanted: str) -> StoredRun:
    """A run by its id, an unambiguous start of it, or `last`. Raises StoreError."""
    every = list_stored_runs(db)
    if wanted == "last" and every:
        return every[-1]
    if not every:
        raise StoreError("there is no run in this file yet", code="no_run")
    found = [row for row in every if row.id == wanted] or [row for row in every if wanted and row.id.startswith(wanted)]
    if len(found) > 1:
        raise StoreError(f"{wanted!r} fits {len(found)} runs: {_name_some(found)}", code="no_run")
    if not found:
        raise StoreError(f"run {wanted!r} is not in this file; the latest are: {_name_some(every)}", code="no_run")
    return found[0]


def _name_some(rows: Sequence[StoredRun]) -> str:
    """The newest few by their ids."""
    named = ", ".join(row.id for row in rows[-MOST_NAMED:])
    return named if len(rows) <= MOST_NAMED else f"… {named}"


def list_sending_owners(db: sqlite3.Connection, run_id: str) -> list[str]:
    """The processes that have exchanges of a run in flight, by the names that they gave."""
    rows = db.execute("select distinct owner from exchange where run_id = ? and status = 'sent'", (run_id,))
    return [owner or "" for (owner,) in rows]


def read_stored_plan(db: sqlite3.Connection, run_id: str) -> Plan:
    """The plan that a run was started with. Raises StoreError if this version cannot read it."""
    (document,) = db.execute("select plan from run where id = ?", (run_id,)).fetchone()
    try:
        return ascii_json.from_ascii(document, Plan)
    except (msgspec.ValidationError, ValueError) as error:
        raise StoreError(
            f"the plan of run {run_id} is not one that format {VERSION} has: {error}", code="bad_plan"
        ) from None


def list_states(db: sqlite3.Connection, run_id: str) -> list[ExchangeState]:
    """Every exchange of a run, in the order of its rows."""
    waited = "waited_ms" if read_file_version(db) >= 3 else "null"
    rows = db.execute(
        "select id, plan_key, first_key, turn, target, stage, scenario, sample, repeat, status, attempt, owner,"
        f" kind, phase, final, {waited} from exchange where run_id = ? order by id",
        (run_id,),
    )
    return [
        ExchangeState(
            id=row[0], key=row[1], first_key=row[2], turn=row[3], target=row[4], stage=row[5],
            scenario=from_column(row[6]), sample=from_column(row[7]), repeat=row[8], status=row[9], attempt=row[10],
            owner=row[11], kind=row[12], phase=row[13], final=from_column(row[14]),
            waited_ms=row[15],
        )
        for row in rows
    ]  # fmt: skip


def count_lost_attempts(db: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """Plan key → attempts that were sent and never recorded; only keys that have one."""
    rows = db.execute(
        "select plan_key, count(*) from exchange join attempt on attempt.exchange_id = exchange.id"
        " where run_id = ? and ended = 'lost' group by plan_key",
        (run_id,),
    )
    return dict(rows.fetchall())


def count_states(db: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """Status → exchanges of a run, without warm-up."""
    rows = db.execute(
        "select status, count(*) from exchange where run_id = ? and repeat > 0 group by status", (run_id,)
    )
    return dict(rows.fetchall())


def count_ended(db: sqlite3.Connection, run_id: str) -> tuple[int, int]:
    """(exchanges of a run, those of them that ended), warm-up included: more of either, and there is more to read."""
    every, ended = db.execute(
        "select count(*), count(case when status in ('done', 'failed', 'left_out') then 1 end)"
        " from exchange where run_id = ?",
        (run_id,),
    ).fetchone()
    return int(every), int(ended)


def count_maybe_billed(db: sqlite3.Connection, run_id: str) -> int:
    """Attempts that were sent and of which no record came: lost ones, and those in flight."""
    (count,) = db.execute(
        "select (select count(*) from exchange join attempt on attempt.exchange_id = exchange.id"
        " where run_id = ? and ended = 'lost')"
        " + (select count(*) from exchange where run_id = ? and status = 'sent')",
        (run_id, run_id),
    ).fetchone()
    return int(count)


def find_target_index(db: sqlite3.Connection, run_id: str, exchange_id: int) -> int:
    """The index of the target that an exchange of a run is with. Raises StoreError for one that it has not."""
    row = db.execute("select target from exchange where run_id = ? and id = ?", (run_id, exchange_id)).fetchone()
    if row is None:
        raise StoreError(f"run {run_id} has no exchange {exchange_id}", code="no_exchange")
    return int(row[0])


def find_record(db: sqlite3.Connection, exchange_id: int) -> Record | None:
    """The record of the last attempt that was recorded; None if none was."""
    row = db.execute(
        "select meta, request, response, stamps, sizes from attempt join body using (exchange_id, attempt)"
        " where exchange_id = ? and ended = 'recorded' order by attempt desc limit 1",
        (exchange_id,),
    ).fetchone()
    if row is None:
        return None
    meta, request, response, stamps, sizes = row
    return Record(meta=meta, request=request, response=response, stamps=stamps, sizes=sizes)
