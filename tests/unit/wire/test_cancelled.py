"""A caller that is cancelled in the turn of the loop in which its bytes come: the loop has nothing to complain of."""

import asyncio
import ssl
from collections.abc import Coroutine
from typing import Any
from unittest.mock import create_autospec

import pytest

from byok_bench.wire.connections.connection import Connection
from byok_bench.wire.connections.exchange_clocks import Flight
from byok_bench.wire.connections.socket_links import Link
from byok_bench.wire.limits import Limits, Timeouts
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest


async def cancelled(waiting: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
    """A task that waits for a future, and was told to stop but had no turn since."""
    task = asyncio.ensure_future(waiting)
    await asyncio.sleep(0)
    task.cancel()
    return task


async def test_an_answer_that_ends_while_its_caller_is_cancelled_is_recorded() -> None:
    """The end is read; the record says how it was."""
    request = RawRequest(id="c", method="POST", url="http://127.0.0.1/", headers=[], body=b"{}")
    record = RawExchange(request=request, phases=Phases(start=0))
    flight = Flight(record, timeouts=Timeouts(), limits=Limits())

    async def wait() -> None:
        try:
            await flight.landed
        finally:
            flight.abandon()

    task = await cancelled(wait())
    flight.complete_body(1, reusable=True)
    with pytest.raises(asyncio.CancelledError):
        await task
    assert record.end == "eof"
    assert record.phases.end == 1


async def test_a_peer_that_goes_away_while_the_handshake_is_cancelled_is_no_error() -> None:
    """There is nobody left to tell."""
    link = create_autospec(Link, instance=True)  # no socket: what is written goes nowhere
    connection = Connection(link, "127.0.0.1", lambda _: None)
    task = await cancelled(connection.start_tls(ssl.create_default_context(), "127.0.0.1"))
    link.on_end(None)
    with pytest.raises(asyncio.CancelledError):
        await task
