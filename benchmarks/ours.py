"""Our own client under load: `send` stream by stream, and a whole `run`."""

import asyncio
import tempfile
from pathlib import Path

import byok_bench as bb
from benchmarks.peers import Asker, Row, body, now
from byok_bench.wire.client import Client


def endpoint(base: str, model: str) -> bb.Endpoint:
    """The server with its own clock; the model's name is the schedule."""
    return bb.Endpoint(label="truth", base_url=f"{base}/v1", models=[bb.Model(model)])


async def sending(base: str, model: str, *, clock: str = "kernel", checks: bool = False, alone: bool = False) -> Asker:
    """`bb.send`, then output and timing read from the record; with `checks`, every passive check on top.

    `alone`: each call without a client.
    """
    target, request = endpoint(base, model), body(model)
    client = None if alone else await Client(clock=clock).__aenter__()  # type: ignore[arg-type]

    async def ask(identity: str) -> Row:
        called = now()
        exchange = await bb.send(target, request, client=client, request_id=identity)
        return {"id": identity, "called_ns": called, "exchange": exchange}

    def read(one: Row) -> None:
        exchange = one.pop("exchange")
        one["recorded_bytes"] = sum(len(data) for _, data in exchange.chunks)
        if exchange.error is not None or not exchange.output.text:
            raise RuntimeError(f"{one['id']}: {exchange.error}")
        if checks:
            bb.check(exchange)
        one.update(stamps_of(exchange))

    async def close() -> None:
        if client is not None:
            await client.aclose()

    return Asker(ask, close, read)


def stamps_of(exchange: bb.Exchange) -> Row:
    """What a row says of time, read from the record."""
    phases = exchange.raw.phases
    return {
        "event_ns": [mark[0] for mark in exchange.reading.marks],
        "written_ns": phases.written,
        "end_ns": phases.done or phases.end,
    }


async def running(base: str, model: str, streams: int, rounds: int) -> list[Row]:
    """`bb.run` in this process: everything up to the judged rows in its store."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "bench.sqlite"
        result = await bb.run(
            endpoint(base, model), "plain-answer", streams * rounds, streams, store, warmup=0, process=False
        )
        found = await asyncio.to_thread(list, result.iterate_exchanges())
    return [{"id": exchange.id, "called_ns": exchange.raw.phases.start, "exchange": exchange} for _, exchange in found]
