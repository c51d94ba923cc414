"""The life of a row: planned, sent, done or failed; each result once."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from support.recorded import answer

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import PlanError, StoreError
from byok_bench.runs.planning.plan import (
    Job,
    Plan,
    PlanSettings,
    compute_plan_hash,
    make_jobs,
    make_plan,
    make_turn_key,
)
from byok_bench.runs.resumption import (
    LOST_AT_MOST,
    list_half_played,
    list_open_jobs,
    make_intent,
    open_run,
    reclaim_orphans,
)
from byok_bench.runs.storage import ledger, run_rows
from byok_bench.runs.storage.ledger import ExchangeEnd
from byok_bench.runs.storage.owner import name_this_process
from byok_bench.runs.storage.records import Record, to_record
from byok_bench.runs.storage.result_file import prepare_store
from byok_bench.runs.storage.run_rows import RunLabels
from byok_bench.scenarios.selection import load_library

PLAN = make_plan(
    [Endpoint(label="e", base_url="http://127.0.0.1:1/v1", models=[Model("m")])],
    (load_library()["plain-answer"], load_library()["tool-round-trip"]),
    PlanSettings(repeats=2, warmup=0),
)
INTENT = make_intent(PLAN, PLAN.endpoints)
JOBS = make_jobs(PLAN)
JOB = JOBS[0]
ROUND_TRIP = next(job for job in JOBS if job.scenario == "tool-round-trip")
ME = name_this_process()
GONE = "another-boot/1/1"
DONE = ExchangeEnd(status="done", why="answered")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A file with one run, all planned."""
    prepare_store(tmp_path / "s.sqlite")
    connection = sqlite3.connect(tmp_path / "s.sqlite", isolation_level=None)
    connection.execute("pragma foreign_keys = on")
    run_rows.create_run(connection, "r", PLAN, compute_plan_hash(PLAN, JOBS), JOBS)
    yield connection
    connection.close()


def record(text: str = "hi") -> Record:
    """Some record."""
    return to_record(answer(text).raw)


def status(db: sqlite3.Connection, job: Job = JOB, turn: int = 1) -> tuple[str, int]:
    """(status, attempt) of a row."""
    state = next(state for state in ledger.list_states(db, "r") if state.key == make_turn_key(job.key, turn))
    return state.status, state.attempt


def play(db: sqlite3.Connection, job: Job = JOB, turn: int = 1, owner: str = ME) -> None:
    """Send a row and record its answer."""
    attempt = status(db, job, turn)[1] + 1 if turn == 1 else 1
    assert ledger.claim_attempt(db, "r", job, turn, attempt, owner)
    assert ledger.store_attempt(db, "r", make_turn_key(job.key, turn), attempt, record(), DONE)


def test_a_row_goes_from_planned_to_sent_to_done(db: sqlite3.Connection) -> None:
    """`sent` is there before there is an answer, and the reason of the end after."""
    assert status(db) == ("planned", 0)
    assert ledger.claim_attempt(db, "r", JOB, 1, 1, ME)
    assert status(db) == ("sent", 1)
    assert ledger.store_attempt(db, "r", JOB.key, 1, record(), DONE)
    assert status(db) == ("done", 1)
    assert ledger.list_states(db, "r")[0].final == "answered"


def test_a_row_is_claimed_once(db: sqlite3.Connection) -> None:
    """Two processes with the same plan send each exchange once."""
    assert ledger.claim_attempt(db, "r", JOB, 1, 1, ME)
    assert not ledger.claim_attempt(db, "r", JOB, 1, 1, "other")
    assert not ledger.claim_attempt(db, "r", JOB, 1, 2, "other")


def test_a_result_is_written_once(db: sqlite3.Connection) -> None:
    """A late answer of an earlier attempt, or a second one, changes nothing."""
    play(db)
    assert ledger.store_attempt(db, "r", JOB.key, 1, record("other"), DONE) is None
    assert not ledger.claim_attempt(db, "r", JOB, 1, 2, ME)
    state = ledger.list_states(db, "r")[0]
    assert ledger.find_record(db, state.id) == record()


def test_every_attempt_is_kept(db: sqlite3.Connection) -> None:
    """A failure that was tried again is a record too; the last one counts."""
    assert ledger.claim_attempt(db, "r", JOB, 1, 1, ME)
    ledger.store_attempt(db, "r", JOB.key, 1, record("first"), None)
    assert status(db) == ("sent", 1)
    assert ledger.claim_attempt(db, "r", JOB, 1, 2, ME)
    ledger.store_attempt(db, "r", JOB.key, 2, record("second"), DONE)
    assert db.execute("select attempt, ended from attempt").fetchall() == [(1, "recorded"), (2, "recorded")]
    assert ledger.find_record(db, 1) == record("second")


def test_a_later_turn_gets_its_row_when_it_is_sent(db: sqlite3.Connection) -> None:
    """Its place in the plan is that of the first turn."""
    play(db, ROUND_TRIP)
    play(db, ROUND_TRIP, turn=2)
    turns = [state for state in ledger.list_states(db, "r") if state.first_key == ROUND_TRIP.key]
    assert [(state.turn, state.status, state.scenario) for state in turns] == [
        (1, "done", "tool-round-trip"),
        (2, "done", "tool-round-trip"),
    ]


def test_planning_again_changes_nothing(db: sqlite3.Connection) -> None:
    """A plan key is in a run once, however often the plan is started."""
    play(db)
    before = ledger.list_states(db, "r")
    ledger.add_jobs(db, "r", JOBS)
    assert ledger.list_states(db, "r") == before


def test_the_same_plan_finds_its_unfinished_run(db: sqlite3.Connection) -> None:
    """Starting a plan again goes on with it, and skips what is stored."""
    play(db)
    found = open_run(db, [INTENT], True, RunLabels())
    assert found.run_id == "r"
    assert len(list_open_jobs(PLAN, JOBS, found.states)) == len(JOBS) - 1


def test_a_finished_run_is_not_gone_on_with(db: sqlite3.Connection) -> None:
    """The same plan, started again after its end, is another run, which can be compared with the first."""
    run_rows.set_status(db, "r", "finished")
    assert open_run(db, [INTENT], True, RunLabels()).run_id != "r"


def test_a_run_can_be_started_anew(db: sqlite3.Connection) -> None:
    """`resume=False` leaves the unfinished run as it is."""
    assert open_run(db, [INTENT], False, RunLabels()).run_id != "r"
    assert status(db) == ("planned", 0)


def test_a_run_of_another_plan_is_not_gone_on_with(db: sqlite3.Connection) -> None:
    """Rows of two plans are never mixed."""
    with pytest.raises(PlanError, match="another plan"):
        open_run(db, [msgspec.structs.replace(INTENT, plan_hash="other-hash")], "r", RunLabels())


def test_what_a_dead_process_sent_is_given_back_and_counted(db: sqlite3.Connection) -> None:
    """It may have been billed: the attempt is kept as lost, and the row can be sent again."""
    assert ledger.claim_attempt(db, "r", JOB, 1, 1, GONE)
    reclaim_orphans(db, "r")
    assert status(db) == ("planned", 1)
    assert ledger.count_lost_attempts(db, "r") == {JOB.key: 1}
    assert ledger.claim_attempt(db, "r", JOB, 1, 2, ME)


def test_what_a_live_process_sent_stays_its_own(db: sqlite3.Connection) -> None:
    """A second start does not send what the first one has in flight."""
    assert ledger.claim_attempt(db, "r", JOB, 1, 1, ME)
    reclaim_orphans(db, "r")
    assert status(db) == ("sent", 1)


def test_what_was_sent_and_not_recorded_may_be_billed(db: sqlite3.Connection) -> None:
    """Lost attempts and those in flight; once an answer is there, its attempt is none of them."""
    assert ledger.count_maybe_billed(db, "r") == 0
    assert ledger.claim_attempt(db, "r", JOB, 1, 1, GONE)
    reclaim_orphans(db, "r")
    assert ledger.count_maybe_billed(db, "r") == 1
    assert ledger.claim_attempt(db, "r", JOB, 1, 2, ME)
    assert ledger.count_maybe_billed(db, "r") == 2
    ledger.store_attempt(db, "r", JOB.key, 2, record(), DONE)
    assert ledger.count_maybe_billed(db, "r") == 1


def test_an_exchange_that_is_lost_again_and_again_is_given_up(db: sqlite3.Connection) -> None:
    """It may be what kills the process; its row says how often it was sent."""
    for attempt in range(1, LOST_AT_MOST + 2):
        assert ledger.claim_attempt(db, "r", JOB, 1, attempt, GONE)
        reclaim_orphans(db, "r")
    state = ledger.list_states(db, "r")[0]
    assert (state.status, state.kind, state.phase) == ("failed", "network", "request")
    assert "sent 3 times" in state.final


def test_a_sample_between_two_turns_is_looked_at_again(db: sqlite3.Connection) -> None:
    """Whether a second turn follows stands in the first answer, which only playing reads."""
    play(db, ROUND_TRIP)
    states = {state.key: state for state in ledger.list_states(db, "r")}
    assert ROUND_TRIP in list_open_jobs(PLAN, JOBS, states)
    play(db, ROUND_TRIP, turn=2)
    states = {state.key: state for state in ledger.list_states(db, "r")}
    assert ROUND_TRIP not in list_open_jobs(PLAN, JOBS, states)


@pytest.mark.parametrize("text", ["plain", "NUL \x00 inside", "lone \ud800 surrogate", "ünï 💡"])
def test_text_survives_as_it_was_received(db: sqlite3.Connection, text: str) -> None:
    """Also what UTF-8 has no form for."""
    ledger.leave_out(db, "r", JOB.key, text)
    run_rows.set_status(db, "r", "interrupted", text)
    assert ledger.list_states(db, "r")[0].final == text
    assert run_rows.list_stored_runs(db)[0].reason == text


@pytest.mark.parametrize(("wanted", "found"), [("r", "r"), ("last", "s"), ("s", "s")])
def test_a_run_is_found_by_id_start_and_last(db: sqlite3.Connection, wanted: str, found: str) -> None:
    """As people type it."""
    run_rows.create_run(db, "s", PLAN, "h", [])
    assert run_rows.find_run(db, wanted).id == found


@pytest.mark.parametrize("wanted", ["x", "", "r-"])
def test_a_run_that_is_not_there_is_said_with_those_that_are(db: sqlite3.Connection, wanted: str) -> None:
    """The message helps to find the right one."""
    with pytest.raises(StoreError, match="the latest are: r"):
        run_rows.find_run(db, wanted)


def test_an_ambiguous_start_is_refused(db: sqlite3.Connection) -> None:
    """The wrong run is worse than none."""
    run_rows.create_run(db, "r2", PLAN, "h", [])
    run_rows.create_run(db, "r3", PLAN, "h", [])
    assert run_rows.find_run(db, "r").id == "r"
    run_rows.create_run(db, "q1", PLAN, "h", [])
    run_rows.create_run(db, "q2", PLAN, "h", [])
    with pytest.raises(StoreError, match="fits 2 runs"):
        run_rows.find_run(db, "q")


def test_a_plan_that_cannot_be_read_is_said_so(db: sqlite3.Connection) -> None:
    """A damaged row is an error of ours with the run's name, no traceback of a decoder."""
    db.execute("update run set plan = ?", (b'{"version": 1}',))
    with pytest.raises(StoreError, match="plan of run r"):
        run_rows.read_stored_plan(db, "r")


def test_the_plan_comes_back(db: sqlite3.Connection) -> None:
    """What was stored is what was to be done."""
    assert run_rows.read_stored_plan(db, "r") == PLAN
    assert isinstance(PLAN, Plan)


def test_a_sample_that_stood_still_between_two_turns_is_looked_at_once_for_each(db: sqlite3.Connection) -> None:
    """All its rows are final, and still a further turn may be owed; one that was not begun is none of these."""
    looked_at: set[tuple[str, int]] = set()

    def look() -> list[Job]:
        return list_half_played(PLAN, JOBS, ledger.list_states(db, "r"), looked_at)

    assert ROUND_TRIP not in look()
    play(db, ROUND_TRIP)
    assert look() == [ROUND_TRIP]
    assert look() == []
    play(db, ROUND_TRIP, 2)
    assert look() == []
