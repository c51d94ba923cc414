"""Starting a run, or going on with one: what is still to do, and what an earlier start may have been billed for.

Unasked, only a run of the same plan and the same endpoints is gone on with that began less than a day ago; any other
is named by its user. A row that is `sent` while its process is gone is sent again, at most LOST_AT_MOST times:
exactly-once towards a provider cannot be had, so the attempt that was lost is kept and counted. Rows of a process
that still runs are its own.
"""

import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.errors import PlanError
from byok_bench.runs.planning.plan import Job, Plan, compute_plan_hash, make_jobs, make_turn_key
from byok_bench.runs.start_conditions import find_difference, is_too_old
from byok_bench.runs.storage import ledger, run_rows
from byok_bench.runs.storage.ledger import FINAL, ExchangeState
from byok_bench.runs.storage.owner import is_alive, name_this_process
from byok_bench.runs.storage.run_rows import RunLabels, StoredRun
from byok_bench.scenarios.scenario import count_most_answers, lay_over

LOST_AT_MOST: Final = 2
"""Attempts of one exchange that may be lost; then its row is final, since it may be what kills the process."""


class Intent(msgspec.Struct, frozen=True, kw_only=True):
    """What a start means to play."""

    plan: Plan
    endpoints: tuple[Endpoint, ...]
    """Beside the plan's, with all their values."""
    idle: frozenset[int] = frozenset()
    """Indexes of endpoints that cannot be used now: their exchanges stay planned."""
    jobs: tuple[Job, ...]
    """Every job of the plan."""
    plan_hash: str

    def is_idle(self, target: int) -> bool:
        """Whether a target of the plan is one of an endpoint that cannot be used now."""
        return self.plan.targets[target].endpoint in self.idle


def make_intent(plan: Plan, endpoints: Sequence[Endpoint], idle: Iterable[int] = ()) -> Intent:
    """To play a plan, but for the endpoints that cannot be used."""
    jobs = make_jobs(plan)
    return Intent(
        plan=plan,
        endpoints=tuple(endpoints),
        idle=frozenset(idle),
        jobs=tuple(jobs),
        plan_hash=compute_plan_hash(plan, jobs),
    )


class OpenedRun(msgspec.Struct, frozen=True, kw_only=True):
    """A run as a start finds it."""

    run_id: str
    intent: Intent
    """What is played of it."""
    states: dict[str, ExchangeState]
    """By plan key."""
    lost: int
    """Exchanges that an earlier start sent and never recorded, and that are to be sent again."""
    created: str = ""
    """When the run that is gone on with began; empty for a new one."""
    passed_over: str = ""
    """Why an unfinished run of the same plan is not gone on with."""


def open_run(db: sqlite3.Connection, intents: Sequence[Intent], resume: str | bool, labels: RunLabels) -> OpenedRun:
    """Find the run to go on with, or make one by the last intent, in one transaction: two starts at once share one.

    Raises PlanError for a named run that none of the intents is about.
    """
    found, passed_over = None, ""
    for intent in intents:
        found, why = _find_resumable(db, intent, resume)
        passed_over = passed_over or why
        if found is not None:
            break
    if found is None and isinstance(resume, str):
        raise PlanError(
            f"run {run_rows.find_run(db, resume).id} was made by another plan: endpoints, scenarios, repeats, load, "
            "seed or profile differ",
            code="other_plan",
        )
    if found is None:
        run_id = make_run_id()
        run_rows.create_run(db, run_id, intent.plan, intent.plan_hash, intent.jobs, labels)
    else:
        run_id = found.id
        ledger.add_jobs(db, run_id, intent.jobs)
        run_rows.set_status(db, run_id, "running")
        if labels.note:
            run_rows.set_note(db, run_id, labels.note)
    run_rows.set_owner(db, run_id, name_this_process())
    reclaim_orphans(db, run_id)
    states = {state.key: state for state in ledger.list_states(db, run_id)}
    lost = [states[key] for key in ledger.count_lost_attempts(db, run_id)]
    again = sum(state.status == "planned" and state.repeat > 0 and not intent.is_idle(state.target) for state in lost)
    return OpenedRun(
        run_id=run_id,
        intent=intent,
        states=states,
        lost=again,
        created=found.created if found else "",
        passed_over="" if found else passed_over,
    )


def _find_resumable(db: sqlite3.Connection, intent: Intent, resume: str | bool) -> tuple[StoredRun | None, str]:
    """The run to go on with; or why the newest that could have been is not."""
    if resume is False:
        return None, ""
    if isinstance(resume, str):
        named = run_rows.find_run(db, resume)
        return (named if named.plan_hash == intent.plan_hash else None), ""
    passed_over = ""
    for row in run_rows.list_unfinished_runs(db, intent.plan_hash):
        why = find_difference(run_rows.read_stored_plan(db, row.id), intent.endpoints)
        if not why and is_too_old(row.created):
            why = f"it began at {row.created[:16].replace('T', ' ')} UTC"
        if not why:
            return row, ""
        passed_over = passed_over or (
            f"run {row.id} of the same plan is not finished, and not gone on with: {why}. "
            f"byok-bench run --resume {row.id} does"
        )
    return None, passed_over


def reclaim_orphans(db: sqlite3.Connection, run_id: str) -> None:
    """Give back the rows of processes that are gone."""
    gone = [s for s in ledger.list_states(db, run_id) if s.status == "sent" and not is_alive(s.owner or "")]
    if not gone:
        return
    give_back_lost(db, run_id, [state.key for state in gone])


def give_back_lost(db: sqlite3.Connection, run_id: str, keys: Sequence[str]) -> None:
    """Plan exchanges again whose process is gone, maybe billed; those that were lost too often are given up."""
    ledger.give_back_exchanges(db, run_id, keys)
    lost = ledger.count_lost_attempts(db, run_id)
    for key in keys:
        if lost.get(key, 0) > LOST_AT_MOST:
            why = f"sent {lost[key]} times by processes that ended before the answer was stored; not sent again"
            ledger.fail_unsent(db, run_id, key, "network", "request", why)


def list_open_jobs(plan: Plan, jobs: Sequence[Job], states: dict[str, ExchangeState]) -> list[Job]:
    """Jobs that are not over, as far as the rows say: one whose turns depend on an answer is looked at again."""
    return [job for job in jobs if not _is_over(plan, job, states)]


def list_waiting_endpoints(plan: Plan, jobs: Sequence[Job], states: dict[str, ExchangeState]) -> set[int]:
    """Indexes of the plan's endpoints that have something left to do."""
    return {plan.targets[job.target].endpoint for job in list_open_jobs(plan, jobs, states)}


def list_half_played(
    plan: Plan, jobs: Sequence[Job], states: Sequence[ExchangeState], looked_at: set[tuple[str, int]]
) -> list[Job]:
    """Samples that may go on with a turn that a worker, lost between two turns, had not begun.

    Rows do not tell whether an answer was the last: each sample is looked at once for as many turns as it has, and
    `looked_at` remembers it.
    """
    turns = Counter(state.first_key for state in states)
    unplayed = {state.first_key for state in states if state.status not in FINAL}
    found = list_open_jobs(plan, jobs, {state.key: state for state in states})
    half = [job for job in found if job.key not in unplayed and (job.key, turns[job.key]) not in looked_at]
    looked_at.update((job.key, turns[job.key]) for job in half)
    return half


def _is_over(plan: Plan, job: Job, states: dict[str, ExchangeState]) -> bool:
    scenario = plan.get_scenario(job.scenario)
    most = count_most_answers(lay_over(scenario, scenario.get_sample(job.sample)))
    turns = [states.get(make_turn_key(job.key, turn)) for turn in range(1, most + 1)]
    known = [state for state in turns if state is not None]
    if not known or any(state.status not in FINAL for state in known):
        return False
    return len(known) == most or known[-1].status != "done"


def make_run_id() -> str:
    """Sorts by time, and is short enough to type."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
