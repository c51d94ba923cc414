"""What reading and judging a recorded stream costs, beside httpx's line decoder and json.loads.

Everything runs in one process on the same bytes, in turn, and the quickest of the repeats counts. Times are CPU
time, so that other processes cost noise and no more.
"""

import gc
import json
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from httpx._decoders import LineDecoder

from benchmarks.part import Part, Rows
from byok_bench.checks.registry import run_checks
from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawHead, RawRequest

REQUEST: Final = {
    "model": "m",
    "stream": True,
    "stream_options": {"include_usage": True},
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
}
USAGE: Final = {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}
CALL: Final = {
    "index": 0,
    "id": "call_1",
    "type": "function",
    "function": {"name": "f", "arguments": '{"a":"'},
}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    """One event of the shape that OpenAI sends."""
    value = {
        "id": "chatcmpl-B9MHDbslfkBeAs8l4bebGdFOJ6PeG",
        "object": "chat.completion.chunk",
        "created": 1741570283,
        "model": "gpt-4o-2024-08-06",
        "service_tier": "default",
        "system_fingerprint": "fp_fc9f1d7035",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        **more,
    }
    return b"data: " + json.dumps(value, separators=(",", ":")).encode() + b"\n\n"


def streams(events: int) -> Iterator[tuple[str, list[bytes]]]:
    """Streams of one kind of chunk each."""
    start, end = (
        chunk({"role": "assistant", "content": ""}),
        [chunk({}, choices=[], usage=USAGE), b"data: [DONE]\n\n"],
    )
    yield "text", [start, *[chunk({"content": " hello"})] * events, chunk({}, "stop"), *end]
    arguments = chunk({"tool_calls": [{"index": 0, "function": {"arguments": "ab"}}]})
    close = chunk({"tool_calls": [{"index": 0, "function": {"arguments": '"}'}}]})
    call = chunk({"role": "assistant", "tool_calls": [CALL]})
    yield "tool arguments", [call, *[arguments] * events, close, chunk({}, "tool_calls"), *end]
    usage = chunk({"content": " hello"}, usage={"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15})
    yield "usage on every chunk", [start, *[usage] * events, chunk({}, "stop"), *end]


def record(pieces: list[bytes]) -> Exchange:
    """The exchange, one event a read."""
    raw = RawExchange(
        request=RawRequest(
            id="r", method="POST", url="http://127.0.0.1/v1", headers=(), body=json.dumps(REQUEST).encode()
        ),
        phases=Phases(start=0, written=0, first_byte=1, end=len(pieces) + 1),
        head=RawHead(status=200, http="1.1", headers=(("content-type", "text/event-stream"),)),
        chunks=list(enumerate(pieces, 1)),
    )
    return Exchange(raw, label="bench", base_url="http://127.0.0.1/v1")


def httpx_and_json(pieces: list[bytes]) -> int:
    """What a usual client does: decode lines as httpx does, strip the prefix, parse."""
    decoder, found = LineDecoder(), 0
    for piece in pieces:
        for line in decoder.decode(piece.decode()):
            if line.startswith("data: ") and line != "data: [DONE]":
                found += isinstance(json.loads(line[6:]), dict)
    return found


def quickest_us(work: Callable[[], object], events: int, repeats: int) -> float:
    """CPU microseconds an event, of the quickest repeat."""
    times = []
    for _ in range(repeats):
        gc.collect()
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times) / events * 1e6


def rows(repeats: int, events: int = 20_000) -> Rows:
    """One row a kind of stream, and one for many short streams."""
    run_checks(record([chunk({}, "stop")]))  # imports and caches
    kinds = [(name, [pieces]) for name, pieces in streams(events)]
    kinds.append(("text, 100 events each", [next(streams(96))[1]] * (events // 100)))
    found: Rows = {}
    for name, batches in kinds:
        count = sum(map(len, batches))
        usual = quickest_us(lambda b=batches: [httpx_and_json(one) for one in b], count, repeats)
        read = quickest_us(lambda b=batches: [record(one).reading for one in b], count, repeats)
        judged = quickest_us(lambda b=batches: [run_checks(record(one)) for one in b], count, repeats)
        found[name] = {"usual_us": usual, "read_us": read, "judged_us": judged, "judged_s": 1e6 / judged}
    return found


PART = Part(
    "judging",
    "Reading and judging",
    "Every passive check over a recorded stream, reading included; CPU time of the quickest repeat.",
    ("usual_us", "read_us", "judged_us", "judged_s"),
    rows,
)
