"""bb.attach(): a kernel that was killed in a run, a new one, and every answer is there once."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from support.bench_server import KEY, MODEL, BenchServer, serving
from support.killing import REPO, server

import byok_bench as bb
from byok_bench.cli.main import main
from byok_bench.runs.attachment import ask_terminal
from byok_bench.runs.listing import summarize_store
from byok_bench.runs.storage import run_rows
from byok_bench.runs.storage.result_file import change_store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
REPEATS = 40
START = """
import byok_bench as bb
endpoint = bb.Endpoint(label="keyed", base_url={url!r}, models=[bb.Model({model!r})], key=bb.KeyRef.session({key!r}))
running = bb.run(endpoint, "plain-answer", repeats={repeats}, concurrency=2, warmup=0, store={store!r})
"""
# What a front end sends when a key is typed into the field.
ATTACH = """
import asyncio
import byok_bench as bb
view = bb.attach(store={store!r})
while view.key_field.hidden:
    await asyncio.sleep(0.05)
view.key_field._handle_custom_msg({{"kind": "entered", "text": {key!r}}}, [])
run = await view
print(run.status, run.states["done"], view.view.stop_button.hidden)
"""


class Case:
    """A server with a log, and a result file."""

    def __init__(self, folder: Path, url: str, log: Path) -> None:
        self.store, self.url, self._log = folder / "s.sqlite", url, log

    @property
    def asked(self) -> list[str]:
        """Ids of the requests that the server has seen."""
        return self._log.read_text().split()

    def write(self, code: str) -> str:
        """The code of a cell."""
        return code.format(url=self.url, model=MODEL, key=KEY, repeats=REPEATS, store=str(self.store))


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    """A server that takes a tenth of a second."""
    log = tmp_path / "requests.log"
    log.touch()
    with server(log, 0.1) as url:
        yield Case(tmp_path, url, log)


@asynccontextmanager
async def a_kernel() -> AsyncIterator[tuple[AsyncKernelManager, AsyncKernelClient]]:
    manager = AsyncKernelManager(kernel_name="python3")
    await manager.start_kernel(env=os.environ | {"PYTHONPATH": str(REPO)})
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=120)
        yield manager, client
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def test_a_killed_kernel_loses_nothing(case: Case) -> None:
    """kill -9 in the middle; a new kernel asks for the session's key and goes on: all are there, none twice."""
    async with a_kernel() as (manager, client):
        client.execute(case.write(START) + "await running")
        while len(case.asked) < 10:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)
        pid: Any = getattr(manager.provisioner, "pid", None)
        os.kill(pid, signal.SIGKILL)
    async with a_kernel() as (_, client):
        said: list[str] = []
        reply = await client.execute_interactive(
            case.write(ATTACH),
            timeout=120,
            output_hook=lambda message: said.append(message["content"].get("text", "")),
        )
        assert reply["content"]["status"] == "ok", reply["content"]
    assert f"finished {REPEATS} False" in "".join(said)
    with sqlite3.connect(case.store) as db:
        ended = db.execute("select count(*), count(distinct plan_key) from exchange where status = 'done'").fetchone()
        (lost,) = db.execute("select count(*) from attempt where ended = 'lost'").fetchone()
    db.close()
    assert ended == (REPEATS, REPEATS)
    assert len(case.asked) <= REPEATS + lost <= REPEATS + 2
    assert KEY.encode() not in case.store.read_bytes()


def begin(case: Case) -> "subprocess.Popen[str]":
    """The run in a process that is no kernel, once it has sent something."""
    code = "import asyncio\n" + case.write(START) + "asyncio.run(running)"
    child = subprocess.Popen([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": str(REPO)}, text=True)
    while len(case.asked) < 5 and child.poll() is None:
        time.sleep(0.05)
    return child


async def test_a_run_that_another_process_drives_is_looked_at(case: Case) -> None:
    """It is named, nothing is sent twice, and its end is ours."""
    with begin(case) as child:
        attachment = bb.attach(store=case.store)
        assert (attachment.driver, attachment.describe()) == (
            str(child.pid),
            f"Process {child.pid} drives run {attachment.run.id}: it is looked at, and not started again.",
        )
        run = await attachment
    assert (run.status, run.states["done"]) == ("finished", REPEATS)
    assert len(case.asked) == len(set(case.asked)) == REPEATS
    with pytest.raises(bb.PlanError, match="every run of this file is finished"):
        bb.attach(store=case.store)


def test_a_session_s_key_is_asked_for_or_missed_in_words(
    case: Case, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Listed as interrupted; without a terminal one clear error; with --ask-key it says where the key would go."""
    child = begin(case)
    child.kill()
    child.wait()
    (listed,) = summarize_store(case.store).runs
    assert (listed.status, listed.is_abandoned, listed.reason) == ("interrupted", True, "its process is gone")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(bb.SecretError, match="endpoint 'keyed' was kept for one session only") as missed:
        asyncio.run(bb.attach(store=case.store).go_on(lambda _: None, ask_terminal))
    assert missed.value.code == "key_missing"
    asked: list[str] = []

    def ask(what: str, _: str) -> str:
        asked.append(what)
        return KEY

    monkeypatch.setattr("byok_bench.cli.run.ask_hidden", ask)
    command = ["byok-bench", "run", "--resume", listed.run, "--store", str(case.store), "--ask-key", "--json"]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0, capsys.readouterr().err
    assert asked == [f"The key of keyed ({case.url.removesuffix('/v1')})"]


async def test_a_run_that_this_process_gave_up_is_gone_on_with(tmp_path: Path) -> None:
    """A full disk takes no word of an end: the file says that we drive the run, and we do not."""
    async with serving(BenchServer()) as slow:
        endpoint = bb.Endpoint(label="e", base_url=slow.base_url, models=[bb.Model(MODEL)])
        store = tmp_path / "s.sqlite"
        first = await bb.run(endpoint, "plain-answer", 4, store=store, max_requests=2, warmup=0)
        with change_store(store) as db:
            run_rows.set_status(db, first.id, "running")
        attachment = bb.attach(store=store)
        assert attachment.driver == ""
        run = await attachment
    assert (run.id, run.status, run.states["done"]) == (first.id, "finished", 4)
