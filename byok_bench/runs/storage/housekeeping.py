"""Keeping a result file in order: runs deleted, room given back, everything in it looked at."""

import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from byok_bench.errors import StoreError
from byok_bench.runs.storage import ledger, run_rows
from byok_bench.runs.storage.owner import is_alive
from byok_bench.runs.storage.records import from_record
from byok_bench.runs.storage.result_file import change_store, count_file_bytes, open_reader


def delete_runs(path: Path, runs: Sequence[str]) -> None:
    """Delete runs by their ids, in one step. Raises StoreError for one that a living process drives."""
    with change_store(path) as db:
        driven = _list_driven_runs(db)
        for run_id in runs:
            if run_id in driven:
                raise StoreError(f"run {run_id} is running: stop it first", code="run_in_use")
            run_rows.delete_run(db, run_id)


def vacuum_store(path: Path) -> tuple[int, int]:
    """Give back the room that no run takes any more; (bytes before, bytes after), log included.

    Raises StoreError while a run is being driven: its exchanges would wait for the copy of the file.
    """
    before = count_file_bytes(path)
    with change_store(path, in_transaction=False) as db:
        driven = _list_driven_runs(db)
        if driven:
            raise StoreError(f"run {driven[0]} is running: vacuum when it is over", code="run_in_use")
        db.execute("vacuum")
        db.execute("pragma wal_checkpoint(truncate)")
    return before, count_file_bytes(path)


def list_damages(path: Path) -> list[str]:
    """What is wrong in a result file, a sentence each; empty if nothing is. Every record is read."""
    with open_reader(path) as db:
        return [*_iterate_damages(db)]


def _iterate_damages(db: sqlite3.Connection) -> Iterator[str]:
    for (said,) in db.execute("pragma integrity_check"):
        if said != "ok":
            yield f"SQLite says: {said}"
    for table, row, parent, _ in db.execute("pragma foreign_key_check"):
        yield f"row {row} of table {table} belongs to a row of {parent} that is not there"
    lacking = db.execute(
        "select run_id, exchange.id from exchange left join attempt on attempt.exchange_id = exchange.id"
        " and ended = 'recorded' where status = 'done' and attempt.exchange_id is null"
    )
    for run_id, id_ in lacking:
        yield f"exchange {id_} of run {run_id} is done and has no record"
    for run_id, id_ in db.execute("select run_id, id from exchange where status in ('done', 'failed')").fetchall():
        try:
            record = ledger.find_record(db, id_)
            if record is not None:
                from_record(record)
        except Exception as error:  # noqa: BLE001 - whatever damage does to a record is what is asked here
            yield f"the record of exchange {id_} of run {run_id} cannot be read: {type(error).__name__}: {error}"


def _list_driven_runs(db: sqlite3.Connection) -> list[str]:
    """Runs that a living process drives, or has exchanges of in flight."""
    return [
        row.id
        for row in run_rows.list_stored_runs(db)
        if row.status == "running"
        and any(is_alive(owner) for owner in (row.owner or "", *ledger.list_sending_owners(db, row.id)))
    ]
