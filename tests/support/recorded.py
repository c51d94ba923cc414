"""Exchanges made by hand: what a server would have sent, with stamps that can be checked on paper."""

import json
from collections.abc import Sequence
from typing import Any

from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.failures import Failure
from byok_bench.wire.raw_exchange import End, Phases, RawExchange, RawHead, RawRequest

MS = 1_000_000
START = 5_000 * MS
"""When every exchange starts, ns; its request is written 1 ms later."""


def raw_exchange(
    chunks: Sequence[tuple[float, bytes]],
    *,
    body: dict[str, Any] | None = None,
    status: int = 200,
    content_type: str = "text/event-stream",
    headers: Sequence[tuple[str, str]] = (),
    end: End = "eof",
    failure: Failure | None = None,
    id_: str = "id-1",
) -> RawExchange:
    """`chunks`: (ms after the request was written, bytes)."""
    written = START + MS
    stamped = [(written + int(at * MS), data) for at, data in chunks]
    last = stamped[-1][0] if stamped else written
    done = next((stamp for stamp, data in stamped if b"[DONE]" in data), None)
    return RawExchange(
        request=RawRequest(
            id=id_,
            method="POST",
            url="http://127.0.0.1:1/v1/chat/completions",
            headers=(
                ("content-type", "application/json"),
                ("authorization", "[redacted]"),
                ("x-request-id", id_),
            ),
            body=json.dumps(body or {"model": "m", "messages": [], "stream": True}).encode(),
        ),
        phases=Phases(
            start=START,
            written=written,
            head=written,
            first_byte=stamped[0][0] if stamped else None,
            done=done,
            end=last,
        ),
        head=RawHead(status=status, http="1.1", headers=(("content-type", content_type), *headers)),
        chunks=stamped,
        end="done" if done is not None else end,
        failure=failure,
        clock="kernel",
    )


def exchange(raw: RawExchange, schema: str = "chat") -> Exchange:
    """The exchange of a record."""
    return Exchange(raw, label="E", base_url="http://127.0.0.1:1/v1", schema=schema, model="m")


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    """One chat.completion.chunk as a server-sent event."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    payload = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
        **more,
    }
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


def usage(prompt: int, completion: int) -> bytes:
    """The usage chunk."""
    counts = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}
    payload = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [],
        "usage": counts,
    }
    return b"data: " + json.dumps(payload).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


def answer(*texts: str, gap_ms: float = 10.0, first_ms: float = 20.0, **more: Any) -> Exchange:
    """A conformant stream of these texts: first at `first_ms`, then one each `gap_ms`."""
    chunks = [(first_ms, chunk({"role": "assistant", "content": texts[0]}))]
    chunks += [(first_ms + gap_ms * n, chunk({"content": text})) for n, text in enumerate(texts[1:], 1)]
    after = first_ms + gap_ms * len(texts)
    chunks += [(after, chunk({}, "stop")), (after, usage(3, len(texts)) + DONE)]
    return exchange(raw_exchange(chunks, **more))


def calls(*asked: tuple[str | None, str, str], text: str = "") -> Exchange:
    """A stream that asks for tools: (id, name, arguments) each."""
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": text or None}]
    for index, (id_, name, arguments) in enumerate(asked):
        call: dict[str, Any] = {
            "index": index,
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        deltas.append({"tool_calls": [call | ({"id": id_} if id_ else {})]})
    chunks = [(20.0 + n, chunk(delta)) for n, delta in enumerate(deltas)]
    return exchange(raw_exchange([*chunks, (40.0, chunk({}, "tool_calls")), (40.0, DONE)]))


def refusal(status: int, message: str, code: str | None = None) -> Exchange:
    """An error answer in OpenAI's shape."""
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error", "code": code}}).encode()
    return exchange(raw_exchange([(5.0, body)], status=status, content_type="application/json"))
