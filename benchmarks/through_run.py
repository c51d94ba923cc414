"""What `bb.run` adds to a stamp, and what a busy kernel does to one: `python -m benchmarks.through_run`.

Every case plays the same streams against the server with its own clock. In the blocked cases the loop that called
`run` stands still for most of the time, as a kernel does while a cell imports or computes; measured in that loop the
stamps would move, measured in a process beside it they must not.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import Any

from benchmarks.truth import TruthServer, truth_server
from byok_bench.endpoints.endpoint import Endpoint, Model
from byok_bench.runs.results import Run
from byok_bench.runs.runner import run

BLOCK_S, BREATH_S = 0.3, 0.05
CASES: dict[str, dict[str, Any]] = {
    "in this process": {"process": False},
    "beside": {"process": True},
    "in this process, loop blocked": {"process": False, "blocked": True},
    "beside, loop blocked": {"process": True, "blocked": True},
}


async def blocking(until: asyncio.Event) -> None:
    """Hold the loop, breathe, hold it again."""
    while not until.is_set():
        time.sleep(BLOCK_S)  # noqa: ASYNC251 - that is what a busy cell does
        await asyncio.sleep(BREATH_S)


async def measured(server: TruthServer, store: Path, options: argparse.Namespace, **case: Any) -> Run:
    """One run of the load."""
    blocked = case.pop("blocked", False)
    model = f"ttft=50,gap=10,n={options.events}"
    endpoint = Endpoint(label="truth", base_url=f"http://127.0.0.1:{server.port}/v1", models=[Model(model)])
    over = asyncio.Event()
    holder = asyncio.ensure_future(blocking(over)) if blocked else None
    result = await run(
        endpoint,
        "plain-answer",
        options.streams * options.rounds,
        options.streams,
        store,
        warmup=0,
        resume=False,
        **case,
    )
    over.set()
    if holder is not None:
        await holder
    return result


def errors(result: Run, truth: dict[str, dict[str, Any]]) -> dict[str, list[float]]:
    """Differences between our times and the server's, ms."""
    found: dict[str, list[float]] = {"ttft": [], "gap": []}
    for row, exchange in result.exchanges():
        sent = truth[exchange.id]["sent_ns"]
        true = [(later - earlier) / 1e6 for earlier, later in itertools.pairwise(sent)]
        assert row.ttft_ms is not None
        found["ttft"].append(abs(row.ttft_ms - (sent[0] - truth[exchange.id]["request_ns"]) / 1e6))
        found["gap"] += [abs(ours - theirs) for ours, theirs in zip(row.itl_ms, true, strict=False)]
    return found


def line(name: str, result: Run, found: dict[str, list[float]], wall_s: float) -> str:
    """One row of the table."""
    tails = [quantiles(found[kind], n=100) for kind in ("ttft", "gap")]
    cpu = sum(section.cpu_s for section in result.health)
    events = sum(row.events for row in result.rows)
    figures = [tails[0][49], tails[0][98], tails[1][49], tails[1][98], cpu / events * 100_000, wall_s]
    marked = sum("loop_stalled" in row.flags for row in result.rows)
    return f"| {name} | " + " | ".join(f"{figure:.3g}" for figure in figures) + f" | {marked} |"


def main() -> None:
    """Measure every case once and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--events", type=int, default=64)
    options = parser.parse_args()
    print(
        "| case | TTFT error p50, ms | p99 | gap error p50 | p99 | CPU s / 100 000 events | wall s | marked |"
    )
    print("|---|---|---|---|---|---|---|---|")
    with truth_server() as server, tempfile.TemporaryDirectory() as folder:
        for name, case in CASES.items():
            server.log()
            begin = time.perf_counter()
            result = asyncio.run(measured(server, Path(folder) / "bench.sqlite", options, **case))
            wall_s = time.perf_counter() - begin
            print(line(name, result, errors(result, server.log()), wall_s), flush=True)


if __name__ == "__main__":
    main()
