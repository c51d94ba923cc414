"""What a plan would take, and what it would tell."""

import msgspec
import pytest
from support.gate_worlds import World
from support.made_run import plan

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model, Price
from byok_bench.report.forecast import TargetForecast, describe_targets, predict_plan
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.planning.plan import Plan, PlanSettings, make_plan
from byok_bench.scenarios.scenario import Message, Request, Sample, Scenario

PRICED = Endpoint(
    label="gateway", base_url="http://127.0.0.1:9/v1", models=[Model("m", price=Price(input=1, output=2))]
)


def made_plan(prompts: int = 3, repeats: int = 10, endpoint: Endpoint = PRICED) -> Plan:
    """A plan over one endpoint and so many prompts of the same size."""
    samples = [Sample(name=f"s{n}", messages=(Message(role="user", content="x" * 400),)) for n in range(prompts)]
    scenario = Scenario(version=1, name="n", title="N", request=Request(max_tokens=50), samples=tuple(samples))
    return make_plan([endpoint], [scenario], PlanSettings(repeats=repeats, warmup=2))


def test_counts_tokens_and_cost_are_of_everything_asked() -> None:
    """Every prompt, every repeat, all the output that is asked for."""
    [found] = predict_plan(made_plan()).targets
    assert (found.samples, found.requests_at_most, found.output_tokens_at_most) == (30, 30, 1500)
    assert 30 * 100 <= found.prompt_tokens_about <= 30 * 110
    assert found.cost_at_most == pytest.approx((found.prompt_tokens_about + 2 * 1500) / 1e6)


def test_without_a_price_or_a_run_nothing_is_made_up() -> None:
    """None is what is not known."""
    [found] = predict_plan(made_plan(endpoint=msgspec.structs.replace(PRICED, models=[Model("m")]))).targets
    assert (found.cost_at_most, found.seconds_about) == (None, None)


def test_time_is_as_an_earlier_run_went() -> None:
    """The median answer, times requests, by how many are in flight."""
    earlier = World(2, 2).make_run(1)
    for row in earlier.rows:
        msgspec.structs.force_setattr(row, "e2e_ms", 500.0)
    made = plan(["gateway"], loads=[ClosedLoad(concurrency=4)])
    [found] = predict_plan(made, [earlier]).targets
    assert found.seconds_about == pytest.approx(0.5 * found.requests_at_most / 4)


def test_the_order_begins_with_the_first_blocks() -> None:
    """As they would be played, and how many there are in all."""
    found = predict_plan(made_plan())
    assert found.order[0] == "gateway · m: n (1 sample, 1 at once)"
    assert (len(found.order), found.blocks, found.warmups) == (6, 30, 2)


REACH = {
    "too little for both": (3, 10, "not enough for 10 % in TTFT, which varies by 20 % (assumed): 150 pairs more",
        "not enough for 3 points of success: 122 prompts more"),
    "enough for times": (10, 30, "enough to separate 10 % in TTFT, which varies by 20 % (assumed): 300 pairs",
        "not enough for 3 points of success: 115 prompts more"),
    "enough for both": (125, 5, "enough to separate 10 %",
        "enough to show that success did not change by 3 points: 125 prompts"),
}  # fmt: skip


@pytest.mark.parametrize("case", REACH)
def test_what_it_is_enough_for_is_said(case: str) -> None:
    """In pairs for times, in prompts for success."""
    prompts, repeats, times, success = REACH[case]
    first, second = predict_plan(made_plan(prompts, repeats)).enough
    assert first.startswith(times)
    assert second.startswith(success)


def test_the_spread_is_that_of_earlier_runs() -> None:
    """World's answers vary by a fifth within a prompt."""
    found = predict_plan(plan(["gateway"]), [World(20, 20).make_run(1)])
    assert "which varies by 20 % (as in earlier runs)" in found.enough[0]


def test_a_forecast_is_said_in_a_sentence() -> None:
    """Requests, time, tokens and money; what is not known is said, and who cannot charge is not asked for a price."""
    priced = TargetForecast(
        target="dear · m", samples=2, requests_at_most=1_000, prompt_tokens_about=9_000, output_tokens_at_most=1_000,
        cost_at_most=0.0123, currency="USD", seconds_about=200.0,
    )  # fmt: skip
    local = TargetForecast(
        target="here · m", samples=1, requests_at_most=1, prompt_tokens_about=1, output_tokens_at_most=1
    )
    assert describe_targets([priced], 1) == "At most 1001 requests, about 3 min, ≈ 10 000 tokens, ≈ 0.012 USD."
    assert describe_targets([local], 0, ["here · m"]) == "At most 1 request, time not known yet, ≈ 2 tokens."
    assert describe_targets([local], 0).endswith("No price is declared for here · m.")
