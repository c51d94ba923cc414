"""Transcripts: what was said in one sample, turn by turn, on every endpoint."""

import pytest

from byok_bench.backends.simulator.server import Simulator
from byok_bench.errors import PlanError
from byok_bench.report.evidence import name_targets
from byok_bench.report.latency_plots import draw_depth, draw_distribution, draw_ladder
from byok_bench.report.plots import to_svg
from byok_bench.report.transcripts import make_transcripts
from byok_bench.runs.results import Run
from byok_bench.runs.runner import run as run_plan
from byok_bench.ui.transcripts import Transcripts


@pytest.fixture
async def played() -> Run:
    """Two rounds with a tool on a simulator that works and on one that does not."""
    async with Simulator(label="good") as good, Simulator(label="bad", faults=["http-500"]) as bad:
        return await run_plan([good.endpoint, bad.endpoint], ["tool-round-trip"], repeats=1, warmup=0)


async def test_each_turn_tells_what_is_new_and_no_echo(played: Run) -> None:
    """The question and the call; then the tool's result alone, and the answer."""
    good = make_transcripts(played)[0]
    assert (good.endpoint, good.outcome) == ("good", "ok")
    first, second = good.turns
    assert [one.who for one in first.asked] == ["user"]
    assert first.answered[0].text.startswith("calls get_weather(")
    assert [one.who for one in second.asked] == ["tool"]
    assert second.answered


async def test_a_failure_stands_in_its_turn(played: Run) -> None:
    """With the server's words."""
    bad = make_transcripts(played)[1]
    assert bad.outcome == "failed"
    assert bad.turns[0].failure.startswith("server: ")


async def test_a_name_that_the_run_has_not_is_answered_with_the_nearest(played: Run) -> None:
    """And with all there are."""
    with pytest.raises(PlanError, match="did you mean 'tool-round-trip'"):
        make_transcripts(played, "tool-roundtrip")


async def test_what_a_model_says_is_text(played: Run) -> None:
    """Side by side, escaped, with a link for each turn."""
    page = Transcripts(played).value
    assert "get_weather" in page
    assert "<script" not in page
    assert page.count("<th scope='col'") == 2


async def test_the_plots_of_latency_name_every_endpoint(played: Run) -> None:
    """Also where one gave no answer."""
    for chart in (draw_distribution(played), draw_depth(played), draw_ladder(played)):
        drawn = to_svg(chart)
        assert all(f">{label}<" in drawn for label in name_targets(played))


async def test_a_distribution_has_a_step_for_each_answer(played: Run) -> None:
    """Nothing is smoothed: two answers, half and whole."""
    data = next(iter(draw_distribution(played).to_dict()["datasets"].values()))
    assert [line["share"] for line in data] == [0.5, 1.0]
