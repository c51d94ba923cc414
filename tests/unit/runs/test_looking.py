"""A look at a run that is not over changes nothing of what the run says in the end."""

import asyncio
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from support.bench_server import MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.tables import list_table_lines
from byok_bench.runs import judging
from byok_bench.runs.planning.plan import Job
from byok_bench.runs.progress import ExchangeFinished, RunEvent
from byok_bench.runs.results import TABLES, Run
from byok_bench.runs.row import encode_row
from byok_bench.runs.runner import run
from byok_bench.runs.storage import judged_rows, ledger, run_rows
from byok_bench.runs.storage.result_file import StoreWriter, open_reader

SCENARIOS = ("plain-answer", "tool-round-trip", "unknown-model")
REPEATS = 2
SAMPLES = REPEATS * len(SCENARIOS)
GONE = "another-boot:1/1/1"
"""The name of a process that is no more."""


def start(server: BenchServer, store: Path, **more: Any) -> Any:
    """One start of the plan of these tests."""
    endpoint = Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL)])
    return run(endpoint, list(SCENARIOS), REPEATS, store=store, warmup=0, **more)


async def play_and_stop(server: BenchServer, store: Path, exchanges: int) -> None:
    """A start that is stopped once so many more exchanges are stored, or that comes to its end before."""
    reached = asyncio.Event()
    left = exchanges

    def listen(event: RunEvent) -> None:
        nonlocal left
        left -= isinstance(event, ExchangeFinished)
        if left <= 0:
            reached.set()

    task = asyncio.ensure_future(start(server, store, on_progress=listen))
    stop = asyncio.ensure_future(reached.wait())
    await asyncio.wait((task, stop), return_when=asyncio.FIRST_COMPLETED)
    task.cancel()
    stop.cancel()
    await asyncio.wait((task, stop))


def leave_as_killed(store: Path) -> None:
    """As kill -9 leaves it: the run says that it runs, and one exchange is with a process that is gone."""
    seen = Run.open("last", store)
    with open_reader(store) as db:
        waiting = [state for state in ledger.list_states(db, seen.id) if state.status == "planned"]
    writer = StoreWriter(store)
    for state in waiting[:1]:
        job = Job(
            key=state.first_key, target=state.target, scenario=state.scenario, sample=state.sample,
            repeat=state.repeat, stage=state.stage,
        )  # fmt: skip
        writer.submit(ledger.claim_attempt, seen.id, job, state.turn, state.attempt + 1, GONE)
    writer.submit(run_rows.set_owner, seen.id, GONE)
    writer.submit(run_rows.set_status, seen.id, "running").result()
    writer.close()


def look(store: Path) -> None:
    """Every table, in the way of a notebook cell."""
    if store.exists():
        opened = Run.open("last", store)
        assert [opened.table(name).empty for name in TABLES] == [False] * len(TABLES)


def said(seen: Run) -> dict[str, Any]:
    """Every table as lines, and every row."""
    return {name: list_table_lines(seen, name) for name in TABLES} | {"rows": seen.rows}


@settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.one_of(
            st.just(("look", 0)),
            st.tuples(st.just("stop"), st.integers(1, 7)),
            st.tuples(st.just("kill"), st.integers(1, 7)),
        ),
        max_size=5,
    )
)
@example(steps=[("stop", 2), ("look", 0)])
@example(steps=[("stop", 1), ("kill", 2), ("look", 0), ("look", 0), ("stop", 7)])
@example(steps=[("kill", 2), ("look", 0), ("stop", 3), ("look", 0)])
async def test_a_run_says_the_same_in_the_end_however_often_it_was_looked_at(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    """In any order of looks, stops, kills and resumes: the tables are those of the stored bytes, n is as planned."""
    store = tmp_path_factory.mktemp("look") / "bench.sqlite"
    async with serving(BenchServer()) as server:
        for step, exchanges in steps:
            if step == "look":
                look(store)
            elif not store.exists() or Run.open("last", store).status != "finished":
                await play_and_stop(server, store, exchanges)
                if step == "kill" and Run.open("last", store).status != "finished":
                    leave_as_killed(store)
        result = Run.open("last", store) if store.exists() else None
        if result is None or result.status != "finished":
            result = await start(server, store)
    seen = said(result)
    assert {row.outcome for row in result.rows if row.turn == 1} >= {"ok"}
    assert [(line["n"], line["planned"]) for line in seen["summary"]] == [(3 * REPEATS, 3 * REPEATS)]
    assert said(Run.open("last", store)) == seen
    fresh = Run.open("last", store)
    fresh.judge_again()
    assert said(fresh) == seen


async def test_a_run_that_was_opened_before_its_end_tells_its_end(tmp_path: Path) -> None:
    """One object, looked at twice: rows, tables and status follow the run."""
    store = tmp_path / "bench.sqlite"
    async with serving(BenchServer()) as server:
        await play_and_stop(server, store, 2)
        early = Run.open("last", store)
        before = early.table("summary")
        await start(server, store)
    assert before["n"].item() < before["planned"].item()
    assert early.table("summary")["n"].item() == 3 * REPEATS
    assert early.status == "finished"


async def test_a_look_while_the_run_goes_on_leaves_its_own_table_whole(tmp_path: Path) -> None:
    """The reader is beside the run, at every exchange of it."""
    store = tmp_path / "bench.sqlite"
    async with serving(BenchServer()) as server:
        looks: list[pd.DataFrame] = []
        result = await start(
            server, store, on_progress=lambda event: looks.append(Run.open("last", store).table("summary"))
        )
    asked = [0 if pd.isna(table["n"].item()) else table["n"].item() for table in looks]
    assert asked[0] < asked[-1] == 3 * REPEATS
    assert result.table("summary")["n"].item() == 3 * REPEATS


async def test_no_row_is_kept_of_what_has_not_ended(tmp_path: Path) -> None:
    """The file holds rows of ended exchanges alone."""
    store = tmp_path / "bench.sqlite"
    async with serving(BenchServer()) as server:
        await play_and_stop(server, store, 3)
    look(store)
    with open_reader(store) as db:
        kept = db.execute(
            "select status, count(*) from judged join exchange on id = exchange_id group by status"
        ).fetchall()
        ended = db.execute(
            "select status, count(*) from exchange where status in ('done', 'failed') group by status"
        ).fetchall()
    assert kept == ended != []


async def test_a_run_whose_process_is_gone_is_said_to_be(tmp_path: Path) -> None:
    """kill -9 leaves it as running for ever; one whose process lives is not called gone."""
    store = tmp_path / "bench.sqlite"
    async with serving(BenchServer()) as server:
        seen: list[bool] = []
        await start(server, store, on_progress=lambda event: seen.append(Run.open("last", store).is_abandoned))
        assert set(seen) == {False}
        store.unlink()
        await play_and_stop(server, store, 1)
    leave_as_killed(store)
    killed = Run.open("last", store)
    assert (killed.status, killed.is_abandoned) == ("running", True)
    assert "its process is gone" in list_run_notes(killed)[0]


async def test_rows_of_other_code_are_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that was mended keeps its id; the rows that it made before are not taken for its own."""
    store = tmp_path / "bench.sqlite"
    async with serving(BenchServer()) as server:
        result = await start(server, store)
    writer = StoreWriter(store)
    wrong = [(row.exchange_id, "of another day", encode_row(replace(row, why=("old",)))) for row in result.rows]
    writer.submit(judged_rows.store_judged_rows, wrong).result()
    writer.close()
    assert Run.open("last", store).rows == result.rows


JUDGING = (
    "checks/rule.py",
    "dialects/words.toml",
    "endpoints/prices.py",
    "runs/judging.py",
    "runs/row.py",
    "runs/figures.py",
)


def test_the_judges_version_is_that_of_all_code_that_judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any file of rules, dialects or scenarios changes it, and nothing else does."""
    package = tmp_path / "package"
    for place in (*JUDGING, "cli/run.py", "checks/page.md"):
        path = package / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("one")
    monkeypatch.setattr(judging, "__file__", str(package / "runs/judging.py"))
    fresh = judging.compute_judge_version.__wrapped__
    before = fresh()
    (package / "cli/run.py").write_text("two")
    (package / "checks/page.md").write_text("two")
    assert fresh() == before
    for place in JUDGING:
        (package / place).write_text("two")
        assert fresh() != before
        before = fresh()


async def test_the_file_says_of_an_exchange_what_its_row_says(tmp_path: Path) -> None:
    """An answer that an earlier version took for a failure is one again, in counts and lists as well."""
    store = tmp_path / "bench.sqlite"
    async with serving(BenchServer()) as server:
        result = await start(server, store)
    before = result.states
    assert before["done"] > before["failed"] > 0
    writer = StoreWriter(store)
    writer.submit(judged_rows.mark_failed, [("server", "body", row.exchange_id) for row in result.rows]).result()
    writer.close()
    assert Run.open("last", store).states["done"] == 0
    Run.open("last", store).judge_again()
    assert Run.open("last", store).states == before
