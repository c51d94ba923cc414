"""Records of chat exchanges from bytes, and shorthands for chunks. No sockets, no case files."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.failures import Failure
from byok_bench.wire.raw_exchange import Chunk, End, Phases, RawExchange, RawHead, RawRequest

EVENT_STREAM = {"content-type": "text/event-stream"}
DONE = b"data: [DONE]\n\n"


def exchange(
    body: bytes | Iterable[bytes],
    *,
    request: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] = EVENT_STREAM,
    status: int = 200,
    end: End = "eof",
    failure: Failure | None = None,
    schema: str = "chat",
) -> Exchange:
    """A recorded exchange; each piece of the body is one read, 1 ms after the one before."""
    pieces = [body] if isinstance(body, bytes) else list(body)
    sent = {"model": "m", "messages": [], "stream": True} if request is None else dict(request)
    chunks: list[Chunk] = [(1_000_000 * (n + 1), piece) for n, piece in enumerate(pieces)]
    raw = RawExchange(
        request=RawRequest(
            id="r", method="POST", url="http://127.0.0.1/v1", headers=(), body=json.dumps(sent).encode()
        ),
        phases=Phases(start=0, written=0, first_byte=1_000_000 if chunks else None),
        head=RawHead(status=status, http="1.1", headers=tuple(headers.items())),
        chunks=chunks,
        end=end,
        failure=failure,
    )
    return Exchange(raw, label="l", base_url="http://127.0.0.1/v1", schema=schema, model="m")


def event(value: object) -> bytes:
    """One event with a JSON payload."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(delta: object = None, finish: object = None, **more: object) -> dict[str, Any]:
    """A chunk with one choice; `more` overrides its members."""
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return {
        "id": "c",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }


def call(**members: Any) -> dict[str, Any]:
    """An element of tool_calls; `name` and `arguments` go into its function."""
    function = {key: members.pop(key) for key in ("name", "arguments") if key in members}
    return {**members, "function": function}


def stream(*chunks: object) -> bytes:
    """Chunks as a stream that ends with [DONE]."""
    return b"".join(map(event, chunks)) + DONE
