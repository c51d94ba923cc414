"""A small chat server for tests of runs: streams, calls tools, refuses, and keeps a log of what it was asked.

Stdlib only, so that it is a witness of its own. In a process of its own: `python bench_server.py LOGFILE SECONDS`
prints its port, and writes the id of each request to the log before it answers.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TextIO

KEY = "test-key-of-the-bench-server"
MODEL = "tiny"
LONGEST_BODY = 100_000


class BenchServer:
    """`delay_s` before the first event, `gap_s` between events, `pieces` of text in an answer."""

    def __init__(
        self,
        *,
        delay_s: float = 0.0,
        gap_s: float = 0.0,
        pieces: int = 4,
        log: Callable[[str], None] | None = None,
    ) -> None:
        self.delay_s = delay_s
        self.gap_s = gap_s
        self.pieces = pieces
        self.requests: list[dict[str, Any]] = []
        self.ids: list[str] = []
        self.in_flight = 0
        self.most_in_flight = 0
        self.port = 0
        self.fail_first = 0
        """Answer 503 to this many requests before serving."""
        self.window: int | None = None
        """Context window that the list of models says."""
        self.lists = 0
        """How often the list was asked for; those requests are in no other count."""
        self._log = log

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, one after the other."""
        try:
            while (head := await reader.readuntil(b"\r\n\r\n")) and await self._one(head, reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone; what it made of it is asserted elsewhere
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            writer.close()

    async def _one(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        lines = head.decode("latin-1").split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:] if line)}
        raw = await reader.readexactly(int(fields.get("content-length", "0")))
        if lines[0].startswith("GET"):
            self.lists += 1
            await self._list(writer)
            return True
        self.ids.append(fields.get("x-request-id", ""))
        if self._log is not None:
            self._log(self.ids[-1])
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self._answer(fields, raw, writer)
        finally:
            self.in_flight -= 1
        return True

    async def _answer(self, fields: dict[str, str], raw: bytes, writer: asyncio.StreamWriter) -> None:
        body = json.loads(raw)
        self.requests.append(body)
        refusal = self._refusal(fields, body, len(raw))
        if refusal is not None:
            await self._refuse(writer, *refusal)
            return
        await asyncio.sleep(self.delay_s)
        await self._stream(body, writer)

    async def _list(self, writer: asyncio.StreamWriter) -> None:
        model = {"id": MODEL, "object": "model", "created": 1, "owned_by": "us"}
        if self.window is not None:
            model["max_model_len"] = self.window
        text = json.dumps({"object": "list", "data": [model]}).encode()
        head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n"
        writer.write(head.encode() + text)
        await writer.drain()

    def _refusal(self, fields: dict[str, str], body: dict[str, Any], size: int) -> tuple[int, str, str] | None:
        if fields.get("authorization") not in (None, f"Bearer {KEY}"):
            return 401, "invalid_api_key", "Incorrect API key provided"
        if body["model"] != MODEL:
            return 404, "model_not_found", f"The model {body['model']} does not exist"
        if size > LONGEST_BODY:
            return 400, "context_length_exceeded", "maximum context length is 100 tokens"
        if self.fail_first > 0:
            self.fail_first -= 1
            return 503, "overloaded", "try later"
        return None

    async def _refuse(self, writer: asyncio.StreamWriter, status: int, code: str, message: str) -> None:
        kind = "invalid_request_error"
        text = json.dumps({"error": {"message": message, "type": kind, "code": code, "param": None}}).encode()
        writer.write(
            f"HTTP/1.1 {status} No\r\ncontent-type: application/json\r\ncontent-length: {len(text)}\r\n\r\n".encode()
        )
        writer.write(text)
        await writer.drain()

    async def _stream(self, body: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        for event in self._events(body):
            data = b"data: " + event + b"\n\n"
            writer.write(b"%x\r\n%s\r\n" % (len(data), data))
            await writer.drain()
            if self.gap_s:
                await asyncio.sleep(self.gap_s)
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _events(self, body: dict[str, Any]) -> list[bytes]:
        deltas: list[dict[str, Any]]
        finish = "stop"
        if body.get("tools") and body.get("tool_choice") == "required":
            name = body["tools"][0]["function"]["name"]
            call = {
                "index": 0,
                "id": "call_a1b2c3d4e",
                "type": "function",
                "function": {"name": name, "arguments": ""},
            }
            more = {"index": 0, "function": {"arguments": '{"city": "Berlin"}'}}
            deltas, finish = [{"tool_calls": [call]}, {"tool_calls": [more]}], "tool_calls"
        elif body.get("response_format"):
            deltas = [{"content": '{"city": "Oslo", '}, {"content": '"country": "Norway"}'}]
        else:
            deltas = [{"content": f"word{number} "} for number in range(self.pieces)]
        head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": MODEL}
        chunks: list[Any] = [head | {"choices": [{"index": 0, "delta": {"role": "assistant"}, "finish_reason": None}]}]
        chunks += [head | {"choices": [{"index": 0, "delta": d, "finish_reason": None}]} for d in deltas]
        chunks.append(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        if (body.get("stream_options") or {}).get("include_usage"):
            usage = {"prompt_tokens": 9, "completion_tokens": len(deltas), "total_tokens": 9 + len(deltas)}
            chunks.append(head | {"choices": [], "usage": usage})
        return [*(json.dumps(chunk).encode() for chunk in chunks), b"[DONE]"]


@asynccontextmanager
async def serving(server: BenchServer) -> AsyncIterator[BenchServer]:
    """The server on a free port of loopback."""
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


async def _main(log: TextIO, delay_s: float) -> None:
    async with serving(BenchServer(pieces=3, delay_s=delay_s, log=lambda id_: log.write(f"{id_}\n"))) as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with open(sys.argv[1], "a", buffering=1, encoding="ascii") as file:
        asyncio.run(_main(file, float(sys.argv[2])))
