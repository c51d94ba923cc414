"""The library played by a run, against the simulator as a perfect agent, and as one that makes a mistake each time."""

from pathlib import Path

import pytest

import byok_bench as bb
from byok_bench.scenarios.selection import load_library


async def play(store: Path, mistake: int) -> bb.Run:
    """All that costs little, once; of the group `schemas` one scenario stands for all."""
    scenarios = [
        one
        for one in load_library().values()
        if not one.cost and (one.group != "schemas" or one.name == "schema-values")
    ]
    script = bb.make_script(scenarios)
    async with bb.Simulator(script=script, mistake=mistake, api_key="sk-perfect-agent", ttft_ms=0, gap_ms=0) as server:
        return await bb.run(server.endpoint, scenarios, repeats=1, warmup=0, concurrency=4, store=store, resume=False)


@pytest.mark.parametrize("mistake", [0, 1])
async def test_the_simulator_scores_all_or_misses_one_thing_each_time(tmp_path: Path, mistake: int) -> None:
    """A perfect agent is ok in every sample; one that errs is unmet in every sample, for one reason each."""
    run = await play(tmp_path / "bench.sqlite", mistake)
    ended = [row for row in run.rows if row.outcome not in (None, "excluded")]
    assert len(ended) > 200
    odd = [(row.scenario, row.sample, row.outcome, row.why) for row in ended if len(row.why) != mistake]
    assert odd == []
    assert {row.outcome for row in ended} == {"unmet" if mistake else "ok"}
