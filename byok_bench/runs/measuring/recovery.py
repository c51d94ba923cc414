"""After an over-long prompt that was not refused: wait until the server answers a plain request again, within a bound.

A server without a check of its own may work on such a prompt for minutes after we gave up, and everything that comes
next would fail for what we did. The requests of the wait belong to no row and to no table: a note of the run says how
many there were and how long it took.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.scenarios.phrasing import find_phrasing
from byok_bench.scenarios.scenario import Message, Request, Scenario
from byok_bench.wire.limits import Timeouts
from byok_bench.wire.raw_exchange import RawExchange

LONGEST_WAIT_S: Final = 120.0
FIRST_PAUSE_S: Final = 0.5
"""Between two requests where the server names no delay; doubles each time."""
LONGEST_PAUSE_S: Final = 15.0
_PLAIN: Final = Scenario(
    version=1, name="recovery", title="Is it free again?", request=Request(stream=False, max_tokens=8)
)
Ask = Callable[[dict[str, Any], Timeouts], Awaitable[Exchange]]


class Recovery(msgspec.Struct, frozen=True, kw_only=True):
    """One wait for a server, as it is stored with the run."""

    target: int
    """Index into the plan's targets."""
    waited_ms: float
    requests: int
    """Plain requests of ours that it took."""
    answered: bool
    """Whether one was answered; if not, the wait ended at its bound."""
    seen: tuple[str, ...] = ()
    """Kinds of failure in place of an answer, in order."""


def is_recovery_needed(raw: RawExchange) -> bool:
    """Whether a request reached the server and left open if that is free: no answer, or a failure of its own."""
    if raw.phases.written is None:
        return False
    return raw.head is None or raw.failure is not None or raw.head.status >= 500 or raw.head.status == 429


async def wait_for_recovery(target: int, schema: str, ask: Ask, longest_s: float) -> Recovery:
    """Ask plainly until there is an answer, or a refusal that only a server with time gives."""
    body = find_phrasing(schema).build_first(_PLAIN, [Message(role="user", content="Say hello.")])
    began, pause, seen = time.monotonic(), FIRST_PAUSE_S, []
    while True:
        left = max(0.1, longest_s - (time.monotonic() - began))
        exchange = await ask(body, Timeouts(connect=min(10.0, left), first_byte=left, idle=left, total=left))
        error = exchange.error
        answered = error is None or (error.status is not None and error.status < 500 and error.status != 429)
        if error is not None and not answered:
            seen.append(error.kind)
        wait = max(pause, (error.retry_after_s or 0.0) if error else 0.0)
        spent = time.monotonic() - began
        hopeless = error is not None and error.phase in ("config", "policy")
        if answered or hopeless or spent + wait >= longest_s:
            return Recovery(
                target=target,
                waited_ms=spent * 1000,
                requests=len(seen) + answered,
                answered=answered,
                seen=tuple(seen),
            )
        await asyncio.sleep(wait)
        pause = min(2 * pause, LONGEST_PAUSE_S)
