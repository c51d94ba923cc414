"""Exchange: one recorded request and all that can be read from it, computed on demand and once."""

import base64
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import msgspec

from byok_bench.dialects.dialect import Reading, find_dialect
from byok_bench.dialects.output import Output
from byok_bench.dialects.timing import Timing, compute_timing
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed
from byok_bench.wire.bodies.sse import Event
from byok_bench.wire.failures import Failure
from byok_bench.wire.raw_exchange import Chunk, End, RawExchange

JSON_VERSION = 1
"""Version of the document that `to_json` writes."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The request as sent, without its secrets."""

    id: str
    """Its x-request-id."""
    method: str
    url: str
    headers: dict[str, str]
    body: Any
    """The JSON value sent; None if there was no body."""


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """Head of the response, and how its body ended."""

    status: int
    http: str
    headers: dict[str, str]
    end: End


class Exchange:
    """One HTTP request to an endpoint and everything that came back.

    Everything is a pure function of `raw`: an exchange read back from a store gives the same answers.
    """

    def __init__(self, raw: RawExchange, label: str, base_url: str, schema: str = "chat", model: str = "") -> None:
        self.raw = raw
        self.label = label
        """Label of the endpoint."""
        self.base_url = base_url
        self.schema = schema
        """The dialect: chat, responses, messages, or models."""
        self.model = model
        """The model asked for, or for a list of models the endpoint's first; empty if there is none."""

    def __repr__(self) -> str:
        status = self.raw.head.status if self.raw.head else None
        return f"Exchange(id={self.id!r}, label={self.label!r}, status={status}, end={self.raw.end!r})"

    @property
    def id(self) -> str:
        """Unique id of the exchange: its x-request-id."""
        return self.raw.request.id

    @cached_property
    def reading(self) -> Reading:
        """What the dialect read."""
        return find_dialect(self.schema).read(self.raw)

    @cached_property
    def request(self) -> Request:
        """The request as sent; secrets are `[redacted]`."""
        sent = self.raw.request
        body = bounded_json.decode_json(sent.body) if sent.body else None
        return Request(
            id=sent.id,
            method=sent.method,
            url=sent.url,
            headers=_join_headers(sent.headers),
            body=sent.body.decode(errors="replace") if isinstance(body, Malformed) else body,
        )

    @cached_property
    def response(self) -> Response | None:
        """Head and end of the response; None if none came."""
        head = self.raw.head
        if head is None:
            return None
        return Response(status=head.status, http=head.http, headers=_join_headers(head.headers), end=self.raw.end)

    @property
    def chunks(self) -> list[Chunk]:
        """(t_ns, bytes) as they came off the socket."""
        return self.raw.chunks

    @property
    def events(self) -> list[Event]:
        """Server-sent events, decoded from the chunks."""
        return self.reading.events

    @property
    def output(self) -> Output:
        """The assembled answer; what came before a failure is kept."""
        return self.reading.output

    @property
    def error(self) -> Failure | None:
        """Why there is no good answer; None if there is one."""
        return self.reading.failure

    @cached_property
    def timing(self) -> Timing:
        """Times in ms."""
        return compute_timing(self.raw, self.reading)

    def to_json(self, findings: Sequence[msgspec.Struct] = (), *, with_bytes: bool = False) -> dict[str, Any]:
        """The exchange as a JSON-ready document, version 1; `findings` are those of `check`.

        `with_bytes` adds the body, chunk by chunk, in which the offsets of findings can be looked up.
        """
        response = self.response
        document = {
            "version": JSON_VERSION,
            "exchange_id": self.id,
            "endpoint": {"label": self.label, "base_url": self.base_url, "schema": self.schema},
            "request": msgspec.to_builtins(self.request),
            "response": None if response is None else self._to_response_json(response),
            "timing_ms": msgspec.to_builtins(self.timing),
            "output": msgspec.to_builtins(self.output),
            "error": msgspec.to_builtins(self.error),
            "findings": msgspec.to_builtins(list(findings)),
        }
        return document | {"body": self._to_body_json()} if with_bytes else document

    def _to_body_json(self) -> dict[str, Any]:
        """The body's bytes without content coding, and when they came; as they came where that cannot be undone.

        A chunk is its `text` if it is UTF-8 by itself, else `base64`; `t_ms` counts from the request written.
        """
        body, phases = self.reading.body, self.raw.phases
        decoded = body.problem is None
        start = phases.start if phases.written is None else phases.written
        offset = 0
        chunks = []
        for stamp, data in body.chunks if decoded else self.raw.chunks:
            chunks.append({"offset": offset, "t_ms": (stamp - start) / 1e6, **_as_text(data)})
            offset += len(data)
        return {"decoded": decoded, "bytes": offset, "chunks": chunks}

    def _to_response_json(self, response: Response) -> dict[str, Any]:
        return {
            "status": response.status,
            "http": response.http,
            "headers": response.headers,
            "bytes": sum(len(data) for _, data in self.raw.chunks),
            "chunks": len(self.raw.chunks),
            "events": len(self.events),
            "end": response.end,
        }


def _as_text(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _join_headers(headers: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Headers by name; several of one name joined by `, `."""
    merged: dict[str, str] = {}
    for name, value in headers:
        merged[name] = f"{merged[name]}, {value}" if name in merged else value
    return merged
