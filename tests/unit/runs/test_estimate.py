"""What a run will take, before it is started."""

import pytest
from support.bench_server import MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model, Price
from byok_bench.errors import PlanError
from byok_bench.runs.extension import add_repeats
from byok_bench.runs.planning.estimate import estimate_plan
from byok_bench.runs.planning.plan import PlanSettings, make_plan
from byok_bench.runs.runner import resume, run
from byok_bench.scenarios.selection import find_scenarios

DEAR = Endpoint(label="dear", base_url="https://h.example/v1", models=[Model("m", price=Price(input=1.0, output=2.0))])
FREE = Endpoint(label="free", base_url="http://127.0.0.1:9/v1", models=[Model("m")])


def test_requests_tokens_and_money_are_upper_bounds() -> None:
    """Each sample, repeat and round counts, warm-up too; a price is applied to prompt and output apart."""
    scenarios = find_scenarios(["plain-answer", "tool-round-trip"])
    plan = make_plan([DEAR, FREE], scenarios, PlanSettings(repeats=3, warmup=1))
    found = estimate_plan(plan, [DEAR, FREE], {"dear": 100.0, "free": 10.0}, free=["free"])
    a_target = found.requests // 2
    assert a_target == 1 + 3 * (1 + max(one.rounds for one in scenarios))
    assert found.seconds == pytest.approx(a_target * 0.11)
    assert [currency for currency, _ in found.costs] == ["USD"]
    assert 0 < found.costs[0][1] < 2e-6 * found.tokens
    assert found.unpriced == ()


def test_what_is_not_known_is_said() -> None:
    """No price, no time."""
    plan = make_plan([FREE], find_scenarios("plain-answer"), PlanSettings(repeats=1, warmup=0))
    found = estimate_plan(plan, [FREE], {})
    assert (found.seconds, found.unpriced, found.costs) == (None, ("free",), ())
    said = found.describe()
    assert said.startswith("At most 1 request, time not known yet, ≈ ")
    assert said.endswith("No price is declared for free.")


async def test_a_run_gets_more_repeats() -> None:
    """What was measured stays, and only the new ones are asked."""
    async with serving(BenchServer()) as server:
        one = Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL)])
        first = await run(one, "plain-answer", repeats=2, warmup=0)
        asked = len(server.requests)
        before = {row.exchange_id for row in first.rows}
        longer = add_repeats(first, 4)
        assert (longer.status, longer.states["planned"], longer.states["done"]) == ("interrupted", 4, 2)
        whole = await resume(first.id, endpoints=[one])
    assert (whole.status, whole.states["done"], len(server.requests)) == ("finished", 6, asked + 4)
    assert before < {row.exchange_id for row in whole.rows}
    assert whole.plan.repeats == 6


async def test_no_run_has_a_million_repeats_and_one() -> None:
    """A number that no run can have is refused, and nothing is changed."""
    async with serving(BenchServer()) as server:
        one = Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL)])
        first = await run(one, "plain-answer", repeats=1, warmup=0)
    with pytest.raises(PlanError):
        add_repeats(first, 1_000_000)
    assert first.plan.repeats == 1
