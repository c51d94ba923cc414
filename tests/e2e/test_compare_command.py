"""`byok-bench compare` over runs that simulators answered: two endpoints of one run, and two runs; worst first."""

import asyncio
import json
from pathlib import Path

import pytest
from support.program import Here

from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.results import list_runs
from byok_bench.runs.runner import run


def at(label: str, server: Simulator) -> Endpoint:
    """A simulator under a name."""
    return Endpoint(label=label, base_url=server.base_url, models=[Model("simulator-1")])


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with both endpoints, then one with each under the same name: the second is slow, and every third fails."""
    path = tmp_path_factory.mktemp("compare") / "bench.sqlite"

    async def play() -> None:
        async with (
            Simulator(ttft_ms=1, gap_ms=0) as good,
            Simulator(ttft_ms=150, gap_ms=0, faults=["error.in-stream"], every=3) as bad,
        ):
            wanted = ["plain-answer", "forced-tool"]
            await run([at("direct", good), at("gateway", bad)], wanted, 6, warmup=0, store=path)
            for server in (good, bad):
                await run(at("gateway", server), wanted, 6, warmup=0, store=path, resume=False)

    asyncio.run(play())
    return path


def test_endpoints_of_one_run_are_told_apart_worst_first(here: Here, store: Path) -> None:
    """Failures, then times, and only then the table."""
    together, *_ = list_runs(store)
    code, out, _ = here("compare", together.id, "--store", store)
    assert (code, out.startswith("direct · simulator-1 → gateway · simulator-1: more failures, 4 of 12")) == (
        0,
        True,
    ), out
    first, second, *_ = json.loads(here("compare", together.id, "--store", store, "--json")[1])["changes"]
    assert first.startswith("direct · simulator-1 → gateway · simulator-1: more failures, 4 of 12 after 0 ")
    assert second.startswith("TTFT of direct · simulator-1 → gateway · simulator-1 rose by ")


def test_two_runs_of_one_endpoint_are_told_apart_worst_first(here: Here, store: Path) -> None:
    """The same sentences stand in the document, before the numbers."""
    _, before, after = list_runs(store)
    code, out, _ = here("compare", before.id, after.id, "--store", store)
    assert (code, out.startswith("gateway · simulator-1: more failures, 4 of 12")) == (0, True), out
    document = json.loads(here("compare", before.id, after.id, "--store", store, "--json")[1])
    assert document["changes"][0].startswith("gateway · simulator-1: more failures, 4 of 12 after 0 ")
    assert (document["a"], document["b"]) == (before.id, after.id)
