"""Tables of streams of typed events, kept as JSON: the events, how the body ended, and what must be read.

An element of `events` is an object (sent under its `type` as event name), a pair of name and object, or a string
that is sent as it stands. `body` in place of `events` is one JSON document, `text` any body.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.failures import Failure
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawHead, RawRequest

FOLDER = Path(__file__).parent.parent / "cases" / "typed"
START_NS = 1_000_000


def table(name: str) -> list[Any]:
    """The cases of one table as pytest parameters."""
    return [pytest.param(case, id=case["name"]) for case in json.loads((FOLDER / f"{name}.json").read_text("utf-8"))]


def framed(event: Any) -> str:
    """One event as it goes over the wire."""
    if isinstance(event, str):
        return event
    name, value = event if isinstance(event, list) else (event.get("type"), event)
    label = f"event: {name}\n" if name else ""
    return f"{label}data: {json.dumps(value)}\n\n"


def exchange_of(case: dict[str, Any], schema: str) -> Exchange:
    """The exchange of a case; every event comes in a chunk of its own, 1 ms after the one before."""
    if "events" in case:
        pieces, media = [framed(event).encode() for event in case["events"]], "text/event-stream"
    else:
        body = json.dumps(case["body"]) if "body" in case else case.get("text", "")
        pieces, media = [body.encode()] if body else [], "application/json"
    headers = {"content-type": media, **case.get("headers", {})}
    raw = RawExchange(
        request=RawRequest(
            id="r",
            method="POST",
            url=f"http://127.0.0.1/v1/{schema}",
            headers=(),
            body=json.dumps({"model": "m", "stream": case.get("stream", "events" in case)}).encode(),
        ),
        phases=Phases(start=0, written=START_NS),
        head=RawHead(status=case.get("status", 200), http="1.1", headers=tuple(headers.items())),
        chunks=[(START_NS * (number + 2), piece) for number, piece in enumerate(pieces)],
        end=case.get("end", "eof"),
    )
    return Exchange(raw, label="case", base_url="http://127.0.0.1/v1", schema=schema, model="m")


def as_data(exchange: Exchange, names: Any) -> dict[str, Any]:
    """The named members of an output, as JSON has them."""
    output = json.loads(json.dumps(exchange.to_json()["output"]))
    found = {name: output[name] for name in names}
    if isinstance(found.get("usage"), dict):
        found["usage"] = {name: value for name, value in found["usage"].items() if value is not None}
    return found


def assert_failure(error: Failure | None, expected: dict[str, Any] | None) -> None:
    """The failure is the one expected: its kind, and words that its message contains."""
    if expected is None:
        assert error is None
        return
    assert error is not None
    assert error.kind == expected["kind"]
    assert expected.get("message", "") in error.message
