"""A plan cut into shards, played apart and joined: each exchange once, and nothing of the plan lost."""

import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bench_server import MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint, Model
from byok_bench.errors import PlanError, StoreError
from byok_bench.report.tables import list_table_lines
from byok_bench.runs.planning.plan import Job
from byok_bench.runs.planning.shards import Shard, read_shard, select_shard
from byok_bench.runs.results import Run
from byok_bench.runs.runner import resume, run
from byok_bench.runs.storage import ledger
from byok_bench.runs.storage.housekeeping import list_damages
from byok_bench.runs.storage.merging import merge_stores
from byok_bench.runs.storage.result_file import change_store, open_reader

SCENARIOS = ("plain-answer", "tool-round-trip", "unknown-model")
REPEATS = 4
GONE = "another-boot:1/1/1"


@pytest.fixture
async def server() -> AsyncIterator[BenchServer]:
    """A server that knows what it was asked."""
    async with serving(BenchServer()) as one:
        yield one


async def play(server: BenchServer, store: Path, **more: Any) -> Run:
    """The plan of these tests, or a shard of it, on two targets."""
    endpoints = [Endpoint(label=label, base_url=server.base_url, models=[Model(MODEL)]) for label in ("a", "b")]
    return await run(endpoints, list(SCENARIOS), REPEATS, store=store, **({"warmup": 0} | more))


def list_keys(path: Path) -> list[str]:
    """The plan keys in a file, one an exchange."""
    with sqlite3.connect(path) as db:
        found = [key for (key,) in db.execute("select plan_key from exchange")]
    db.close()
    return found


@st.composite
def plans(draw: st.DrawFn) -> list[Job]:
    """Jobs of some plan."""
    targets, samples, repeats = (draw(st.integers(1, n)) for n in (3, 4, 6))
    return [
        Job(key=f"{t}{s}{r}", target=t, scenario=f"s{s % 2}", sample=f"{s}", repeat=r, stage=0)
        for t in range(targets)
        for s in range(samples)
        for r in range(1, repeats + 1)
    ]


@given(jobs=plans(), of=st.integers(1, 9))
def test_shards_share_a_plan_out_evenly(jobs: list[Job], of: int) -> None:
    """Each job in one shard, all targets of a place in the same one, and none with more than its share."""
    shards = [select_shard(jobs, Shard(which=which, of=of)) for which in range(1, of + 1)]
    assert sorted(job.key for shard in shards for job in shard) == sorted(job.key for job in jobs)
    places = [{(job.sample, job.repeat) for job in shard} for shard in shards]
    assert sum(map(len, places)) == len(set().union(*places))
    assert max(map(len, places)) - min(map(len, places)) <= 1


@pytest.mark.parametrize("text", ["", "3", "0/4", "5/4", "1/0", "a/b", "1/2/3", "-1/2", "1/10001"])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    """And the message shows one that is."""
    with pytest.raises(PlanError, match="like 3/8"):
        read_shard(text)


async def test_joined_shards_are_the_whole_plan(server: BenchServer, tmp_path: Path) -> None:
    """The same keys as in one piece, each asked once, and tables that count them all."""
    whole = await play(server, tmp_path / "whole.sqlite")
    asked = len(server.ids)
    parts = [tmp_path / f"part{which}.sqlite" for which in (1, 2, 3)]
    for which, part in enumerate(parts, start=1):
        assert (await play(server, part, shard=f"{which}/3")).status == "finished"
    assert len(server.ids) == 2 * asked
    (merged,) = merge_stores(tmp_path / "all.sqlite", parts)
    assert (merged.parts, merged.missing) == (3, 0)
    joined = Run.open(merged.run, tmp_path / "all.sqlite")
    assert sorted(list_keys(joined.path)) == sorted(list_keys(whole.path))
    assert (joined.status, joined.plan.shard) == ("finished", None)
    for name in ("summary", "errors", "tools"):
        counts = [
            [(line["endpoint"], line["n"], line["planned"], line["failed"]) for line in list_table_lines(one, name)]
            for one in (whole, joined)
        ]
        assert counts[0] == counts[1]
    assert len(joined.health) == sum(len(Run.open("last", part).health) for part in parts)
    assert list_damages(joined.path) == []


async def test_a_joined_plan_with_a_part_missing_is_gone_on_with(server: BenchServer, tmp_path: Path) -> None:
    """What no part has is played by the same command as any interrupted run, and nothing else is."""
    await play(server, tmp_path / "part1.sqlite", shard="1/2")
    (merged,) = merge_stores(tmp_path / "all.sqlite", [tmp_path / "part1.sqlite"])
    assert merged.missing
    before = len(server.ids)
    went_on = await resume(merged.run, tmp_path / "all.sqlite")
    assert went_on.status == "finished"
    assert len(server.ids) - before < before * 2
    assert len(set(server.ids)) == len(server.ids)


async def test_joining_again_changes_nothing(server: BenchServer, tmp_path: Path) -> None:
    """A job array that merges after every part may be started twice."""
    parts = [tmp_path / "part1.sqlite", tmp_path / "part2.sqlite"]
    for which, part in enumerate(parts, start=1):
        await play(server, part, shard=f"{which}/2")
    target = tmp_path / "all.sqlite"
    first = merge_stores(target, parts[:1])
    second, third = merge_stores(target, parts), merge_stores(target, [target, *parts, parts[0]])
    with pytest.raises(StoreError, match="name others"):
        merge_stores(target, [target])
    assert first[0].missing
    assert second[0].exchanges == third[0].exchanges == len(list_keys(target))
    assert len(Run.open("last", target).health) == sum(len(Run.open("last", part).health) for part in parts)


async def test_the_finished_one_of_two_wins(server: BenchServer, tmp_path: Path) -> None:
    """In whatever order they come; what was lost on the way may have been billed, and is kept as that."""
    parts = [tmp_path / "half.sqlite", tmp_path / "done.sqlite"]
    for part in parts:
        await play(server, part, shard="1/2")
    with change_store(parts[0]) as db:
        (run_id,) = db.execute("select id from run").fetchone()
        (id_, key) = db.execute("select id, plan_key from exchange where turn = 1").fetchone()
        db.execute("delete from exchange where id != ?", (id_,))
        db.execute("delete from attempt")
        db.execute("update exchange set status = 'planned'")
        ledger.claim_attempt(db, run_id, next(job for job in _jobs(parts[1]) if job.key == key), 1, 2, GONE)
    for order in (parts, parts[::-1]):
        target = tmp_path / f"{order[0].stem}.all"
        merge_stores(target, order)
        joined = Run.open("last", target)
        assert {row.status for row in joined.rows if row.exchange_id} >= {"done", "failed"}
        with open_reader(target) as db:
            states = {state.key: state.status for state in ledger.list_states(db, joined.id)}
            assert ledger.count_lost_attempts(db, joined.id) == {key: 1}
        assert states[key] in ("done", "failed")


def _jobs(path: Path) -> list[Job]:
    from byok_bench.runs.planning.plan import make_jobs

    return make_jobs(Run.open("last", path).plan)


async def test_two_finished_results_that_differ_are_refused_and_named(server: BenchServer, tmp_path: Path) -> None:
    """Nobody knows which is right; the target stays as it was."""
    parts = [tmp_path / "one.sqlite", tmp_path / "two.sqlite"]
    for part in parts:
        await play(server, part, shard="1/4")
    target = tmp_path / "all.sqlite"
    merge_stores(target, parts[:1])
    before = target.read_bytes()
    with pytest.raises(StoreError, match="Nothing was merged") as refused:
        merge_stores(target, parts)
    assert "plain-answer" in str(refused.value)
    assert target.read_bytes() == before
    assert not [name for name in os.listdir(tmp_path) if "merging" in name]


async def test_runs_of_other_plans_stay_in_the_target(server: BenchServer, tmp_path: Path) -> None:
    """A merge adds to a file of results, and takes nothing out of it."""
    target = tmp_path / "all.sqlite"
    other = await play(server, target, seed=5)
    await play(server, tmp_path / "part.sqlite", shard="1/2")
    merge_stores(target, [tmp_path / "part.sqlite"])
    kept = Run.open(other.id, target)
    assert kept.status == "finished"
    assert kept.rows == [row for row in kept.rows if row.status in ("done", "failed")]
