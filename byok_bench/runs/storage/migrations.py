"""The tables of a result file, as numbered steps; `user_version` is the number of the last one applied.

A step that was released is never edited: a new layout is a new step.
"""

import sqlite3
from collections.abc import Callable
from typing import Final


def migrate_to_v1(db: sqlite3.Connection) -> None:
    """Runs, planned exchanges, their attempts; bodies apart, so that scans of keys stay small."""
    db.execute(
        """create table run (
            id text primary key,
            created text not null,
            plan_hash text not null,
            plan blob not null,
            status text not null check (status in ('running', 'finished', 'interrupted')),
            note text not null default '',
            finished text
        )"""
    )
    db.execute("create index run_by_plan on run (plan_hash, created)")
    db.execute(
        """create table exchange (
            id integer primary key,
            run_id text not null references run (id) on delete cascade,
            plan_key text not null,
            first_key text not null,
            turn integer not null,
            target integer not null,
            stage integer not null,
            scenario text not null,
            sample text not null,
            repeat integer not null,
            status text not null check (status in ('planned', 'sent', 'done', 'failed', 'left_out')),
            attempt integer not null default 0,
            owner text,
            kind text,
            phase text,
            final text not null default '',
            unique (run_id, plan_key)
        )"""
    )
    db.execute("create index exchange_by_status on exchange (run_id, status)")
    db.execute(
        """create table attempt (
            exchange_id integer not null references exchange (id) on delete cascade,
            attempt integer not null,
            sent_at text not null,
            ended text check (ended in ('recorded', 'lost')),
            meta blob,
            stamps blob,
            sizes blob,
            primary key (exchange_id, attempt)
        ) without rowid"""
    )
    db.execute(
        """create table body (
            exchange_id integer not null,
            attempt integer not null,
            request blob not null,
            response blob not null,
            primary key (exchange_id, attempt),
            foreign key (exchange_id, attempt) references attempt (exchange_id, attempt) on delete cascade
        )"""
    )


def migrate_to_v2(db: sqlite3.Connection) -> None:
    """What was read from the records, replaceable at any time; and how the measuring process fared."""
    db.execute(
        """create table judged (
            exchange_id integer primary key references exchange (id) on delete cascade,
            judge text not null,
            row blob not null
        )"""
    )
    db.execute(
        """create table section (
            id integer primary key,
            run_id text not null references run (id) on delete cascade,
            target integer not null,
            stage integer not null,
            health blob not null
        )"""
    )


def migrate_to_v3(db: sqlite3.Connection) -> None:
    """How long this side waited before a request, as it was told to; and waits for a server to recover."""
    db.execute("alter table exchange add column waited_ms real")
    db.execute(
        """create table recovery (
            id integer primary key,
            run_id text not null references run (id) on delete cascade,
            target integer not null,
            document blob not null
        )"""
    )


def migrate_to_v4(db: sqlite3.Connection) -> None:
    """What a user calls a run, where its plan stood, which process drives it, and what its records take; and on which
    machine's clock an exchange was stamped. Why a run was interrupted has a name of its own."""
    db.execute("alter table run rename column note to reason")
    for column in (
        "note text not null default ''",
        "plan_file text not null default ''",
        "owner text",
        "record_bytes integer not null default 0",
    ):
        db.execute(f"alter table run add column {column}")
    db.execute("alter table exchange add column timeline text not null default ''")
    db.execute(
        "update run set record_bytes = coalesce((select sum(length(meta) + length(stamps) + length(sizes)"
        " + length(request) + length(response)) from exchange join attempt on attempt.exchange_id = exchange.id"
        " join body using (exchange_id, attempt) where run_id = run.id), 0)"
    )
    db.execute("drop index exchange_by_status")
    db.execute("create index exchange_by_status on exchange (run_id, status, repeat)")


def migrate_to_v5(db: sqlite3.Connection) -> None:
    """What lay between the answer before and a request, on this side."""
    db.execute("alter table exchange add column client_ms real")


def migrate_to_v6(db: sqlite3.Connection) -> None:
    """Figures: what tables need of judged rows, by columns. Rows of before have none, and are made again."""
    db.execute("delete from judged")
    db.execute(
        """create table figure_block (
            id integer primary key,
            run_id text not null references run (id) on delete cascade,
            judge text not null,
            rows integer not null
        )"""
    )
    db.execute("create index figure_block_by_run on figure_block (run_id, judge)")
    db.execute(
        """create table figure (
            block_id integer not null references figure_block (id) on delete cascade,
            name text not null,
            data blob not null,
            primary key (block_id, name)
        )"""
    )
    db.execute(
        """create table gap (
            block_id integer not null references figure_block (id) on delete cascade,
            target integer not null,
            stage integer not null,
            data blob not null,
            primary key (block_id, target, stage)
        )"""
    )
    db.execute("create index exchange_by_sample on exchange (run_id, first_key) where turn > 1")


STEPS: Final[tuple[Callable[[sqlite3.Connection], None], ...]] = (
    migrate_to_v1,
    migrate_to_v2,
    migrate_to_v3,
    migrate_to_v4,
    migrate_to_v5,
    migrate_to_v6,
)
VERSION: Final = len(STEPS)


def migrate(db: sqlite3.Connection) -> None:
    """Apply the steps that are missing, each in a transaction of its own; safe when several processes start at once."""
    while True:
        db.execute("begin immediate")
        try:
            (version,) = db.execute("pragma user_version").fetchone()
            if version >= VERSION:
                return
            STEPS[version](db)
            db.execute(f"pragma user_version = {version + 1}")
        except BaseException:
            db.execute("rollback")
            raise
        finally:
            if db.in_transaction:
                db.execute("commit")
