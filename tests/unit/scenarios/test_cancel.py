"""A stream that this side closes in mid-flight: recorded as such, no failure, and the next request is served."""

from typing import Any

import pytest

from byok_bench.backends.simulator.server import Simulator
from byok_bench.checks.registry import run_checks
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import send
from byok_bench.scenarios.cancel_points import count_output_deltas, make_cancel
from byok_bench.scenarios.scenario import CancelAfter
from byok_bench.wire.client import Client

SCHEMAS = ("chat", "responses", "messages")
TRANSPORTS = ("own", "httpx")
MESSAGES = [{"role": "user", "content": "Tell me a story in 200 words."}]
BODIES: dict[str, dict[str, Any]] = {
    "chat": {"messages": MESSAGES},
    "responses": {"input": MESSAGES},
    "messages": {"messages": MESSAGES, "max_tokens": 400},
}  # fmt: skip


async def ask(
    schema: str, transport: Any, wanted: CancelAfter, stream: bool = True, ttft_ms: float = 20
) -> list[Exchange]:
    """A cancelled answer, and one after it on the same client."""
    async with Simulator(ttft_ms=ttft_ms, gap_ms=2, any_model=True) as server, Client() as client:
        endpoint = Endpoint(
            label="e", base_url=server.base_url, schema=schema, models=[Model("m")], transport=transport
        )  # type: ignore[arg-type]
        body = BODIES[schema] | {"stream": stream}
        first = await send(endpoint, body, client=client, cancel=make_cancel(wanted, schema))
        small = BODIES[schema] | {"stream": True}
        return [first, await send(endpoint, small, client=client, cancel=make_cancel(CancelAfter(deltas=1), schema))]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_answer_is_closed_after_so_many_deltas(schema: str, transport: str) -> None:
    """What came stays; there is no failure, no finding and no end that was not heard; the next request is served."""
    cancelled, after = await ask(schema, transport, CancelAfter(deltas=5))
    assert (cancelled.raw.end, cancelled.error) == ("cancelled", None)
    assert 5 <= count_output_deltas(cancelled.raw, schema) < 150
    assert cancelled.output.text
    assert cancelled.output.finish_reason is None
    assert run_checks(cancelled) == []
    assert (cancelled.timing.e2e, cancelled.timing.ttft is not None) == (None, True)
    assert (after.error, bool(after.output.text)) == (None, True)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("ms", [1.0, 60.0])
@pytest.mark.parametrize("schema", SCHEMAS)
async def test_an_answer_is_closed_after_so_many_ms(schema: str, transport: str, ms: float) -> None:
    """Also before anything came, which is no server's fault either."""
    cancelled, after = await ask(schema, transport, CancelAfter(ms=ms))
    assert (cancelled.raw.end, cancelled.error) == ("cancelled", None)
    assert run_checks(cancelled) == []
    assert after.error is None


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_a_whole_answer_can_be_given_up_too(schema: str) -> None:
    """Nothing of it is read, and nothing is said about it."""
    cancelled, _ = await ask(schema, "own", CancelAfter(ms=5), stream=False, ttft_ms=600)
    assert (cancelled.raw.end, cancelled.error, cancelled.output.text) == ("cancelled", None, "")


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_answer_that_was_over_before_is_not_cancelled(transport: str) -> None:
    """It was heard to its end."""
    done, _ = await ask("chat", transport, CancelAfter(deltas=100_000))
    assert (done.raw.end, done.output.finish_reason) == ("done", "stop")
