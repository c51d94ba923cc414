"""The record that the transport would make of a reply, without sockets: bytes, cuts and clocks are made up."""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from support.cases import IDLE_S, Case, Reply, Turn
from support.terminator import has_ended

from byok_bench.dialects.dialect import find_dialect
from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.failures import make_failure
from byok_bench.wire.raw_exchange import (
    CUT_AFTER_DONE,
    OPEN_AFTER_DONE,
    Phases,
    RawExchange,
    RawHead,
    RawRequest,
)

Cut = Literal["as sent", "whole", "bytes"]
"""How a reply's bytes are spread over reads."""

START_NS = 1_000_000_000
READ_NS = 1_000_000
LINGER_S = 1.0
BASE_URL = "http://127.0.0.1:8080/v1"


def exchanges(case: Case, cut: Cut = "as sent") -> list[Exchange]:
    """Every exchange of a case, read from made-up records."""
    return [exchange(turn, case.schema, cut) for turn in case.turns]


def exchange(turn: Turn, schema: str = "chat", cut: Cut = "as sent") -> Exchange:
    """One exchange of a case."""
    return Exchange(record(turn, schema, cut), label="case", base_url=BASE_URL, schema=schema, model="m")


def record(turn: Turn, schema: str = "chat", cut: Cut = "as sent") -> RawExchange:
    """What the transport would have written down. A `raw` reply has no such form: ValueError."""
    reply = turn.reply
    if reply.raw:
        raise ValueError("a raw reply is for sockets alone")
    spoken = find_dialect(schema)
    asks = schema != "models"
    raw = RawExchange(
        request=RawRequest(
            id="case-request",
            method="POST" if asks else "GET",
            url=BASE_URL + spoken.route,
            headers=(("content-type", "application/json"),),
            body=turn.request if asks else b"",
        ),
        phases=Phases(start=START_NS, written=START_NS, head=START_NS),
        head=RawHead(
            status=reply.status,
            http="1.1",
            headers=tuple((name.lower(), value) for name, value in reply.headers),
        ),
    )
    _play(raw, reply, cut, spoken.terminator)
    return raw


def _play(raw: RawExchange, reply: Reply, cut: Cut, terminator: str) -> None:
    now, body, phases = START_NS, b"", raw.phases
    for step in reply.steps:
        if isinstance(step, bytes):
            for data in _cut(step, cut):
                now += READ_NS
                raw.chunks.append((now, data))
                body += data
                ends_a_line = b"\n" in data or b"\r" in data
                if phases.done is None and ends_a_line and has_ended(body, terminator):
                    phases.done = now
        elif isinstance(step, float):
            now += round(step * 1e9)
            if phases.done is not None and step > LINGER_S:
                raw.flags.append(OPEN_AFTER_DONE)
                break
            if phases.done is None and step > IDLE_S:
                raw.end, raw.failure = "stall", make_failure("timeout", "stream", "nothing came", code="idle")
                break
        else:
            if step == "reset" or not _may_close(reply, len(body)):
                raw.end, raw.failure = "reset", make_failure("network", "stream", "the connection was lost")
            if raw.end == "reset" and phases.done is not None:
                raw.flags.append(CUT_AFTER_DONE)
            break
    if cut == "whole" and raw.chunks:
        raw.chunks[:] = [(now, body)]
    if raw.chunks:
        phases.first_byte = raw.chunks[0][0]
    phases.end = now
    if phases.done is not None:
        raw.end, raw.failure = "done", None


def _cut(data: bytes, cut: Cut) -> Iterable[bytes]:
    return (data[i : i + 1] for i in range(len(data))) if cut == "bytes" else (data,)


def _may_close(reply: Reply, size: int) -> bool:
    """Whether closing the connection is a clean end of this body."""
    length = reply.header("content-length")
    return size >= int(length) if length is not None else reply.header("connection") == "close"


def cuts(case: Case, limit: int = 20_000) -> Iterator[Cut]:
    """The ways in which a case is read; byte by byte only if it is small."""
    yield "as sent"
    steps: Sequence[object] = [step for turn in case.turns for step in turn.reply.steps]
    sizes = [len(step) for step in steps if isinstance(step, bytes)]
    if len(sizes) < len(steps):
        return  # pauses and cuts belong between the chunks where they stand
    if len(sizes) > 1:
        yield "whole"
    if sum(sizes) < limit:
        yield "bytes"


def asked(turn: Turn) -> dict[str, object]:
    """The body to send; a case whose request is no JSON object cannot be sent through `send`."""
    value = json.loads(turn.request)
    if not isinstance(value, dict):
        raise ValueError("the request is no JSON object")
    return value
