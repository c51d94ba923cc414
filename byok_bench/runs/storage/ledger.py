"""The statements on exchanges: what is planned, sent, recorded. They take a connection and commit nothing.

A row goes planned → sent → done | failed. `sent` is written before the request goes out, so a row that is still
`sent` when its process is gone may have been billed. A result is written once: only the attempt that is in flight
can end a row. Text that has no UTF-8 form is kept as bytes with surrogates passed, which the column's type shows.
"""

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from byok_bench.errors import StoreError
from byok_bench.runs.planning.plan import Job, make_turn_key
from byok_bench.runs.storage.column_values import as_column, from_column, read_file_version
from byok_bench.runs.storage.owner import name_timeline
from byok_bench.runs.storage.records import Record

Status = Literal["planned", "sent", "done", "failed", "left_out"]
FINAL: Final = ("done", "failed", "left_out")


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
    client_ms: float | None = None
    """What lay between the answer before and its request, on this side."""
    timeline: str = ""
    """Names the clock of its stamps: those of two machines, or of two boots, cannot be compared."""


class ExchangeEnd(msgspec.Struct, frozen=True, kw_only=True):
    """How an exchange ended."""

    status: Literal["done", "failed"]
    why: str
    """Why no other attempt follows."""
    kind: str | None = None
    phase: str | None = None


def make_timestamp() -> str:
    """Wall time as a label."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


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
    client_ms: float | None = None,
    timeline: str | None = None,
) -> bool:
    """Mark one attempt as sent, before it is. False if another process has it, or it is final.

    `timeline`: of its stamps, where another machine makes them; None: the owner's.
    """
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
        "update exchange set status = 'sent', attempt = ?, owner = ?, timeline = ?, waited_ms = ?, client_ms = ?"
        " where run_id = ? and plan_key = ?"
        " and (status = 'planned' or (status = 'sent' and owner = ? and attempt = ? - 1)) returning id",
        (attempt, owner, timeline or name_timeline(owner), waited_ms, client_ms, run_id, key, owner, attempt),
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
    db.execute("update run set record_bytes = record_bytes + ? where id = ?", (stored.count_bytes(), run_id))
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


def list_sending_owners(db: sqlite3.Connection, run_id: str) -> list[str]:
    """The processes that have exchanges of a run in flight, by the names that they gave."""
    rows = db.execute("select distinct owner from exchange where run_id = ? and status = 'sent'", (run_id,))
    return [owner or "" for (owner,) in rows]


def list_states(db: sqlite3.Connection, run_id: str) -> list[ExchangeState]:
    """Every exchange of a run, in the order of its rows."""
    return _read_states(db, "run_id = ? order by id", (run_id,))


def list_open_states(db: sqlite3.Connection, run_id: str) -> list[ExchangeState]:
    """Those that have not ended."""
    return _read_states(db, "run_id = ? and status in ('planned', 'sent') order by id", (run_id,))


def list_sample_states(db: sqlite3.Connection, run_id: str, first_keys: Sequence[str]) -> list[ExchangeState]:
    """Every turn of some samples."""
    keys = json.dumps(first_keys)
    within = "in (select value from json_each(?)) order by id"
    firsts = _read_states(db, f"run_id = ? and plan_key {within}", (run_id, keys))
    return firsts + _read_states(db, f"run_id = ? and turn > 1 and first_key {within}", (run_id, keys))


def find_ids(db: sqlite3.Connection, run_id: str) -> range:
    """A range that holds the ids of a run's exchanges; those of others may be among them."""
    first, last = db.execute("select min(id), max(id) from exchange where run_id = ?", (run_id,)).fetchone()
    return range(0) if first is None else range(first, last + 1)


def list_ids(db: sqlite3.Connection, run_id: str, ids: range) -> list[int]:
    """Those in the range that are exchanges of a run, in order."""
    rows = db.execute(
        "select id from exchange where id between ? and ? and +run_id = ? order by id",
        (ids.start, ids.stop - 1, run_id),
    )
    return [id_ for (id_,) in rows]


def list_first_keys(db: sqlite3.Connection, ids: Sequence[int]) -> list[str]:
    """The samples that some exchanges belong to, by their first keys."""
    rows = db.execute(
        "select distinct first_key from exchange where id in (select value from json_each(?))", (json.dumps(ids),)
    )
    return [key for (key,) in rows]


def _read_states(db: sqlite3.Connection, condition: str, values: Sequence[str | int]) -> list[ExchangeState]:
    version = read_file_version(db)
    since = {"waited_ms": (3, "null"), "timeline": (4, "''"), "client_ms": (5, "null")}
    later = ", ".join(name if version >= first else instead for name, (first, instead) in since.items())
    rows = db.execute(
        "select id, plan_key, first_key, turn, target, stage, scenario, sample, repeat, status, attempt, owner,"
        f" kind, phase, final, {later} from exchange where {condition}",
        values,
    )
    return [
        ExchangeState(
            id=row[0], key=row[1], first_key=row[2], turn=row[3], target=row[4], stage=row[5],
            scenario=from_column(row[6]), sample=from_column(row[7]), repeat=row[8], status=row[9], attempt=row[10],
            owner=row[11], kind=row[12], phase=row[13], final=from_column(row[14]),
            waited_ms=row[15], timeline=row[16], client_ms=row[17],
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


def read_sent_times(db: sqlite3.Connection, run_id: str) -> dict[int, str]:
    """Row's id → when its last recorded attempt was about to be sent, wall time as in `make_timestamp`."""
    rows = db.execute(
        "select exchange_id, sent_at from exchange join attempt on attempt.exchange_id = exchange.id"
        " where run_id = ? and ended = 'recorded' order by attempt.attempt",
        (run_id,),
    )
    return dict(rows.fetchall())


def count_states(db: sqlite3.Connection, run_id: str) -> dict[str, int]:
    """Status → exchanges of a run, without warm-up."""
    rows = db.execute(
        "select status, count(*) from exchange where run_id = ? and repeat > 0 group by status", (run_id,)
    )
    return dict(rows.fetchall())


def has_many(db: sqlite3.Connection, run_id: str, count: int) -> bool:
    """Whether a run has so many exchanges: no more of them are looked at."""
    limited = "select count(*) from (select 1 from exchange where run_id = ? limit ?)"
    return bool(db.execute(limited, (run_id, count)).fetchone()[0] >= count)


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
