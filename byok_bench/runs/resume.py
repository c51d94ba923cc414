"""Starting a run, or going on with one: what is still to do, and what an earlier start may have been billed for.

A row that is `sent` while its process is gone is sent again, at most LOST_AT_MOST times: exactly-once towards a
provider cannot be had, so the attempt that was lost is kept and counted. Rows of a process that still runs are its own.
"""

import secrets
import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from byok_bench.errors import PlanError
from byok_bench.runs import ledger
from byok_bench.runs.ledger import FINAL, State
from byok_bench.runs.owner import is_alive
from byok_bench.runs.plan import Job, Plan, turn_key

LOST_AT_MOST: Final = 2
"""Attempts of one exchange that may be lost; then its row is final, since it may be what kills the process."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """A run as a start finds it."""

    run_id: str
    states: dict[str, State]
    """By plan key."""
    lost: int
    """Exchanges that an earlier start sent and never recorded, and that are to be sent again."""


def open_run(
    db: sqlite3.Connection, plan: Plan, plan_hash: str, jobs: Sequence[Job], resume: str | bool
) -> Standing:
    """Find the run to go on with, or make one, in one transaction: two starts at once share one run."""
    run_id = _wanted(db, plan_hash, resume)
    if run_id is None:
        run_id = new_run_id()
        ledger.create_run(db, run_id, plan, plan_hash, jobs)
    else:
        ledger.add_jobs(db, run_id, jobs)
        ledger.set_status(db, run_id, "running")
    reclaim(db, run_id)
    states = {state.key: state for state in ledger.states(db, run_id)}
    lost = [states[key] for key in ledger.lost_attempts(db, run_id)]
    again = sum(state.status == "planned" and state.repeat > 0 for state in lost)
    return Standing(run_id=run_id, states=states, lost=again)


def _wanted(db: sqlite3.Connection, plan_hash: str, resume: str | bool) -> str | None:
    if resume is True:
        return ledger.unfinished(db, plan_hash)
    if resume is False:
        return None
    row = ledger.find_run(db, resume)
    if row.plan_hash != plan_hash:
        raise PlanError(
            f"run {row.id} was made by another plan: endpoints, scenarios, repeats, load, seed or profile differ",
            code="other_plan",
        )
    return row.id


def reclaim(db: sqlite3.Connection, run_id: str) -> None:
    """Give back the rows of processes that are gone."""
    gone = [s for s in ledger.states(db, run_id) if s.status == "sent" and not is_alive(s.owner or "")]
    if not gone:
        return
    ledger.give_back(db, run_id, [state.key for state in gone])
    lost = ledger.lost_attempts(db, run_id)
    for state in gone:
        if lost.get(state.key, 0) > LOST_AT_MOST:
            why = f"sent {lost[state.key]} times by processes that ended before the answer was stored; not sent again"
            ledger.fail_unsent(db, run_id, state.key, "network", "request", why)


def still_open(plan: Plan, jobs: Sequence[Job], states: dict[str, State]) -> list[Job]:
    """Jobs that are not over, as far as the rows say: one whose turns depend on an answer is looked at again."""
    return [job for job in jobs if not _is_over(plan, job, states)]


def _is_over(plan: Plan, job: Job, states: dict[str, State]) -> bool:
    most = plan.scenario(job.scenario).max_turns
    turns = [states.get(turn_key(job.key, turn)) for turn in range(1, most + 1)]
    known = [state for state in turns if state is not None]
    if not known or any(state.status not in FINAL for state in known):
        return False
    return len(known) == most or known[-1].status != "done"


def new_run_id() -> str:
    """Sorts by time, and is short enough to type."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
