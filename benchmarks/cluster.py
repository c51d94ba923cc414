"""`make bench-dask`: a run on one and two Dask workers, and without Dask, against a simulator with a fixed TTFT.

    python -m benchmarks.cluster [--exchanges 960] [--ttft-ms 1000] [--slots 16]

Slots are the bottleneck: server, scheduler and workers share this machine's cores. Wall time is of the measured part
(first claim to last answer); CPU is user and system time of every process of the run, the server's left out.
"""

import argparse
import asyncio
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import dask
from distributed import Client, LocalCluster

from byok_bench.endpoints.endpoint import Endpoint, Model
from byok_bench.runs.progress import ExchangeFinished, RunEvent
from byok_bench.runs.runner import run

MODEL = "simulator-1"
SETTINGS = {
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.system-monitor.interval": "5s",
    "distributed.worker.memory.monitor-interval": "2s",
}
"""Of Dask, as docs/scale.md has them: its own housekeeping is not what is measured, and is printed apart."""
IDLE_S = 5.0
"""How long a cluster without work is watched."""


@contextmanager
def serve(ttft_ms: int) -> Iterator[int]:
    """The simulator, in a process of its own; its port."""
    command = [sys.executable, "-m", "byok_bench", "serve", "--ttft-ms", str(ttft_ms), "--gap-ms", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        assert child.stdout is not None
        yield int(json.loads(child.stdout.readline())["base_url"].split(":")[2].split("/")[0])
        child.terminate()


class Stopwatch:
    """Wall time from the first event of an answer to the end of the run."""

    def __init__(self) -> None:
        self.began = 0.0
        self.ended = 0.0

    def __call__(self, event: RunEvent) -> None:
        if isinstance(event, ExchangeFinished) and not event.is_warmup and not self.began:
            self.began = perf_counter()
        if isinstance(event, ExchangeFinished):
            self.ended = perf_counter()


def read_cpu_s() -> float:
    """Processor time that this process has used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def measure(port: int, exchanges: int, concurrency: int, cluster: Any) -> tuple[float, float]:
    """(wall seconds, CPU seconds of all processes) of one run."""
    endpoint = Endpoint(label="simulator", base_url=f"http://127.0.0.1:{port}/v1", models=[Model(MODEL)])
    policy = {"allow_cidrs": ["127.0.0.0/8"], "allow_http_hosts": ["127.0.0.1"], "allow_ports": [port]}
    watch = Stopwatch()
    before = sum_cpu_s(cluster)
    with tempfile.TemporaryDirectory() as folder:
        work = run(
            endpoint, "plain-answer", exchanges, concurrency, Path(folder) / "bench.sqlite", watch,
            policy=policy, cluster=cluster, warmup=1, process=False,
        )  # fmt: skip
        made = asyncio.run(work)
        assert made.states["done"] == exchanges
    return watch.ended - watch.began, sum_cpu_s(cluster) - before


def sum_cpu_s(cluster: Client | None) -> float:
    """Of this process (where the scheduler is, too) and of the workers."""
    return read_cpu_s() + (sum(cluster.run(read_cpu_s).values()) if cluster is not None else 0.0)


def measure_idle(cluster: Client) -> float:
    """Processor seconds that a cluster takes in a second in which nothing is to be done."""
    before = sum_cpu_s(cluster)
    sleep(IDLE_S)
    return (sum_cpu_s(cluster) - before) / IDLE_S


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=960)
    parser.add_argument("--ttft-ms", type=int, default=1000)
    parser.add_argument("--slots", type=int, default=16)
    given = parser.parse_args()
    print(
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {given.exchanges} exchanges, TTFT {given.ttft_ms} ms"
    )
    figures: dict[str, tuple[float, float]] = {}
    dask.config.set(SETTINGS)
    with serve(given.ttft_ms) as port:
        for name, workers, at_once in (
            ("without Dask, 16 at once", 0, given.slots),
            ("one worker of 16", 1, given.slots),
            ("two workers of 16", 2, 2 * given.slots),
        ):
            if not workers:
                figures[name] = measure(port, given.exchanges, at_once, None)
            else:
                with (
                    LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0") as cluster,
                    Client(cluster, set_as_default=False) as client,
                ):
                    measure(port, 2 * at_once, at_once, client)  # imports, once a worker
                    print(f"{'':26} {1000 * measure_idle(client):7.1f} ms CPU a second without work")
                    figures[name] = measure(port, given.exchanges, at_once, client)
            wall, cpu = figures[name]
            print(
                f"{name:26} {given.exchanges / wall:7.1f} exchanges/s   {1000 * cpu / given.exchanges:6.2f} ms CPU each"
            )
    (_, alone), (one, _), (two, spread) = figures.values()
    print(f"two workers ÷ one: {one / two:.2f} (wanted ≥ 1.8); CPU with Dask ÷ without: {spread / alone:.2f} (≤ 1.3)")


if __name__ == "__main__":
    main()
