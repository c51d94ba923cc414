"""run(): endpoints × scenarios × repeats against a real server on loopback."""

import asyncio
import gc
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.bench_server import KEY, MODEL, BenchServer, serving
from support.nine import NINE

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.errors import PlanError
from byok_bench.report.run_notes import list_run_notes
from byok_bench.runs.measuring import executor
from byok_bench.runs.progress import ExchangeFinished, RunEvent, RunFinished, RunStarted
from byok_bench.runs.results import Run
from byok_bench.runs.runner import resume, run
from byok_bench.runs.storage.result_path import locate_store

DEAD = Endpoint(label="dead", base_url="http://127.0.0.1:9/v1", models=[Model(MODEL)])


def endpoint(server: BenchServer, label: str = "e", **more: Any) -> Endpoint:
    """An endpoint of the test server, without a key."""
    return Endpoint(label=label, base_url=server.base_url, models=[Model(MODEL)], **more)


def keyed(server: BenchServer, label: str = "e") -> Endpoint:
    """The same with the right key."""
    return endpoint(server, label, key=KeyRef.session(KEY))


def outcomes(result: Run) -> Counter[tuple[str, str | None]]:
    """(scenario, outcome) of every sample."""
    return Counter((row.scenario, row.outcome) for row in result.rows if row.outcome and not row.is_warmup)


async def test_every_scenario_is_played_as_often_as_asked() -> None:
    """n rows of each scenario are there, good answers and good refusals alike."""
    async with serving(BenchServer(pieces=25)) as server:
        result = await run(keyed(server), NINE, repeats=2)
    assert result.status == "finished"
    assert outcomes(result) == {(scenario.name, "ok"): 2 for scenario in result.plan.scenarios}
    assert len(server.ids) == len(set(server.ids)) == len(result.rows) == 1 + 2 * 10


async def test_a_second_turn_carries_the_tools_answer() -> None:
    """The server sees the call echoed and its result, under the id that it gave."""
    async with serving(BenchServer()) as server:
        await run(endpoint(server), "tool-round-trip", repeats=1, warmup=0)
    *_, echo, result = server.requests[1]["messages"]
    assert echo["tool_calls"][0]["id"] == result["tool_call_id"]
    assert "temperature_c" in result["content"]


async def test_a_dead_endpoint_is_rows_and_stops_nobody() -> None:
    """Its exchanges fail, the others' succeed, and after three connections it is not waited for again."""
    async with serving(BenchServer()) as server:
        result = await run([DEAD, endpoint(server)], "plain-answer", repeats=5)
    rows = [row for row in result.rows if not row.is_warmup]
    assert Counter((row.target, row.kind) for row in rows) == {(0, "network"): 5, (1, None): 5}
    assert sum("not tried" in (row.message or "") for row in rows) == 5 - executor.GIVE_UP_AFTER + 1


async def test_an_endpoint_that_answered_once_is_never_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused connections in the middle of a run are each a row of its own."""
    async with serving(BenchServer()) as server:
        good = endpoint(server)
        await run(good, "plain-answer", repeats=1, warmup=0)
    async with serving(BenchServer()) as server:
        executor_notes: list[int] = []
        original = executor.Executor._note_reach

        def note(self: executor.Executor, target: int, raw: Any) -> None:
            original(self, target, raw)
            self._unreached[target] = 9
            executor_notes.append(target)

        monkeypatch.setattr(executor.Executor, "_note_reach", note)
        result = await run(endpoint(server), "plain-answer", repeats=4, warmup=0)
    assert [row.kind for row in result.rows] == [None] * 4
    assert executor_notes == [0] * 4


async def test_a_wrong_key_and_a_wrong_model_are_rows_with_their_kind() -> None:
    """What a user gets wrong shows in the row, in the server's words."""
    async with serving(BenchServer()) as server:
        wrong_key = endpoint(server, "key", key=KeyRef.session("some-other-key-12345"))
        wrong_model = Endpoint(label="model", base_url=server.base_url, models=[Model("tyny")])
        result = await run([wrong_key, wrong_model], "plain-answer", repeats=1, warmup=0)
    assert {row.target: (row.status, row.kind, row.http_status) for row in result.rows} == {
        0: ("failed", "auth", 401),
        1: ("failed", "not_found_model", 404),
    }
    assert "tyny" in (result.rows[1].message or "") + (result.rows[0].message or "")


async def test_no_key_of_any_kind_reaches_the_store() -> None:
    """Neither the endpoint's own key nor a header's value stands in the file, in plain or compressed."""
    async with serving(BenchServer()) as server:
        hidden = endpoint(server, key=KeyRef.session(KEY), headers={"X-Title": "sentinel-title"})
        result = await run(hidden, ["plain-answer", "bad-key"], repeats=1)
    raw = result.path.read_bytes()
    assert KEY.encode() not in raw
    assert b"sentinel-title" not in raw
    for _, exchange in result.iterate_exchanges():
        assert KEY not in str(exchange.raw)
        assert dict(exchange.raw.request.headers)["authorization"] in (
            "[redacted]",
            "Bearer [redacted]",
            "[not kept]",
        )


async def test_retries_keep_every_attempt_and_the_last_one_counts(tmp_path: Path) -> None:
    """Two refusals and an answer are three records and one good row."""
    async with serving(BenchServer()) as server:
        server.fail_first = 2
        result = await run(
            endpoint(server), "plain-answer", repeats=1, warmup=0, attempts=3, store=tmp_path / "s.sqlite"
        )
    assert [(row.kind, row.attempt, row.outcome) for row in result.rows] == [(None, 3, "ok")]
    with sqlite3.connect(tmp_path / "s.sqlite") as db:
        assert db.execute("select attempt, ended from attempt").fetchall() == [(n, "recorded") for n in (1, 2, 3)]
    db.close()


async def test_without_retries_a_failure_is_the_result() -> None:
    """A benchmark does not hide a 503 behind a second try."""
    async with serving(BenchServer()) as server:
        server.fail_first = 1
        result = await run(endpoint(server), "plain-answer", repeats=2, warmup=0)
    assert Counter(row.kind for row in result.rows) == {"overloaded": 1, None: 1}
    assert len(server.ids) == 2


@pytest.mark.parametrize("most", [1, 3])
async def test_no_more_are_in_flight_than_asked(most: int) -> None:
    """A closed loop keeps its number."""
    async with serving(BenchServer(delay_s=0.01)) as server:
        await run(endpoint(server), "plain-answer", repeats=9, concurrency=most, warmup=0)
    assert server.most_in_flight == most


async def test_targets_are_not_measured_at_the_same_time() -> None:
    """With several in flight, they are all on one target."""
    async with serving(BenchServer(delay_s=0.01)) as one, serving(BenchServer(delay_s=0.01)) as other:
        together = 0
        original = BenchServer._stream

        async def stream(self: BenchServer, *rest: Any) -> None:
            nonlocal together
            together += bool(one.in_flight and other.in_flight)
            await original(self, *rest)

        one._stream = stream.__get__(one)  # type: ignore[method-assign]
        await run([endpoint(one, "1"), endpoint(other, "2")], "plain-answer", repeats=12, concurrency=3)
    assert one.most_in_flight == 3
    assert together == 0


async def test_an_open_loop_counts_from_the_intended_start() -> None:
    """A server that answers one at a time cannot hide the queue that it makes."""
    async with serving(BenchServer()) as server:
        gate = asyncio.Lock()
        original = server._stream

        async def one_at_a_time(*rest: Any) -> None:
            async with gate:
                await asyncio.sleep(0.05)
                await original(*rest)

        server._stream = one_at_a_time  # type: ignore[method-assign]
        result = await run(endpoint(server), "plain-answer", repeats=6, rate=1000.0, arrivals="constant", warmup=0)
    starts = sorted(row.start_ns or 0 for row in result.rows)
    assert [later - starts[0] for later in starts] == [n * 1_000_000 for n in range(6)]
    assert server.most_in_flight == 6
    slowest = max(result.rows, key=lambda row: row.e2e_ms or 0)
    assert (slowest.e2e_ms or 0) > 250  # six of 50 ms each, one after the other


async def test_progress_is_told_from_start_to_end() -> None:
    """A listener can show how far the run is, and what each exchange was."""
    events: list[RunEvent] = []
    async with serving(BenchServer()) as server:
        result = await run(endpoint(server), ["plain-answer", "tool-round-trip"], repeats=2, on_progress=events.append)
    first, *middle, last = events
    assert isinstance(first, RunStarted)
    assert isinstance(last, RunFinished)
    assert (first.run_id, first.samples, last.done, last.status) == (result.id, 5, 5, "finished")
    finished = [event for event in middle if isinstance(event, ExchangeFinished)]
    assert len(finished) == len(middle) == 7
    assert [event.done for event in finished if event.last] == [1, 2, 3, 4, 5]
    assert all(event.http_status == 200 and event.e2e_ms for event in finished)


async def test_a_listener_that_raises_ends_the_run_and_keeps_what_there_is() -> None:
    """Its error comes out; the run is marked, and can be gone on with."""

    def listen(event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished) and event.done == 3:
            raise ZeroDivisionError

    async with serving(BenchServer()) as server:
        with pytest.raises(ZeroDivisionError):
            await run(endpoint(server), "plain-answer", repeats=6, on_progress=listen)
        broken = Run.open()
        assert (broken.status, broken.states["done"]) == ("interrupted", 2)
        result = await run(endpoint(server), "plain-answer", repeats=6)
    assert result.id == broken.id
    assert sum(not row.is_warmup for row in result.rows) == 6


async def interrupted(server: BenchServer, after: int, **more: Any) -> Run:
    """A run that was cancelled once so many exchanges were stored."""
    reached = asyncio.Event()

    def listen(event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished) and event.done >= after:
            reached.set()

    task = asyncio.ensure_future(run(endpoint(server), "plain-answer", on_progress=listen, **more))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    return Run.open()


async def test_a_cancelled_run_keeps_what_was_measured_and_goes_on() -> None:
    """Nothing that was stored is asked again; what was in flight is, and is counted."""
    async with serving(BenchServer(delay_s=0.01)) as server:
        half = await interrupted(server, 4, repeats=8, concurrency=2, warmup=0)
        assert half.status == "interrupted"
        assert half.states["sent"] == 0
        kept = half.states["done"]
        assert 4 <= kept < 8
        result = await run(endpoint(server), "plain-answer", repeats=8, concurrency=2, warmup=0)
    assert result.id == half.id
    assert [row.outcome for row in result.rows] == ["ok"] * 8
    assert len(server.ids) == 8 + result.maybe_billed


async def stopped_and_gone_on_with(**more: Any) -> tuple[Run, list[RunEvent]]:
    """A run whose first request was out when it was cancelled, and the same run to its end."""
    events: list[RunEvent] = []
    asked = asyncio.Event()
    async with serving(BenchServer(delay_s=60, log=lambda _: asked.set())) as server:
        task = asyncio.ensure_future(run(endpoint(server), "plain-answer", on_progress=events.append, **more))
        await asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        server.delay_s = 0
        return await run(endpoint(server), "plain-answer", on_progress=events.append, **more), events


async def test_a_warm_up_that_was_stopped_is_no_gap_in_the_finished_run() -> None:
    """Every sample of the plan was played; the next start warms up again."""
    result, _ = await stopped_and_gone_on_with(repeats=2)
    assert result.states == {"done": 2}
    assert result.maybe_billed == 1
    assert not [note for note in list_run_notes(result) if "not made" in note]


@pytest.mark.parametrize(("warmup", "again"), [(0, 1), (1, 0)])
async def test_what_an_earlier_start_may_have_been_billed_for_is_told(warmup: int, again: int) -> None:
    """Also after a clean stop: the request was out. Warm-up is not sent again, so it is not counted."""
    _, events = await stopped_and_gone_on_with(repeats=2, warmup=warmup)
    started = [event.maybe_billed for event in events if isinstance(event, RunStarted)]
    assert started == [0, again]


async def test_a_run_that_is_cancelled_while_it_is_opened_is_marked() -> None:
    """It is in the store by then: it must not look as if it still ran."""
    async with serving(BenchServer()) as server:
        task = asyncio.ensure_future(run(endpoint(server), "plain-answer", repeats=2))
        for _ in range(1_000):  # keys and addresses are looked at before
            if locate_store(None).exists():
                break
            await asyncio.sleep(0.001)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert server.ids == []
    assert (Run.open().status, Run.open().reason) == ("interrupted", "cancelled")


async def test_what_an_error_says_of_a_key_is_not_kept() -> None:
    """An error of whoever listens ends the run, with its words as the reason; the key among them is none."""

    def listen(event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished):
            raise RuntimeError(f"cannot show Bearer {KEY}")

    async with serving(BenchServer()) as server:
        with pytest.raises(RuntimeError):
            await run(keyed(server), "plain-answer", repeats=1, on_progress=listen)
    found = Run.open()
    assert found.status == "interrupted"
    assert found.reason.startswith("RuntimeError: cannot show Bearer ")
    assert KEY not in found.reason


async def test_a_run_is_gone_on_with_by_its_own_plan() -> None:
    """The id is enough: endpoints and scenarios are in the store."""
    async with serving(BenchServer(delay_s=0.01)) as server:
        half = await interrupted(server, 2, repeats=5, warmup=0)
        result = await resume(half.id[:-2])
    assert (result.id, result.status, len(result.rows)) == (half.id, "finished", 5)


async def test_extra_headers_are_not_guessed_when_going_on() -> None:
    """Their values are not stored, so the endpoint has to be named again."""
    async with serving(BenchServer()) as server:
        titled = endpoint(server, headers={"X-Title": "mine"})
        done = await run(titled, "plain-answer", repeats=1)
        with pytest.raises(PlanError, match="extra headers"):
            await resume(done.id)
        again = await resume(done.id, endpoints=[titled])
    assert again.status == "finished"
    assert len(server.ids) == 2


async def test_two_starts_of_one_plan_share_a_run_and_double_nothing() -> None:
    """By accident started twice, each exchange is sent once and stored once."""
    async with serving(BenchServer(delay_s=0.005)) as server:
        both = await asyncio.gather(*(run(endpoint(server), "plain-answer", repeats=10, warmup=0) for _ in range(2)))
    assert both[0].id == both[1].id
    assert len(server.ids) == len(both[0].rows) == 10
    assert {row.outcome for row in both[1].rows} == {"ok"}


async def test_a_finished_plan_started_again_is_another_run() -> None:
    """Two runs of one plan in one file can be compared."""
    async with serving(BenchServer()) as server:
        first = await run(endpoint(server), "plain-answer", repeats=2)
        second = await run(endpoint(server), "plain-answer", repeats=2)
    assert first.id != second.id
    assert len(second.rows) == 3


async def test_collection_stands_still_only_while_a_run_measures() -> None:
    """The collector is as it was before, also after a run that broke."""
    states: list[bool] = []
    async with serving(BenchServer()) as server:
        await run(
            endpoint(server),
            "plain-answer",
            repeats=1,
            on_progress=lambda event: states.append(gc.isenabled()),
        )
        with pytest.raises(PlanError):
            await run([], "plain-answer")
    assert states == [True, False, False, True]
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


class Unfinished(BenchServer):
    """Ends every stream cleanly, and in the middle of the answer."""

    def _events(self, body: dict[str, Any]) -> list[bytes]:
        return super()._events(body)[:2]


async def test_a_stream_that_turns_out_broken_is_stored_as_failed() -> None:
    """What only the reading of a stream shows stands in the store with its kind, as any other failure."""
    async with serving(Unfinished()) as server:
        result = await run(endpoint(server), "plain-answer", repeats=2, warmup=0)
    assert {row.kind for row in result.rows} == {"protocol"}
    assert result.states == {"failed": 2}
    with sqlite3.connect(result.path) as db:
        assert db.execute("select distinct kind, phase from exchange").fetchall() == [("protocol", "stream")]
    db.close()


async def test_a_run_that_is_judged_again_says_the_same() -> None:
    """Rows are read from the stored bytes, at any time."""
    async with serving(BenchServer()) as server:
        result = await run(keyed(server), NINE, repeats=1)
    first = result.rows
    assert Run.open(result.id).rows == first
    assert Run.open(result.id).judge_again() == first


async def test_an_overloaded_run_leaves_no_task_and_no_connection() -> None:
    """Everything that a run opened is closed with it."""
    async with serving(BenchServer()) as server:
        before = len(asyncio.all_tasks())
        await run(endpoint(server), "plain-answer", repeats=40, concurrency=20)
        for _ in range(200):  # the server sees the closed connections a moment later
            if len(asyncio.all_tasks()) == before:
                break
            await asyncio.sleep(0.01)
        assert len(asyncio.all_tasks()) == before


async def test_the_default_store_is_in_the_programs_home(tmp_path: Path) -> None:
    """A run without a named file is found again without one."""
    async with serving(BenchServer()) as server:
        result = await run(endpoint(server), "plain-answer", repeats=1)
    assert result.path == tmp_path / "byok-home" / "bench.sqlite"
    assert Run.open().id == result.id
