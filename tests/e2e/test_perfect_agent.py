"""The library played by a run, against the simulator as a perfect agent, and as one that makes a mistake each time."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import byok_bench as bb
from byok_bench.cli.main import build_app
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


async def test_a_file_of_own_prompts_runs_at_once(tmp_path: Path) -> None:
    """What `scenarios new` writes is played as it is, and its expectations are judged."""
    source, path = tmp_path / "prompts.csv", tmp_path / "mine.toml"
    source.write_text("prompt,expect\nSay hello in 12 words,simulated\nName a bird,no such word\n")
    written = CliRunner().invoke(build_app(), ["scenarios", "new", "mine", "--from", str(source), "--out", str(path)])
    assert written.exit_code == 0
    async with bb.Simulator(ttft_ms=0, gap_ms=0) as server:
        run = await bb.run(server.endpoint, path, repeats=1, warmup=0, store=tmp_path / "b.sqlite", resume=False)
    assert {row.sample: row.outcome for row in run.rows} == {"say-hello-in-12-words": "ok", "name-a-bird": "unmet"}
