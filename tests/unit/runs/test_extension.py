"""More repeats for a run that there is."""

import pytest
from support.bench_server import MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import PlanError
from byok_bench.runs.extension import add_repeats
from byok_bench.runs.runner import resume, run


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
