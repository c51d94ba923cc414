"""One client, one load, one process.

    python -m benchmarks.clients NAME --port P --streams N --rounds R --model M --out F

Every client opens N streams at once and repeats R times. It writes one line a request:
{"id", "called_ns", "written_ns", "event_ns": [...], "end_ns"}, monotonic ns, events that carry output only;
`written_ns` is the call itself for clients that cannot know when their request reached the socket.
It prints {"wall_s", "cpu_s", "events", "failed", "rss_kib"}; decoding is inside cpu_s for every client.
"""

import argparse
import asyncio
import gc
import json
import resource
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

now = time.perf_counter_ns
Row = dict[str, Any]
Ask = Callable[[str], Awaitable[Row]]
Finish = Callable[[list[Row]], Awaitable[None]]


def body(model: str) -> dict[str, Any]:
    """The request every client sends."""
    messages = [{"role": "user", "content": "hi"}]
    return {"model": model, "stream": True, "stream_options": {"include_usage": True}, "messages": messages}


def has_output(chunk: Any) -> bool:
    """Whether a decoded chunk carries text."""
    return bool(chunk["choices"]) and bool(chunk["choices"][0]["delta"].get("content"))


def row(identity: str, called: int, written: int, stamps: list[int], end: int) -> Row:
    return {"id": identity, "called_ns": called, "written_ns": written, "event_ns": stamps, "end_ns": end}


async def byok(base: str, model: str, *, clock: str = "kernel", checks: bool = False) -> tuple[Ask, Finish]:
    """Our public path: `send`, then output and timing read from the record."""
    from byok_bench.checks.registry import run_checks
    from byok_bench.endpoints.endpoint import Endpoint, Model
    from byok_bench.endpoints.send import send
    from byok_bench.wire.client import Client

    endpoint = Endpoint(label="truth", base_url=f"{base}/v1", models=[Model(model)])
    client = await Client(clock=clock).__aenter__()  # type: ignore[arg-type]
    request = body(model)

    async def ask(identity: str) -> Row:
        called = now()
        exchange = await send(endpoint, request, client=client, request_id=identity)
        return {"id": identity, "called_ns": called, "exchange": exchange}

    async def finish(rows: list[Row]) -> None:
        for one in rows:
            exchange = one.pop("exchange")
            phases = exchange.raw.phases
            if exchange.error is not None or not exchange.output.text:
                raise RuntimeError(f"{one['id']}: {exchange.error}")
            if checks:
                run_checks(exchange)
            one["event_ns"] = [mark[0] for mark in exchange.reading.marks]
            one["written_ns"], one["end_ns"] = phases.written, phases.done or phases.end
        await client.__aexit__(None, None, None)

    return ask, finish


async def bare_asyncio(base: str, model: str) -> tuple[Ask, Finish]:
    """asyncio streams and json, nothing else: what a careful person writes by hand."""
    host, port = base.removeprefix("http://").split(":")
    payload = json.dumps(body(model)).encode()
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def ask(identity: str) -> Row:
        called = now()
        reader, writer = idle.pop() if idle else await asyncio.open_connection(host, int(port))
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {host}\r\nx-request-id: {identity}\r\n"
        head += f"content-length: {len(payload)}\r\n\r\n"
        writer.write(head.encode() + payload)
        written, stamps = now(), []
        await reader.readuntil(b"\r\n\r\n")
        while size := int(await reader.readline(), 16):
            data = await reader.readexactly(size + 2)
            stamp = now()
            if not data.startswith(b"data: [DONE]") and has_output(json.loads(data[6:])):
                stamps.append(stamp)
        await reader.readline()
        idle.append((reader, writer))
        return row(identity, called, written, stamps, now())

    async def finish(rows: list[Row]) -> None:
        for _, writer in idle:
            writer.close()

    return ask, finish


async def aiohttp_lines(base: str, model: str) -> tuple[Ask, Finish]:
    import aiohttp

    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
    payload = json.dumps(body(model)).encode()

    async def ask(identity: str) -> Row:
        called, stamps = now(), []
        async with session.post(
            f"{base}/v1/chat/completions", data=payload, headers={"x-request-id": identity}
        ) as answer:
            async for line in answer.content:
                if line.startswith(b"data: ") and not line.startswith(b"data: [DONE]"):
                    stamp = now()
                    if has_output(json.loads(line[6:])):
                        stamps.append(stamp)
        return row(identity, called, called, stamps, now())

    async def finish(rows: list[Row]) -> None:
        await session.close()

    return ask, finish


async def httpx_lines(base: str, model: str, *, sse: bool = False) -> tuple[Ask, Finish]:
    import httpx
    import httpx_sse

    client = httpx.AsyncClient(
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None), timeout=60, trust_env=False
    )
    payload, url = json.dumps(body(model)).encode(), f"{base}/v1/chat/completions"

    async def lines(identity: str) -> Row:
        called, stamps = now(), []
        async with client.stream("POST", url, content=payload, headers={"x-request-id": identity}) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: ") and line != "data: [DONE]":
                    stamp = now()
                    if has_output(json.loads(line[6:])):
                        stamps.append(stamp)
        return row(identity, called, called, stamps, now())

    async def events(identity: str) -> Row:
        called, stamps = now(), []
        headers = {"x-request-id": identity}
        async with httpx_sse.aconnect_sse(client, "POST", url, content=payload, headers=headers) as source:
            async for event in source.aiter_sse():
                if event.data != "[DONE]":
                    stamp = now()
                    if has_output(event.json()):
                        stamps.append(stamp)
        return row(identity, called, called, stamps, now())

    async def finish(rows: list[Row]) -> None:
        await client.aclose()

    return (events if sse else lines), finish


async def openai_sdk(base: str, model: str) -> tuple[Ask, Finish]:
    import openai

    client = openai.AsyncOpenAI(base_url=f"{base}/v1", api_key="unused", max_retries=0, timeout=60)
    request = body(model)

    async def ask(identity: str) -> Row:
        called, stamps = now(), []
        stream = await client.chat.completions.create(**request, extra_headers={"x-request-id": identity})
        async for chunk in stream:
            if chunk.choices and chunk.choices[0].delta.content:
                stamps.append(now())
        return row(identity, called, called, stamps, now())

    async def finish(rows: list[Row]) -> None:
        await client.close()

    return ask, finish


CLIENTS: dict[str, Callable[[str, str], Awaitable[tuple[Ask, Finish]]]] = {
    "byok": byok,
    "byok-user": lambda base, model: byok(base, model, clock="user"),
    "byok-checks": lambda base, model: byok(base, model, checks=True),
    "asyncio": bare_asyncio,
    "aiohttp": aiohttp_lines,
    "httpx": httpx_lines,
    "httpx-sse": lambda base, model: httpx_lines(base, model, sse=True),
    "openai": openai_sdk,
}


async def load(name: str, port: int, streams: int, rounds: int, model: str) -> dict[str, Any]:
    """Run the load; returns what is printed, and the rows."""
    ask, finish = await CLIENTS[name](f"http://127.0.0.1:{port}", model)
    await ask("warm-up")
    rows: list[Row] = []
    failed: list[str] = []

    async def stream(number: int) -> None:
        for turn in range(rounds):
            try:
                rows.append(await ask(f"{number}-{turn}"))
            except Exception as error:  # noqa: BLE001 - a client's failure is a result here
                failed.append(repr(error)[:200])

    gc.collect()
    before, start = resource.getrusage(resource.RUSAGE_SELF), now()
    await asyncio.gather(*(stream(number) for number in range(streams)))
    wall_ns = now() - start
    await finish(rows)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    events = sum(len(one["event_ns"]) for one in rows)
    return {
        "rows": rows,
        "wall_s": wall_ns / 1e9, "cpu_s": cpu_s, "events": events, "failed": len(failed),
        "first_failure": failed[:1], "rss_kib": after.ru_maxrss,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", choices=sorted(CLIENTS))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--model", default="ttft=50,gap=10,n=64")
    parser.add_argument("--out", required=True)
    parser.add_argument("--uvloop", action="store_true")
    given = parser.parse_args()
    work = load(given.name, given.port, given.streams, given.rounds, given.model)
    if given.uvloop:
        import uvloop

        result = uvloop.run(work)
    else:
        result = asyncio.run(work)
    Path(given.out).write_text("".join(json.dumps(one) + "\n" for one in result.pop("rows")))
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
