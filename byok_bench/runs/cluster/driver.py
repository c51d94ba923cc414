"""A run on a Dask cluster, from the client's side: who plays what.

The same jobs and keys as on one machine. Endpoints that a worker may not call (loopback, private addresses, whatever
its `custom_model_endpoint` document cannot say) are played by the client itself, beside the cluster.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from byok_bench.endpoints.contract import encode_endpoint
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.errors import ContractError, EndpointError, PlanError
from byok_bench.runs.cluster.cluster_run import ClusterRun, ClusterStart
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.measuring.work import Work
from byok_bench.runs.planning.blocks import Block
from byok_bench.runs.progress import MeasuringEvent
from byok_bench.wire.egress.verdicts import judge

DIAL_S: Final = 15.0
"""How long a scheduler may take to answer."""
_LOCAL: Final = ("127.0.0.1", "localhost", "::1", "[::1]")


async def measure_on_cluster(start: ClusterStart, tell: Callable[[MeasuringEvent], None], stop: StopSwitch) -> None:
    """Play the blocks on a cluster, and here those that no worker may play; both at once.

    Raises PlanError if keys would go over an open connection, or the cluster cannot be reached.
    """
    work = start.work
    documents = await asyncio.gather(*(_make_document(work, index, one) for index, one in enumerate(start.endpoints)))
    apart = [block for block in work.blocks if documents[block.target] is None]
    shared = [block for block in work.blocks if documents[block.target] is not None]
    playing: list[asyncio.Future[None]] = []
    if apart:
        playing.append(asyncio.ensure_future(start.here(msgspec.structs.replace(work, blocks=tuple(apart)))))
    if shared:
        playing.append(asyncio.ensure_future(_play_shared(start, shared, documents, tell, stop)))
    try:
        await asyncio.gather(*playing)
    finally:
        for one in playing:
            one.cancel()
        await asyncio.wait(playing)


async def _make_document(work: Work, target: int, endpoint: Endpoint) -> dict[str, Any] | None:
    """What a worker is told of the endpoint of a target; None if it may not call it, or cannot be told."""
    verdict = await asyncio.to_thread(judge, endpoint.base_url, "shared", policy=work.policy)
    if verdict.action != "allow":
        return None
    try:
        return await asyncio.to_thread(encode_endpoint, endpoint, work.plan.targets[target].model)
    except (ContractError, EndpointError):
        return None


async def _play_shared(
    start: ClusterStart,
    blocks: Sequence[Block],
    documents: Sequence[dict[str, Any] | None],
    tell: Callable[[MeasuringEvent], None],
    stop: StopSwitch,
) -> None:
    from distributed import Client

    is_ours = not isinstance(start.cluster, Client)
    try:
        client: Any = (
            await asyncio.to_thread(Client, start.cluster, set_as_default=False, timeout=DIAL_S)
            if is_ours
            else start.cluster
        )
    except (OSError, ValueError) as error:
        raise PlanError(f"no Dask scheduler at {start.cluster}: {error}", code="no_cluster") from None
    try:
        if client.asynchronous:
            raise PlanError("give a distributed.Client that is not asynchronous", code="bad_cluster")
        _refuse_open_connections(client.scheduler.address, documents)
        run = await asyncio.to_thread(ClusterRun, client, start, tell, stop)
        await run.play(blocks, documents)
    finally:
        if is_ours:
            await asyncio.to_thread(client.close)


def _refuse_open_connections(address: str, documents: Sequence[dict[str, Any] | None]) -> None:
    """Raise PlanError if a key would go over a connection that others can read."""
    has_key = any(one and (one.get("auth") or one.get("headers")) for one in documents)
    parts = urlsplit(address)
    if has_key and parts.scheme not in ("tls", "inproc") and parts.hostname not in _LOCAL:
        raise PlanError(
            f"keys go to workers over TLS alone, and {address} has none: start the scheduler with a certificate "
            "(tls://…), see docs/scale.md",
            code="open_cluster",
        )
