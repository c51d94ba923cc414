"""Joining result files whose runs are parts of one plan: by plan key, each key once.

A key that is in two parts: the finished one wins; two finished ones that differ are refused and named, since nothing
tells which is right. The joined file is built beside the target and takes its place only when it is whole.
"""

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec

from byok_bench.errors import StoreError
from byok_bench.runs.planning.plan import Plan, compute_plan_hash, make_jobs
from byok_bench.runs.storage import ascii_json, ledger, run_rows
from byok_bench.runs.storage.column_values import read_file_version
from byok_bench.runs.storage.migrations import VERSION
from byok_bench.runs.storage.result_file import change_store, open_reader, prepare_store

MOST_NAMED: Final = 10
"""Keys that a refusal names."""
_FINAL: Final = "('done', 'failed', 'left_out')"
_EXCHANGE: Final = (
    "plan_key, first_key, turn, target, stage, scenario, sample, repeat, status, attempt, kind, phase, final,"
    " waited_ms, timeline, client_ms"
)
_LAST_RECORD: Final = (
    "(select hex(meta) || hex(stamps) || hex(response) from {0}attempt a join {0}body using (exchange_id, attempt)"
    " where a.exchange_id = {1}.id and ended = 'recorded' order by a.attempt desc limit 1)"
)
_RANK: Final = f"(case when {{0}}.status in {_FINAL} then 2 else {{0}}.attempt > 0 end)"
_ONTO: Final = "from taken join exchange e on e.run_id = :run and e.plan_key = taken.plan_key"
_TAKE_OVER: Final = (
    "create temp table lost as select plan_key, a.attempt, sent_at from exchange e join attempt a"
    " on exchange_id = e.id where run_id = :run and ended is not 'recorded' union select plan_key, a.attempt, sent_at"
    " from part.exchange p join part.attempt a on exchange_id = p.id where run_id = :part and ended is not 'recorded'",
    "create temp table taken as select p.id as part_id, p.plan_key from part.exchange p left join exchange e"
    " on e.run_id = :run and e.plan_key = p.plan_key where p.run_id = :part"
    f" and (e.id is null or {_RANK.format('p')} > {_RANK.format('e')})",
    "delete from exchange where run_id = :run and plan_key in (select plan_key from taken)",
    f"insert into exchange (run_id, {_EXCHANGE}) select :run, {_EXCHANGE} from part.exchange"
    " where id in (select part_id from taken) order by id",
    "update exchange set status = 'planned' where run_id = :run and status = 'sent'",
    "insert into attempt select e.id, a.attempt, sent_at, coalesce(ended, 'lost'), meta, stamps, sizes"
    f" {_ONTO} join part.attempt a on a.exchange_id = part_id",
    f"insert into body select e.id, b.attempt, request, response {_ONTO} join part.body b on b.exchange_id = part_id",
    # Of the side that was not taken: numbers below zero, since the others have theirs.
    "insert or ignore into attempt (exchange_id, attempt, sent_at, ended) select e.id, -lost.attempt, lost.sent_at,"
    " 'lost' from lost join exchange e on e.run_id = :run and e.plan_key = lost.plan_key where not exists"
    " (select 1 from attempt a where a.exchange_id = e.id and a.sent_at = lost.sent_at)",
    "drop table temp.taken",
    "drop table temp.lost",
)
"""What the part knows more of is taken over; attempts lost on either side are kept, since they may have been billed."""


class MergedRun(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the parts of one plan."""

    run: str
    parts: int
    exchanges: int
    """That ended, warm-up included."""
    missing: int
    """That no part has finished."""


def merge_stores(target: Path, parts: Sequence[Path]) -> list[MergedRun]:
    """Join the runs of the parts into the target, which may be there already; those that a part had a share in.

    The target may be among the parts, as `*.sqlite` names it. Raises StoreError for a part that is none, and for
    finished exchanges of one key that differ; then the target is as it was.
    """
    parts = [part for part in parts if part.resolve() != target.resolve()]
    if not parts:
        raise StoreError(f"{target} is the file to join parts in: name others", code="nothing_to_merge")
    building = target.with_name(f"{target.name}.merging")
    with suppress(FileNotFoundError):
        building.unlink()  # of a merge that was killed
    prepare_store(building)
    try:
        counts: dict[str, int] = {}
        with change_store(building, in_transaction=False) as db:
            for path in [*([target] if target.is_file() else []), *parts]:
                with _attach_part(db, path):
                    joined = {_join_run(db, path, run_id) for (run_id,) in _list_part_runs(db)}
                for run_id in joined if path != target else ():
                    counts[run_id] = counts.get(run_id, 0) + 1
            db.execute("begin")
            merged = [_finish_merged(db, run_id, count) for run_id, count in counts.items()]
            db.execute("commit")
            db.execute("pragma wal_checkpoint(truncate)")
        _replace_store(building, target)
    finally:
        for leftover in building.parent.glob(f"{building.name}*"):
            leftover.unlink()
    return merged


@contextmanager
def _attach_part(db: sqlite3.Connection, path: Path) -> Iterator[None]:
    """A result file as `part`, all of whose runs are joined or none."""
    with open_reader(path) as reader:
        version = read_file_version(reader)
    if version < VERSION:
        raise StoreError(
            f"{path} was written by an older byok-bench (format {version}, this one has {VERSION}): "
            f"`byok-bench runs vacuum --store {path}` brings it up",
            code="older_store",
        )
    # A file without a log is whole: so it can be read on a network share, too, where a log could not.
    how = "mode=ro" if path.with_name(f"{path.name}-wal").exists() else "immutable=1"
    db.execute("attach database ? as part", (f"{path.absolute().as_uri()}?{how}",))
    db.execute("begin immediate")
    try:
        yield
        db.execute("commit")
    finally:
        if db.in_transaction:
            db.execute("rollback")
        db.execute("detach database part")


def _list_part_runs(db: sqlite3.Connection) -> list[tuple[str]]:
    return db.execute("select id from part.run order by created, rowid").fetchall()


def _join_run(db: sqlite3.Connection, path: Path, part_id: str) -> str:
    """Join one run of the part into the run of its plan, which is made if there is none yet; that run's id."""
    document, plan_hash = db.execute("select plan, plan_hash from part.run where id = ?", (part_id,)).fetchone()
    plan = msgspec.structs.replace(ascii_json.from_ascii(document, Plan), shard=None)
    jobs = [] if plan.measured_by else make_jobs(plan)  # what another tool made is named by its file
    plan_hash = plan_hash if plan.measured_by else compute_plan_hash(plan, jobs)
    found = db.execute("select id from run where plan_hash = ?", (plan_hash,)).fetchall()
    if not found:
        db.execute(
            "insert into run (id, created, plan_hash, plan, status, reason, finished, note, plan_file, owner,"
            " record_bytes)"
            " select id, created, ?, ?, status, reason, finished, note, plan_file, owner, record_bytes"
            " from part.run where id = ?",
            (plan_hash, ascii_json.to_ascii(plan), part_id),
        )
        ledger.add_jobs(db, part_id, jobs)
    run_id: str = found[0][0] if found else part_id
    _check_same_order(path, part_id, plan, run_rows.read_stored_plan(db, run_id))
    _check_no_conflict(db, path, run_id, part_id)
    _copy_exchanges(db, run_id, part_id)
    _copy_circumstances(db, run_id, part_id)
    return run_id


def _check_same_order(path: Path, part_id: str, plan: Plan, other: Plan) -> None:
    """Raise StoreError if two plans of the same exchanges number them differently."""

    def number(one: Plan) -> tuple[object, ...]:
        return (*((target.label, target.url, target.model) for target in one.targets), *one.loads)

    if number(plan) != number(other):
        raise StoreError(
            f"run {part_id} of {path} has the same exchanges with other labels or in another order of endpoints: "
            "merge parts of one plan",
            code="other_plan",
        )


def _check_no_conflict(db: sqlite3.Connection, path: Path, run_id: str, part_id: str) -> None:
    """Raise StoreError, naming the keys, for exchanges that both have finished, each with another result.

    What tells is the record, not the status: a row that was judged since may say otherwise of the same bytes.
    """
    ours, theirs = _LAST_RECORD.format("", "e"), _LAST_RECORD.format("part.", "p")
    rows = db.execute(
        "select e.plan_key, e.scenario, e.sample, e.repeat, e.turn from exchange e"
        " join part.exchange p on p.plan_key = e.plan_key and p.run_id = ? where e.run_id = ?"
        f" and e.status in {_FINAL} and p.status in {_FINAL}"
        f" and ({ours} is not {theirs} or ({ours} is null and e.status != p.status))",
        (part_id, run_id),
    ).fetchall()
    if rows:
        named = "; ".join(
            f"{key[:12]} ({scenario}, {sample}, repeat {repeat}, turn {turn})"
            for key, scenario, sample, repeat, turn in rows[:MOST_NAMED]
        )
        more = f"; and {len(rows) - MOST_NAMED} more" if len(rows) > MOST_NAMED else ""
        raise StoreError(
            f"{path}: {len(rows)} exchanges of run {part_id} are finished here and in another part, with other "
            f"results: {named}{more}. Nothing was merged: leave one of the two files out, or name a new target",
            code="merge_conflict",
        )


def _copy_exchanges(db: sqlite3.Connection, run_id: str, part_id: str) -> None:
    """Take over what the part knows more of."""
    for statement in _TAKE_OVER:
        db.execute(statement, {"run": run_id, "part": part_id} if ":" in statement else {})


def _copy_circumstances(db: sqlite3.Connection, run_id: str, part_id: str) -> None:
    """How the measuring processes fared, and waits for servers; a part that is joined twice has them once."""
    for table, columns in (("section", "target, stage, health"), ("recovery", "target, document")):
        same = " and ".join(f"own.{name} = p.{name}" for name in columns.split(", "))
        db.execute(
            f"insert into {table} (run_id, {columns}) select ?, {columns} from part.{table} p where run_id = ?"
            f" and not exists (select 1 from {table} own where own.run_id = ? and {same}) order by id",
            (run_id, part_id, run_id),
        )


def _finish_merged(db: sqlite3.Connection, run_id: str, parts: int) -> MergedRun:
    """Say how the joined run stands."""
    every, ended = ledger.count_ended(db, run_id)
    missing = every - ended
    db.execute(
        "update run set record_bytes = (select coalesce(sum(length(meta) + length(stamps) + length(sizes)"
        " + length(request) + length(response)), 0) from exchange e join attempt a on a.exchange_id = e.id"
        " join body using (exchange_id, attempt) where run_id = run.id) where id = ?",
        (run_id,),
    )
    if missing:
        run_rows.set_status(db, run_id, "interrupted", f"{missing} exchanges are in none of the merged parts")
    else:
        run_rows.set_status(db, run_id, "finished")
    return MergedRun(run=run_id, parts=parts, exchanges=ended, missing=missing)


def _replace_store(building: Path, target: Path) -> None:
    """Let the new file take its place. Raises StoreError if a process has the old one open."""
    if target.is_file():
        with change_store(target, in_transaction=False) as db:
            try:
                db.execute("pragma busy_timeout = 0")
                db.execute("pragma journal_mode = delete")  # only the last connection may; the log goes with it
            except sqlite3.OperationalError:
                raise StoreError(f"{target} is in use: merge when nothing else has it open", code="in_use") from None
    os.replace(building, target)
