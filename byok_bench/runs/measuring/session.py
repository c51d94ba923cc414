"""The timed part of a run, in this process: open the client, play the blocks, report what is stored."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import SecretError
from byok_bench.runs.measuring.executor import Executor
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.measuring.timed_sections import freeze_heap
from byok_bench.runs.measuring.work import Work
from byok_bench.runs.planning.blocks import Block
from byok_bench.runs.planning.budgets import Purse
from byok_bench.runs.progress import LimitMet, MeasuringEvent
from byok_bench.runs.storage import ascii_json, circumstances
from byok_bench.runs.storage.result_file import StatementTaker
from byok_bench.wire.client import Client


class MeasuringSession:
    """An open client and an executor: `async with Session(…) as session: await session.play(…)`."""

    def __init__(
        self,
        work: Work,
        endpoints: Sequence[Endpoint],
        writer: StatementTaker,
        tell: Callable[[MeasuringEvent], None],
        client: Client | None = None,
        purse: Purse | None = None,
    ) -> None:
        """`endpoints` stand beside the plan's targets. `client`: one whose connections outlive the session; whoever
        keeps it has frozen the heap for as long, since to look through a heap takes as long as tens of exchanges.
        `purse`: see `Executor`.
        """
        self._work = work
        self._endpoints = endpoints
        self._writer = writer
        self._tell = tell
        self._client = client
        self._purse = purse
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        with_keys = await asyncio.gather(*(fetch_keyring_key(endpoint) for endpoint in self._endpoints))
        for endpoint, original in zip(with_keys, self._endpoints, strict=True):
            if endpoint.key != original.key:
                self._open.callback(endpoint.key.forget)
        client = self._client
        if client is None:
            own = Client(transport=self._work.transport, searches_streams=False)
            client = await self._open.enter_async_context(own)
            self._open.enter_context(freeze_heap())
        self._executor = Executor(self._work, with_keys, self._writer, client, self._tell, self._purse)
        return self

    async def __aexit__(self, *reason: Any) -> None:
        await self._open.aclose()

    def finish(self) -> None:
        """Let what is in flight finish, and begin nothing new."""
        self._executor.finish()

    async def play(self, blocks: Sequence[Block], begin_ns: int | None = None, share: tuple[int, int] = (0, 1)) -> None:
        """Play blocks in order, or this process's share of them; `begin_ns` is the common start of an open loop."""
        for block in blocks:
            if self._executor.has_to_end:
                break
            health = await self._executor.play_block(block, begin_ns, share)
            await self._writer.commit_statement(
                circumstances.store_section,
                self._work.run_id,
                block.target,
                block.stage,
                ascii_json.to_ascii(health),
            )
        if limit := self._executor.limit_reached:
            self._tell(LimitMet(run_id=self._work.run_id, limit=limit))


async def measure_in_this_process(
    work: Work,
    endpoints: Sequence[Endpoint],
    writer: StatementTaker,
    tell: Callable[[MeasuringEvent], None],
    stop: StopSwitch,
) -> None:
    """Play all blocks in this process."""
    async with MeasuringSession(work, endpoints, writer, tell) as session:
        with stop.relay(session.finish):
            await session.play(work.blocks)


async def fetch_keyring_key(endpoint: Endpoint) -> Endpoint:
    """The endpoint with its keyring entry read once: a keyring may take its time, which is not the server's.

    A key that cannot be read is left as it was: the rows then say why.
    """
    if endpoint.key.kind != "keyring":
        return endpoint
    try:
        secret = await asyncio.to_thread(endpoint.key.resolve)
    except SecretError:
        return endpoint
    return msgspec.structs.replace(endpoint, key=KeyRef.session(secret)) if secret is not None else endpoint
