"""Statements on what is kept of a run beside its exchanges: how the client fared, and waits for servers.

They take a connection and commit nothing, as those of ledger.py.
"""

import sqlite3

from byok_bench.runs.storage.column_values import read_file_version


def store_section(db: sqlite3.Connection, run_id: str, target: int, stage: int, health: bytes) -> None:
    """How the measuring process fared during one timed section."""
    db.execute(
        "insert into section (run_id, target, stage, health) values (?, ?, ?, ?)",
        (run_id, target, stage, health),
    )


def read_sections(db: sqlite3.Connection, run_id: str) -> list[bytes]:
    """How the measuring process fared, one entry a timed section."""
    return [health for (health,) in db.execute("select health from section where run_id = ? order by id", (run_id,))]


def store_recovery(db: sqlite3.Connection, run_id: str, target: int, document: bytes) -> None:
    """One wait for a server to answer again."""
    db.execute("insert into recovery (run_id, target, document) values (?, ?, ?)", (run_id, target, document))


def read_recoveries(db: sqlite3.Connection, run_id: str) -> list[bytes]:
    """Every wait for a server to answer again, in order; none in a file from before they were kept."""
    if read_file_version(db) < 3:
        return []
    rows = db.execute("select document from recovery where run_id = ? order by id", (run_id,))
    return [document for (document,) in rows]
