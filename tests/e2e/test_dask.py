"""A run on a real Dask cluster of processes: the same results, one limit, lost workers, and no key anywhere."""

import asyncio
import json
import os
import signal
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import dask
import pytest
import trustme
from distributed import Client, LocalCluster, Security
from support.bench_server import KEY, MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint, Model
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import PlanError
from byok_bench.runs.cluster import driver
from byok_bench.runs.cluster.driver import _refuse_open_connections
from byok_bench.runs.cluster.worker import MeasuringPlugin
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.progress import ExchangeFinished, LimitMet, RunEvent
from byok_bench.runs.results import Run
from byok_bench.runs.runner import run
from byok_bench.runs.storage.housekeeping import list_damages

# A worker that is started anew imports everything again, on whatever the machine has left for it.
pytestmark = pytest.mark.timeout(400)
PAGES = ("info/main/workers.html", "info/main/logs.html", "json/identity.json", "json/counts.json")
SCENARIOS = ["plain-answer", "tool-round-trip", "unknown-model"]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Files of a certificate that client, scheduler and workers know each other by, as Dask calls them."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    issued.private_key_and_cert_chain_pem.write_to_path(str(folder / "key.pem"))
    roles = ("client", "scheduler", "worker")
    parts = {f"tls_{role}_{what}": str(folder / "key.pem") for role in roles for what in ("cert", "key")}
    return {"tls_ca_file": str(folder / "ca.pem"), **parts}


@pytest.fixture(scope="module")
def client(tls: dict[str, str]) -> Iterator[Client]:
    """Two workers, each a process; all that they say goes over TLS."""
    security = Security(require_encryption=True, **tls)  # type: ignore[no-untyped-call]
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "120s"}),  # a busy machine starts one in 30 s
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            protocol="tls://",
            security=security,
            dashboard_address="127.0.0.1:0",
        ) as cluster,
        Client(cluster, set_as_default=False) as one,
    ):
        yield one


@pytest.fixture
async def server() -> AsyncIterator[BenchServer]:
    """A server that knows what it was asked."""
    async with serving(BenchServer(delay_s=0.02)) as one:
        yield one


def allow(server: BenchServer) -> dict[str, Any]:
    """What lets a worker call this machine: an administrator's lists."""
    return {"allow_cidrs": ["127.0.0.0/8"], "allow_http_hosts": ["127.0.0.1"], "allow_ports": [server.port]}


def play(server: BenchServer, store: Path, cluster: Any, **more: Any) -> Any:
    """The plan of these tests."""
    endpoint = Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL)], **more.pop("endpoint", {}))
    settings = {"concurrency": 8, "policy": allow(server), "warmup": 0, "cluster": cluster}
    return run(endpoint, SCENARIOS, more.pop("repeats", 6), store=store, **(settings | more))


def count_rows(store: Path) -> Counter[str]:
    """Plan key → rows that ended."""
    with sqlite3.connect(store) as db:
        found = Counter(
            key for (key,) in db.execute("select plan_key from exchange where status in ('done', 'failed')")
        )
    db.close()
    return found


async def test_a_cluster_makes_the_exchanges_of_one_machine(
    client: Client, server: BenchServer, tmp_path: Path
) -> None:
    """The same keys, each asked once, within one limit for all workers; and it says which worker did what."""
    alone = await play(server, tmp_path / "alone.sqlite", None)
    asked, server.most_in_flight = len(server.ids), 0
    spread = await play(server, tmp_path / "spread.sqlite", client)
    assert spread.status == "finished"
    assert count_rows(spread.path) == count_rows(alone.path)
    assert len(server.ids) == len(set(server.ids)) == 2 * asked
    assert 1 < server.most_in_flight <= 8
    assert {section.worker for section in spread.health} == {"1", "2"}
    assert sum(section.exchanges for section in spread.health) == 6 * len(SCENARIOS)
    assert list_damages(spread.path) == []


async def test_one_limit_holds_over_all_workers_and_the_client(
    client: Client, server: BenchServer, tmp_path: Path
) -> None:
    """All of it is used, nobody sends beyond it, it is told once, and the run is gone on with."""
    heard: list[RunEvent] = []
    async with serving(BenchServer()) as private:
        endpoints = [
            Endpoint(label=label, base_url=one.base_url, models=[Model(MODEL)])
            for label, one in (("shared", server), ("private", private))
        ]
        settings: dict[str, Any] = {"store": tmp_path / "s.sqlite", "policy": allow(server), "cluster": client}
        half = await run(
            endpoints, "plain-answer", 12, 4, warmup=0, max_requests=9, on_progress=heard.append, **settings
        )
        assert len(server.ids) + len(private.ids) == 9
        assert (half.status, half.reason) == ("interrupted", "stopped by the limit of 9 requests")
        assert [event.limit for event in heard if isinstance(event, LimitMet)] == ["9 requests"]
        whole = await run(endpoints, "plain-answer", 12, 4, warmup=0, **settings)
    assert (whole.id, whole.status) == (half.id, "finished")


async def test_an_endpoint_that_no_worker_may_call_is_played_by_the_client(
    client: Client, server: BenchServer, tmp_path: Path
) -> None:
    """A private address from here is another machine from there; both parts are one run."""
    async with serving(BenchServer()) as private:
        endpoints = [
            Endpoint(label=label, base_url=one.base_url, models=[Model(MODEL)])
            for label, one in (("shared", server), ("private", private))
        ]
        mixed = await run(
            endpoints, "plain-answer", 4, store=tmp_path / "s.sqlite", warmup=0, policy=allow(server), cluster=client
        )
        assert len(private.ids) == len(server.ids) == 4
    by_target = {section.target: bool(section.worker) for section in mixed.health}
    assert (mixed.status, by_target) == ("finished", {0: True, 1: False})


async def test_workers_that_are_killed_lose_nothing_and_double_nothing(
    client: Client, server: BenchServer, tmp_path: Path
) -> None:
    """kill -9 twice in a run: every exchange is stored once, and what was in flight is told as maybe billed."""
    kills = 0
    finished = 0

    def kill_one(event: RunEvent) -> None:
        nonlocal kills, finished
        finished += isinstance(event, ExchangeFinished)
        if finished in (10, 40) and isinstance(event, ExchangeFinished):
            kills += 1
            asyncio.get_running_loop().run_in_executor(None, kill_worker, client)

    played = await play(server, tmp_path / "s.sqlite", client, repeats=20, on_progress=kill_one)
    assert kills == 2
    rows = count_rows(played.path)
    assert played.status == "finished"
    assert set(rows.values()) == {1}
    assert len(played.rows) == len(rows) == 80  # a round trip has two turns
    with sqlite3.connect(played.path) as db:
        (lost,) = db.execute("select count(*) from attempt where ended = 'lost'").fetchone()
    db.close()
    assert len(server.ids) - len(rows) <= lost <= 8 * kills
    assert played.maybe_billed == lost
    assert list_damages(played.path) == []


def read_page(client: Client, path: str) -> str:
    """A page of the scheduler's dashboard."""
    with urlopen(client.dashboard_link.removesuffix("status") + path, timeout=20) as answer:
        text: str = answer.read().decode()
    return text


def list_plugins(client: Client) -> list[str]:
    """Runs that the scheduler would still tell a new worker of."""
    names: list[str] = client.run_on_scheduler(lambda dask_scheduler: list(dask_scheduler.worker_plugins))
    return [name for name in names if name.startswith("byok-bench")]


def kill_worker(client: Client) -> None:
    """One of them, by its process id; the cluster starts another in its place."""
    pids = client.run(os.getpid)
    os.kill(next(iter(pids.values())), signal.SIGKILL)


async def test_a_cancelled_run_leaves_the_cluster_and_is_gone_on_with(
    client: Client, server: BenchServer, tmp_path: Path
) -> None:
    """No worker goes on asking, and the same plan goes on with the same run."""
    begun = asyncio.Event()
    task = asyncio.ensure_future(
        play(server, tmp_path / "s.sqlite", client, repeats=40, on_progress=lambda _: begun.set())
    )
    await begun.wait()
    await asyncio.sleep(0.5)
    task.cancel()
    await asyncio.wait((task,))
    stopped = Run.open("last", tmp_path / "s.sqlite")
    assert (stopped.status, stopped.reason) == ("interrupted", "cancelled")
    assert not list_plugins(client)
    went_on = await play(server, tmp_path / "s.sqlite", client, repeats=40)
    assert (went_on.id, went_on.status) == (stopped.id, "finished")
    assert set(count_rows(went_on.path).values()) == {1}


async def test_a_stopped_run_finishes_what_workers_have_in_flight(
    client: Client, server: BenchServer, tmp_path: Path
) -> None:
    """The switch of a run reaches every worker: nothing new is sent, nothing is lost, and the run is gone on with."""
    stop, store = StopSwitch(), tmp_path / "s.sqlite"
    server.delay_s = 0.2

    def listen(event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished) and event.done == 6:
            stop.press()

    half = await play(server, store, client, repeats=40, on_progress=listen, stop=stop)
    asked = len(server.ids)
    assert (half.status, half.maybe_billed, half.states["sent"]) == ("interrupted", 0, 0)
    assert sum(count_rows(store).values()) == asked < 40 * len(SCENARIOS)
    server.delay_s = 0.0
    whole = await play(server, store, client, repeats=40)
    assert (whole.id, whole.status, list_plugins(client)) == (half.id, "finished", [])
    assert len(server.ids) == len(set(server.ids)) == sum(count_rows(store).values())


async def test_no_key_is_anywhere_in_a_cluster(
    client: Client, server: BenchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in tasks, events, stories or logs of scheduler and workers, and not in the result file; it goes over TLS."""
    assert client.scheduler.address.startswith("tls://")
    monkeypatch.setenv("SENTINEL_KEY", KEY)
    seen: list[str] = []
    holders: set[int] = set()

    def look(dask_scheduler: Any) -> str:
        return repr([dask_scheduler.tasks, [(one.key, one.run_spec) for one in dask_scheduler.tasks.values()],
                     dask_scheduler.get_events(), dask_scheduler.identity()])  # fmt: skip

    def count_plugins(dask_worker: Any) -> int:
        return sum(isinstance(one, MeasuringPlugin) for one in dask_worker.plugins.values())

    def ask() -> None:
        seen.append(client.run_on_scheduler(look))
        holders.update(client.run(count_plugins).values())

    def keep(event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished) and len(seen) < 3:
            seen.append("")
            asyncio.get_running_loop().run_in_executor(None, ask)

    played = await play(
        server,
        tmp_path / "s.sqlite",
        client,
        repeats=20,
        on_progress=keep,
        endpoint={"key": KeyRef.env("SENTINEL_KEY")},
    )
    assert {row.kind for row in played.rows} <= {None, "not_found_model"}
    said = [
        *seen,
        json.dumps([client.get_scheduler_logs(), client.get_worker_logs(), client.get_worker_logs(nanny=True)]),
    ]
    said.append(str(client.run(lambda dask_worker: repr([dask_worker.state.story("all"), dask_worker.plugins]))))
    said += [read_page(client, path) for path in PAGES]
    assert max(map(len, seen)) > 1000
    assert holders <= {0, 1}, "a worker is told once"
    assert 1 in holders
    for text in said:
        assert KEY not in text
    assert KEY.encode() not in played.path.read_bytes()
    assert not list_plugins(client)


async def test_a_scheduler_is_reached_by_address_with_the_certificates_of_dasks_configuration(
    client: Client, server: BenchServer, tmp_path: Path, tls: dict[str, str]
) -> None:
    """`--dask tls://…` has no place for files: Dask's own configuration names them."""
    found = {f"{role}.{what}": tls[f"tls_{role}_{what}"] for role in ("client",) for what in ("cert", "key")}
    settings = {f"distributed.comm.tls.{name}": path for name, path in found.items()}
    with dask.config.set({**settings, "distributed.comm.tls.ca-file": tls["tls_ca_file"]}):
        played = await play(server, tmp_path / "s.sqlite", client.scheduler.address, repeats=1)
    assert played.status == "finished"


@pytest.mark.parametrize(
    "address", ["tcp://10.0.0.7:8786", "ws://scheduler.example.com:8786", "tcp://[2001:db8::1]:8786"]
)
def test_keys_do_not_go_over_an_open_connection(address: str) -> None:
    """The message says what to start instead; without a key any cluster will do."""
    with pytest.raises(PlanError, match="TLS"):
        _refuse_open_connections(address, [{"auth": {"secret": KEY}}])
    _refuse_open_connections(address, [{"base_url": "https://api.example.com"}])
    _refuse_open_connections("tls://10.0.0.7:8786", [{"auth": {"secret": KEY}}])


async def test_a_scheduler_that_is_not_there_is_said_to_be(
    server: BenchServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line, and the run can be gone on with."""
    monkeypatch.setattr(driver, "DIAL_S", 0.1)
    with pytest.raises(PlanError, match="no Dask scheduler at"):
        await play(server, tmp_path / "s.sqlite", "tcp://127.0.0.1:9")
