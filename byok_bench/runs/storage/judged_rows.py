"""The statements on rows that were read from records: kept, replaceable at any time, and told to the exchanges."""

import json
import sqlite3
from collections.abc import Iterable


def store_judged_rows(db: sqlite3.Connection, rows: Iterable[tuple[int, str, bytes]]) -> None:
    """(exchange id, judge, row): what was read from records, in place of what was there."""
    db.executemany(
        "insert into judged (exchange_id, judge, row) values (?, ?, ?)"
        " on conflict (exchange_id) do update set judge = excluded.judge, row = excluded.row",
        rows,
    )


def mark_failed(db: sqlite3.Connection, failures: Iterable[tuple[str, str, int]]) -> None:
    """(kind, phase, exchange id): answers that turned out to be failures when their streams were read."""
    db.executemany("update exchange set status = 'failed', kind = ?, phase = ? where id = ?", failures)


def mark_answered(db: sqlite3.Connection, exchanges: Iterable[int]) -> None:
    """Ids of recorded exchanges that turned out to be good answers: rules that were mended call fewer failed."""
    db.executemany(
        "update exchange set status = 'done', kind = null, phase = null where id = ? and status = 'failed'",
        ((id_,) for id_ in exchanges),
    )


def delete_judged_rows(db: sqlite3.Connection, run_id: str, but: str) -> None:
    """Rows of a run, but for those of one judge."""
    db.execute(
        "delete from judged where judge != ? and exchange_id in (select id from exchange where run_id = ?)",
        (but, run_id),
    )


def list_judged(db: sqlite3.Connection, judge: str, exchanges: Iterable[int]) -> set[int]:
    """Those of the exchanges that have a row of this judge."""
    rows = db.execute(
        "select exchange_id from judged where judge = ? and exchange_id in (select value from json_each(?))",
        (judge, json.dumps(list(exchanges))),
    )
    return {id_ for (id_,) in rows}


def list_unjudged_samples(db: sqlite3.Connection, run_id: str, ids: range, judge: str) -> list[str]:
    """First keys of the samples of which an exchange in the range of ids has ended and has no row of this judge."""
    rows = db.execute(
        "select distinct first_key from exchange where id between ? and ? and +run_id = ?"
        " and status in ('done', 'failed', 'left_out') and not exists"
        " (select 1 from judged where exchange_id = exchange.id and judge = ?)",
        (ids.start, ids.stop - 1, run_id, judge),
    )
    return [key for (key,) in rows]


def read_judged_rows(db: sqlite3.Connection, run_id: str, judge: str, ids: range) -> dict[int, bytes]:
    """Exchange id → row, of those in the range of ids that this judge made."""
    rows = db.execute(
        "select exchange_id, row from judged join exchange on exchange.id = exchange_id"
        " where exchange_id between ? and ? and +run_id = ? and judge = ?",
        (ids.start, ids.stop - 1, run_id, judge),
    )
    return dict(rows.fetchall())
