"""The statements on figures: blocks of columns, their gaps, and how many rows they hold. They commit nothing.

A block is written with the rows that it is of, in one transaction, and never changed; what another judge made is
deleted. What stands in the bytes is runs/figures.py's.
"""

import sqlite3
from collections.abc import Mapping
from typing import Final

from byok_bench.runs.storage.column_values import read_file_version

_FIRST_FORMAT: Final = 6


def has_blocks(db: sqlite3.Connection) -> bool:
    """Whether the file is of a format that has any."""
    return read_file_version(db) >= _FIRST_FORMAT


def store_block(
    db: sqlite3.Connection,
    run_id: str,
    judge: str,
    rows: int,
    columns: Mapping[str, bytes],
    gaps: Mapping[tuple[int, int], bytes],
) -> None:
    """One block of a run, as its judge made it."""
    (block,) = db.execute(
        "insert into figure_block (run_id, judge, rows) values (?, ?, ?) returning id", (run_id, judge, rows)
    ).fetchone()
    db.executemany(
        "insert into figure (block_id, name, data) values (?, ?, ?)",
        [(block, name, data) for name, data in columns.items()],
    )
    db.executemany(
        "insert into gap (block_id, target, stage, data) values (?, ?, ?, ?)",
        [(block, target, stage, data) for (target, stage), data in gaps.items()],
    )


def list_blocks(db: sqlite3.Connection, run_id: str, judge: str) -> list[tuple[int, int]]:
    """(block, its rows), in the order in which they were written."""
    return db.execute(
        "select id, rows from figure_block where run_id = ? and judge = ? order by id", (run_id, judge)
    ).fetchall()


def read_column(db: sqlite3.Connection, block: int, name: str) -> bytes:
    """One column of a block."""
    (data,) = db.execute("select data from figure where block_id = ? and name = ?", (block, name)).fetchone()
    return bytes(data)


def find_gaps(db: sqlite3.Connection, block: int, target: int, stage: int) -> bytes | None:
    """The gaps of a block's rows of one target and load, one after the other; None if they have none."""
    found = db.execute(
        "select data from gap where block_id = ? and target = ? and stage = ?", (block, target, stage)
    ).fetchone()
    return None if found is None else bytes(found[0])


def delete_blocks(db: sqlite3.Connection, run_id: str, but: str) -> int:
    """Blocks of a run, but for those of one judge; how many there were."""
    return db.execute("delete from figure_block where run_id = ? and judge != ?", (run_id, but)).rowcount
