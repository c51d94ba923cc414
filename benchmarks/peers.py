"""The clients that ours is held against: each opens a stream, stamps every event that carries text, decodes it."""

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

now = time.perf_counter_ns
Row = dict[str, Any]


@dataclass(frozen=True)
class Asker:
    """An open client."""

    ask: Callable[[str], Awaitable[Row]]
    """Play one request; clients.py says what a row is."""
    close: Callable[[], Awaitable[None]]
    read: Callable[[Row], None] = lambda row: None
    """Decode what was recorded, for a client that does it later."""


def body(model: str) -> dict[str, Any]:
    """The request every client sends."""
    messages = [{"role": "user", "content": "hi"}]
    return {"model": model, "stream": True, "stream_options": {"include_usage": True}, "messages": messages}


def has_output(chunk: Any) -> bool:
    """Whether a decoded chunk carries text."""
    return bool(chunk["choices"]) and bool(chunk["choices"][0]["delta"].get("content"))


def row(identity: str, called: int, written: int, stamps: list[int], end: int) -> Row:
    return {"id": identity, "called_ns": called, "written_ns": written, "event_ns": stamps, "end_ns": end}


async def bare_asyncio(base: str, model: str) -> Asker:
    """asyncio streams and json, nothing else: what a careful person writes by hand."""
    import asyncio

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

    async def close() -> None:
        for _, writer in idle:
            writer.close()

    return Asker(ask, close)


async def aiohttp_lines(base: str, model: str) -> Asker:
    """aiohttp, line by line, json.loads."""
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

    return Asker(ask, session.close)


async def httpx_lines(base: str, model: str, *, sse: bool = False) -> Asker:
    """httpx, `aiter_lines` and json.loads; or httpx-sse on top of it."""
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

    return Asker(events if sse else lines, client.aclose)


async def openai_sdk(base: str, model: str) -> Asker:
    """The OpenAI SDK as its README shows it."""
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

    return Asker(ask, client.close)
