"""Limits of a run: nothing is sent that could pass one, and what was sent is kept to be gone on with."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.bench_server import MODEL, BenchServer, serving

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model, Price
from byok_bench.errors import PlanError
from byok_bench.runs.measuring.shared_purse import SharedPurse
from byok_bench.runs.planning.budgets import Budget, LimitReached, Limits, Spending, Spent
from byok_bench.runs.play_settings import PlaySettings
from byok_bench.runs.progress import LimitMet, RunEvent, RunFinished
from byok_bench.runs.runner import resume, run

PRICE = Price(input=1.0, output=10.0)
BODY = {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 64}


def endpoint(server: BenchServer, price: Price | None = PRICE, **more: Any) -> Endpoint:
    """An endpoint of the test server, with a price."""
    return Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL, price=price)], **more)


async def test_no_more_requests_are_sent_than_allowed(tmp_path: Path) -> None:
    """Warm-up counted; the run says what stopped it, and goes on from there."""
    heard: list[RunEvent] = []
    async with serving(BenchServer()) as server:
        made = await run(
            endpoint(server), "plain-answer", 8, store=tmp_path / "b.sqlite", on_progress=heard.append, max_requests=4
        )
        assert len(server.ids) == 4
        assert (made.status, made.reason) == ("interrupted", "stopped by the limit of 4 requests")
        assert [event.limit for event in heard if isinstance(event, LimitMet)] == ["4 requests"]
        assert isinstance(heard[-1], RunFinished)
        rest = await resume(made.id, tmp_path / "b.sqlite", endpoints=[endpoint(server)])
    assert rest.status == "finished"
    assert sum(row.status == "done" for row in rest.rows if not row.is_warmup) == 8


async def test_a_conversation_is_gone_on_with_where_it_stopped(tmp_path: Path) -> None:
    """A limit between two turns loses no turn."""
    async with serving(BenchServer()) as server:
        made = await run(endpoint(server), "tool-round-trip", 1, store=tmp_path / "b.sqlite", warmup=0, max_requests=1)
        assert [row.status for row in made.rows] == ["done"]
        await resume(made.id, tmp_path / "b.sqlite", endpoints=[endpoint(server)])
    assert len(server.requests) == 2
    assert server.requests[1]["messages"][-1]["role"] == "tool"


async def test_tokens_are_counted_as_asked_until_they_are_told(tmp_path: Path) -> None:
    """The bound of a request stands only while it is in flight: the server's 13 tokens a request are what counts."""
    async with serving(BenchServer()) as server:
        await run(endpoint(server), "plain-answer", 60, store=tmp_path / "b.sqlite", warmup=0, max_tokens=700)
    sent = server.requests
    bound = max(len(str(body)) for body in sent) + 64
    assert 13 * len(sent) <= 700
    assert (700 - bound) // 13 <= len(sent) < 60


async def test_cost_is_held_by_the_declared_price(tmp_path: Path) -> None:
    """Prompt and output by prices of their own: 9 × 1 + 4 × 10 millionths a request."""
    async with serving(BenchServer()) as server:
        made = await run(endpoint(server), "plain-answer", 60, store=tmp_path / "b.sqlite", warmup=0, max_cost=0.0015)
    costs = [row.priced_cost for row in made.rows if row.status == "done"]
    assert costs[0] == pytest.approx(49e-6)
    assert 0.0003 < sum(cost or 0 for cost in costs) <= 0.0015
    assert made.reason == "stopped by the limit of a cost of 0.0015"


async def test_with_many_in_flight_the_limit_holds(tmp_path: Path) -> None:
    """Each counts as if it took all that it asks for, and waits for those before it."""
    async with serving(BenchServer(delay_s=0.005)) as server:
        await run(endpoint(server), "plain-answer", 40, 8, tmp_path / "b.sqlite", warmup=0, max_tokens=1200)
    assert 13 * len(server.ids) <= 1200
    assert len(server.ids) > 20


async def test_a_limit_holds_in_a_process_of_its_own(tmp_path: Path) -> None:
    """As a notebook's kernel measures."""
    async with serving(BenchServer()) as server:
        made = await run(
            endpoint(server), "plain-answer", 8, store=tmp_path / "b.sqlite", process=True, warmup=0, max_requests=3
        )
    assert len(server.ids) == 3
    assert made.reason == "stopped by the limit of 3 requests"


async def test_a_limit_holds_over_several_processes(tmp_path: Path) -> None:
    """All of it is used, none sends beyond it, and it is told once."""
    heard: list[RunEvent] = []
    async with serving(BenchServer(delay_s=0.005)) as server:
        made = await run(
            endpoint(server), "plain-answer", 30, 4, tmp_path / "b.sqlite", processes=2, max_requests=9,
            on_progress=heard.append,
        )  # fmt: skip
    assert len(server.ids) == 9
    assert [event.limit for event in heard if isinstance(event, LimitMet)] == ["9 requests"]
    assert made.reason == "stopped by the limit of 9 requests"


async def test_two_purses_of_one_file_are_one(tmp_path: Path) -> None:
    """A claim of the one is seen by the other; what was taken less is there for both."""
    one, other = (SharedPurse(tmp_path / "purse") for _ in range(2))
    limits = Limits(tokens=100)
    assert await one.claim(Spent(0.0, 80, 1), limits) == ("", 0)
    assert await other.claim(Spent(0.0, 80, 1), limits) == ("100 tokens", 1)
    await one.put_back(Spent(0.0, 80, 1), Spent(0.0, 20, 1))
    assert await other.claim(Spent(0.0, 80, 1), limits) == ("", 0)


async def test_a_limit_holds_over_the_rounds_of_a_run_that_is_looked_at(tmp_path: Path) -> None:
    """Each repeat is measured for itself, and all of them spend from one purse."""
    async with serving(BenchServer()) as server:
        made = await run(
            endpoint(server), "plain-answer", 8, store=tmp_path / "b.sqlite", warmup=0, max_requests=3,
            until=lambda _: False,
        )  # fmt: skip
    assert (len(server.ids), made.reason) == (3, "stopped by the limit of 3 requests")


async def test_limits_of_a_resumed_run_are_of_its_start(tmp_path: Path) -> None:
    """What an earlier start spent is spent."""
    async with serving(BenchServer()) as server:
        made = await run(endpoint(server), "plain-answer", 8, store=tmp_path / "b.sqlite", warmup=0, max_requests=3)
        means = PlaySettings(limits=Limits(requests=2))
        more = await resume(made.id, tmp_path / "b.sqlite", endpoints=[endpoint(server)], means=means)
    assert sum(row.status == "done" for row in more.rows if not row.is_warmup) <= 5
    assert more.status == "interrupted"


REFUSED: dict[str, tuple[dict[str, Any], Price | None, str]] = {
    "no price": ({"max_cost": 1.0}, None, "a limit of cost needs a price for e · tiny"),
    "half a price": ({"max_cost": 1.0}, Price(input=1.0), "a limit of cost needs a price"),
    "nothing at all": ({"max_requests": 0}, PRICE, "requests must be a number above 0, not 0"),
    "below nothing": ({"max_cost": -1.0}, PRICE, "cost must be a number above 0"),
    "a text": ({"max_tokens": "5"}, PRICE, "tokens must be a number above 0, not '5'"),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_limits_that_cannot_be_held_are_refused_before_anything_is_sent(tmp_path: Path, case: str) -> None:
    """With what to do instead."""
    settings, price, said = REFUSED[case]
    async with serving(BenchServer()) as server:
        with pytest.raises(PlanError, match=said):
            await run(endpoint(server, price), "plain-answer", 1, store=tmp_path / "b.sqlite", **settings)
    assert server.ids == []


def budget(limits: Limits, price: Price = PRICE) -> Budget:
    """A budget over one target."""
    made = Endpoint(label="e", base_url="http://127.0.0.1:9/v1", models=[Model(MODEL, price=price)])
    return Budget(limits, [made], [MODEL])


async def test_what_was_never_sent_costs_nothing() -> None:
    """A claim that another process has, or a key that is not there."""
    held = budget(Limits(requests=1))
    for _ in range(5):
        async with held.reserve(0, BODY):
            pass
    assert held.reached == ""


@given(st.lists(st.integers(1, 200), min_size=1, max_size=30), st.integers(1, 3000))
def test_whatever_is_asked_the_bound_is_never_passed(outputs: list[int], limit: int) -> None:
    """Requests of any size, all in flight at once: together their bounds stay within the limit."""

    async def play() -> None:
        held, under_way = budget(Limits(tokens=limit)), []

        async def ask(output: int) -> None:
            body = BODY | {"max_tokens": output}
            try:
                async with held.reserve(0, body) as spending:
                    under_way.append(spending)
                    assert sum(one.reserved.tokens for one in under_way) <= limit
                    await asyncio.sleep(0)
                    under_way.remove(spending)
            except LimitReached:
                pass

        await asyncio.gather(*map(ask, outputs))

    asyncio.run(play())


def test_a_spending_begins_without_an_exchange() -> None:
    """None is what was not sent."""
    assert Spending.__struct_defaults__ == (None,)
