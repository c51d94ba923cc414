"""What a busy kernel does to a stamp: `bb.run` in the loop that is blocked, and in a process beside it.

Every case plays the same streams against the server with its own clock. In the blocked cases the loop that called
`run` stands still for most of the time, as a kernel does while a cell imports or computes; measured in that loop the
stamps move, measured in a process beside it they must not.
"""

import asyncio
import itertools
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import byok_bench as bb
from benchmarks.measure import quantile
from benchmarks.ours import endpoint
from benchmarks.part import Part, Rows
from benchmarks.steal import undisturbed
from benchmarks.truth import CLIENT_CORE, TruthServer, truth_server

STREAMS, ROUNDS, MODEL = 64, 2, "ttft=50,gap=10,n=64"
BLOCK_S, BREATH_S = 0.3, 0.05
CASES: dict[str, dict[str, bool]] = {
    "here": {"process": False},
    "beside": {"process": True},
    "here, blocked": {"process": False, "blocked": True},
    "beside, blocked": {"process": True, "blocked": True},
}


async def blocking() -> None:
    """Hold the loop, breathe, hold it again."""
    while True:
        time.sleep(BLOCK_S)  # noqa: ASYNC251 - that is what a busy cell does
        await asyncio.sleep(BREATH_S)


async def played(server: TruthServer, store: Path, *, process: bool, blocked: bool = False) -> bb.Run:
    """One run of the load."""
    holder = asyncio.ensure_future(blocking()) if blocked else None
    target = endpoint(f"http://127.0.0.1:{server.port}", MODEL)
    try:
        return await bb.run(
            target,
            "plain-answer",
            STREAMS * ROUNDS,
            STREAMS,
            store,
            warmup=0,
            resume=False,
            process=process,
        )
    finally:
        if holder is not None:
            holder.cancel()


def figures(result: bb.Run, truth: dict[str, dict[str, Any]], wall_s: float) -> dict[str, float]:
    """Differences between our times and the server's, and how many samples say that the loop stood still."""
    ttft: list[float] = []
    gaps: list[float] = []
    for row, exchange in result.iterate_exchanges():
        sent = truth[exchange.id]["sent_ns"]
        true = [(later - earlier) / 1e6 for earlier, later in itertools.pairwise(sent)]
        assert row.ttft_ms is not None
        ttft.append(row.ttft_ms - (sent[0] - truth[exchange.id]["request_ns"]) / 1e6)
        gaps += [ours - theirs for ours, theirs in zip(row.itl_ms, true, strict=True)]
    ranks = {f"ttft_p{rank}": quantile(ttft, rank / 100) for rank in (50, 99)}
    ranks |= {f"gap_p{rank}": quantile(gaps, rank / 100) for rank in (50, 99)}
    marked = sum("loop_stalled" in row.flags for row in result.rows)
    return ranks | {"wall_s": wall_s, "marked": float(marked)}


def measured(server: TruthServer, folder: Path, case: dict[str, bool]) -> dict[str, float]:
    """One run and its figures."""
    server.log()
    begin = time.perf_counter()
    result = asyncio.run(played(server, folder / "bench.sqlite", **case))
    wall_s = time.perf_counter() - begin
    return figures(result, server.log(), wall_s)


@contextmanager
def on_the_clients_core() -> Iterator[None]:
    """This process, and what it starts, beside the server's core."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {CLIENT_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def rows(repeats: int) -> Rows:
    """Medians of every case."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in CASES}
    with truth_server() as server, on_the_clients_core(), tempfile.TemporaryDirectory() as folder:
        for repeat in range(repeats):
            for name, case in CASES.items():
                print(f"blocked {repeat + 1}/{repeats} {name}", file=sys.stderr, flush=True)
                found[name].append(undisturbed(partial(measured, server, Path(folder), case))[0])
    return {
        name: {figure: median(one[figure] for one in several) for figure in several[0]}
        for name, several in found.items()
    }


PART = Part(
    "blocked",
    "A kernel that is busy",
    f"`bb.run` of {STREAMS} streams at once, two rounds, in the loop of the caller (`here`) and in a process "
    f"beside it; blocked: the caller's loop stands still for {BLOCK_S:g} s of every {BLOCK_S + BREATH_S:g} s.",
    ("ttft_p50", "ttft_p99", "gap_p50", "gap_p99", "marked", "wall_s"),
    rows,
)
