"""More repeats for a run that there is: its plan grows, what was measured stays, and `resume` plays the rest."""

import sqlite3

import msgspec

from byok_bench.runs.planning.plan import Plan, check_counts, compute_plan_hash, make_jobs
from byok_bench.runs.results import Run
from byok_bench.runs.storage import ascii_json, ledger, run_rows
from byok_bench.runs.storage.result_file import StoreWriter


def add_repeats(run: Run, more: int) -> Run:
    """The run with `more` repeats of every sample to play. Raises PlanError for a number that no run can have,
    StoreError for a result file that cannot be written.
    """
    plan = msgspec.structs.replace(run.plan, repeats=run.plan.repeats + more)
    check_counts(plan.repeats, plan.warmup)
    writer = StoreWriter(run.path)
    try:
        writer.submit(_write_plan, run.id, plan).result()
    finally:
        writer.close()
    return Run.open(run.id, run.path)


def _write_plan(db: sqlite3.Connection, run_id: str, plan: Plan) -> None:
    jobs = make_jobs(plan)
    db.execute(
        "update run set plan = ?, plan_hash = ? where id = ?",
        (ascii_json.to_ascii(plan), compute_plan_hash(plan, jobs), run_id),
    )
    ledger.add_jobs(db, run_id, jobs)
    run_rows.set_status(db, run_id, "interrupted", f"extended to {plan.repeats} repeats")
