"""Measuring in processes of their own: same rows, no key in sight, and nothing lost when one is killed."""

import asyncio
import os
import signal
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from support.bench_server import KEY, MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.errors import ByokBenchError, PlanError
from byok_bench.runs.measuring import process
from byok_bench.runs.measuring.pipe_messages import insert_secrets, resolve_secrets
from byok_bench.runs.measuring.process import MeasuringProcess, ProcessEnded, is_in_notebook
from byok_bench.runs.progress import ExchangeFinished, RunEvent
from byok_bench.runs.results import Run
from byok_bench.runs.runner import run


def endpoint(server: BenchServer, **more: Any) -> Endpoint:
    """An endpoint of the test server."""
    return Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL)], **more)


def is_running(pid: int) -> bool:
    """Whether there is a process of that id, waited for or not."""
    return Path(f"/proc/{pid}").exists()


class Watched:
    """Remembers every measuring process that was started, and what could be seen of it from outside."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pids: list[int] = []
        self.seen = b""
        original = MeasuringProcess._start_child

        def begin(started: MeasuringProcess, loop: asyncio.AbstractEventLoop) -> None:
            original(started, loop)
            self.pids.append(started.pid)

        monkeypatch.setattr(MeasuringProcess, "_start_child", begin)

    def look(self) -> None:
        """Arguments and environment of the processes, as the system shows them."""
        for pid in self.pids:
            self.seen += b"".join(Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ"))


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """All measuring processes of a test."""
    return Watched(monkeypatch)


@pytest.mark.parametrize("more", [{"process": True}, {"processes": 2, "concurrency": 4}], ids=["beside", "two"])
async def test_rows_and_progress_are_those_of_a_run_in_this_process(more: dict[str, Any], watched: Watched) -> None:
    """Who measured makes no difference to what is told and stored."""
    events: list[RunEvent] = []
    async with serving(BenchServer(pieces=25)) as server:
        keyed = endpoint(server, key=KeyRef.session(KEY))
        result = await run(keyed, ["agent", "bad-key"], repeats=2, on_progress=events.append, **more)
    assert len(watched.pids) == more.get("processes", 1)
    outcomes = Counter(row.outcome for row in result.rows if row.outcome and not row.is_warmup)
    assert outcomes == {"ok": 14}
    assert len(server.ids) == len(result.rows) == 1 + 14 + 2
    finished = [event for event in events if isinstance(event, ExchangeFinished)]
    assert [event.done for event in finished if event.last] == list(range(1, 16))
    assert all(row.clock and row.ttfb_ms for row in result.rows if row.http_status == 200)


async def test_a_key_is_in_no_argument_and_no_environment(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also not the variable that it was read from: keys go over the pipe."""
    monkeypatch.setenv("BENCH_TEST_KEY", KEY)

    def listen(event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished):
            watched.look()

    async with serving(BenchServer()) as server:
        keyed = endpoint(server, key=KeyRef.env("BENCH_TEST_KEY"), headers={"x-more": KeyRef.env("BENCH_TEST_KEY")})
        result = await run(keyed, "plain-answer", repeats=2, process=True, on_progress=listen)
    assert b"byok_bench" in watched.seen
    assert KEY.encode() not in watched.seen
    assert b"BENCH_TEST_KEY" not in watched.seen
    assert {row.outcome for row in result.rows} == {"ok"}


async def test_a_killed_process_loses_no_stored_row(watched: Watched) -> None:
    """What was told as stored is there; the run is marked, says why, and goes on where it stopped."""
    told: list[ExchangeFinished] = []

    def listen(event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished):
            told.append(event)
            if event.done == 3:
                os.kill(watched.pids[0], signal.SIGKILL)

    async with serving(BenchServer(delay_s=0.01)) as server:
        with pytest.raises(ProcessEnded, match="killed by signal 9"):
            await run(endpoint(server), "plain-answer", repeats=8, process=True, on_progress=listen, warmup=0)
        broken = Run.open()
        assert broken.status == "interrupted"
        assert "signal 9" in broken.reason
        assert broken.states["done"] >= len(told) >= 3
        assert broken.states["sent"] == 0
        result = await run(endpoint(server), "plain-answer", repeats=8, warmup=0)
    assert result.id == broken.id
    assert len(result.rows) == 8
    assert len(server.ids) <= 8 + result.maybe_billed


async def test_cancelling_ends_the_process_and_keeps_what_there_is(watched: Watched) -> None:
    """No process is left behind, and no row is left in flight."""
    reached = asyncio.Event()

    def listen(event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished) and event.done == 2:
            reached.set()

    async with serving(BenchServer(delay_s=0.02)) as server:
        task = asyncio.ensure_future(
            run(endpoint(server), "plain-answer", repeats=50, process=True, on_progress=listen, warmup=0)
        )
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    stopped = Run.open()
    assert stopped.status == "interrupted"
    assert 2 <= stopped.states["done"] < 50
    assert stopped.states["sent"] == 0
    assert not is_running(watched.pids[0])


@pytest.mark.parametrize("step", ["send", "_end_child"], ids=["while it starts", "while it ends"])
async def test_a_cancel_is_heard_at_any_time(step: str, watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when all is measured and the process only has to go, or before it was told what to do."""
    reached, go_on, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()
    original = getattr(MeasuringProcess, step)

    def held(process: MeasuringProcess, *arguments: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            loop.call_soon_threadsafe(reached.set)
            go_on.wait()
        original(process, *arguments)

    monkeypatch.setattr(MeasuringProcess, step, held)
    async with serving(BenchServer()) as server:
        task = asyncio.ensure_future(run(endpoint(server), "plain-answer", repeats=1, process=True))
        await reached.wait()
        task.cancel()
        loop.call_later(0.05, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task
    assert Run.open().status == "interrupted"
    assert not is_running(watched.pids[0])


async def test_an_error_in_the_process_comes_out_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It keeps its words and its code; it is not taken for a crash."""
    real = process.pipe_messages.write_frame

    def elsewhere(pipe: Any, message: Any) -> None:
        if hasattr(message, "store"):
            (tmp_path / "text").write_text("no database\n" * 100)
            message = type(message)(
                store=str(tmp_path / "text"), work=message.work, endpoints=message.endpoints, secrets={}
            )
        real(pipe, message)

    monkeypatch.setattr(process.pipe_messages, "write_frame", elsewhere)
    async with serving(BenchServer()) as server:
        with pytest.raises(ByokBenchError, match="not a result file") as caught:
            await run(endpoint(server), "plain-answer", repeats=1, process=True)
    assert caught.value.code == "not_ours"
    assert Run.open().status == "interrupted"


async def test_a_process_that_does_not_start_says_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an interpreter said before it ended is in the message."""
    command = (*process.COMMAND[:-1], "raise SystemExit('no such module, alas')")
    monkeypatch.setattr(process, "COMMAND", command)
    async with serving(BenchServer()) as server:
        with pytest.raises(ProcessEnded, match="ended with code 1: no such module, alas"):
            await run(endpoint(server), "plain-answer", repeats=1, process=True)


async def test_an_open_loop_is_shared_between_processes() -> None:
    """Each takes its arrivals of one common schedule."""
    async with serving(BenchServer()) as server:
        result = await run(
            endpoint(server),
            "plain-answer",
            repeats=20,
            rate=100.0,
            arrivals="constant",
            processes=2,
            warmup=0,
        )
    starts = sorted(row.start_ns or 0 for row in result.rows)
    assert [start - starts[0] for start in starts] == [n * 10_000_000 for n in range(20)]
    assert len(server.ids) == 20


def test_outside_a_notebook_nothing_is_started_beside() -> None:
    """A script and a test have a loop of their own."""
    assert not is_in_notebook()


async def test_processes_out_of_range_are_refused() -> None:
    """Before anything is started."""
    with pytest.raises(PlanError, match="processes"):
        await run(Endpoint(label="e", base_url="http://127.0.0.1:9/v1", models=[Model("m")]), "agent", processes=0)


def test_a_key_that_is_missing_is_left_to_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys that are there travel; one that is not does not stop the others."""
    monkeypatch.setenv("THERE", "some-key-0123456789")
    lost = Endpoint(label="l", base_url="http://127.0.0.1:9/v1", models=[Model("m")], key=KeyRef.env("NOT_THERE"))
    kept = Endpoint(label="k", base_url="http://127.0.0.1:9/v1", models=[Model("m")], key=KeyRef.env("THERE"))
    secrets = resolve_secrets([lost, kept])
    assert secrets == {"env:THERE": "some-key-0123456789"}
    secret = insert_secrets(kept, secrets).key.resolve()
    assert secret is not None
    assert secret.reveal() == "some-key-0123456789"
    assert insert_secrets(lost, secrets).key == lost.key
