"""One purse over leases: claims are answered in order, and what a lost worker had claimed counts as spent."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest

from byok_bench.endpoints.contract import encode_endpoint
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.cluster.lent_purse import Answers, ClaimAsked, LentPurse, RemotePurse
from byok_bench.runs.measuring.work import Work
from byok_bench.runs.planning.budgets import Limits, OwnPurse, Spent
from byok_bench.runs.planning.plan import PlanSettings, make_plan
from byok_bench.scenarios.selection import find_scenarios

LIMITS = Limits(tokens=100)
Lend = Callable[[int], RemotePurse]


class Cluster:
    """A purse and the leases that spend from it, without anything between them."""

    def __init__(self) -> None:
        self.purse = LentPurse(OwnPurse(), LIMITS, self._send)
        self._leases: dict[int, RemotePurse] = {}

    def lend(self, lease: int) -> RemotePurse:
        """What a lease spends from."""

        def tell(message: object) -> None:
            if isinstance(message, ClaimAsked):
                self.purse.ask(lease, message)
            else:
                self._settling = asyncio.ensure_future(self.purse.put_back(lease, message))  # type: ignore[arg-type]

        self._leases[lease] = RemotePurse(tell)
        return self._leases[lease]

    async def _send(self, lease: int, answers: Answers) -> None:
        self._leases[lease].answer(answers)


def spend(tokens: int) -> Spent:
    """A request of so many tokens."""
    return Spent(0.0, tokens, 1)


async def is_waiting(claim: Awaitable[object]) -> bool:
    """Whether a claim is not answered, however often the loop turns."""
    for _ in range(20):
        await asyncio.sleep(0)
    return not asyncio.ensure_future(claim).done()


async def test_a_claim_waits_until_what_is_under_way_has_come_to_less() -> None:
    """Of another worker as well as of its own."""
    cluster = Cluster()
    one, other = cluster.lend(1), cluster.lend(2)
    assert await one.claim(spend(80), LIMITS) == ("", 0)
    waiting = asyncio.ensure_future(other.claim(spend(80), LIMITS))
    assert await is_waiting(waiting)
    await one.put_back(spend(80), spend(20))
    assert await waiting == ("", 0)


async def test_what_cannot_fit_any_more_is_refused_by_the_limit_that_it_would_pass() -> None:
    """Once nothing is under way that could come to less."""
    one = Cluster().lend(1)
    await one.claim(spend(80), LIMITS)
    await one.put_back(spend(80), spend(80))
    assert await one.claim(spend(21), LIMITS) == ("100 tokens", 0)
    assert await one.claim(spend(20), LIMITS) == ("", 0)


@pytest.mark.parametrize(("wanted", "answer"), [(spend(20), ("", 0)), (spend(21), ("100 tokens", 0))])
async def test_what_a_lost_worker_claimed_is_spent_and_nobody_waits_for_it(
    wanted: Spent, answer: tuple[str, int]
) -> None:
    """It may have been sent; the rest goes on with what is left."""
    cluster = Cluster()
    lost, other = cluster.lend(1), cluster.lend(2)
    await lost.claim(spend(80), LIMITS)
    waiting = asyncio.ensure_future(other.claim(wanted, LIMITS))
    await cluster.purse.give_up(1)
    assert await waiting == answer


async def test_a_claim_that_is_given_up_holds_nothing() -> None:
    """A slot that is cancelled while it waits leaves what it wanted to others."""
    cluster = Cluster()
    one, other = cluster.lend(1), cluster.lend(2)
    await one.claim(spend(80), LIMITS)
    waiting = asyncio.ensure_future(other.claim(spend(80), LIMITS))
    assert await is_waiting(waiting)
    waiting.cancel()
    await asyncio.wait((waiting,))
    await one.put_back(spend(80), spend(0))
    assert await one.claim(spend(100), LIMITS) == ("", 0)


async def test_a_worker_knows_how_long_an_answer_may_be() -> None:
    """The document that it gets of an endpoint has no window, and a limit would count with a guess."""
    pytest.importorskip("distributed")
    from byok_bench.runs.cluster.worker import MeasuringHost, Setup

    endpoint = Endpoint(
        label="e", base_url="https://api.example.com/v1", models=[Model("m", context_window_tokens=99_000)]
    )
    plan = make_plan([endpoint], find_scenarios("plain-answer"), PlanSettings())
    work = Work(run_id="r", plan=plan, blocks=(), states={})
    document = encode_endpoint(endpoint, "m")
    host = MeasuringHost(Setup(version="", work=work, queue=""), [document])
    async with AsyncExitStack() as stack:
        [model] = host._lend(stack, 0, document).models
    assert model.context_window_tokens == 99_000
