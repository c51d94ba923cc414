"""Exchanges of a run as finished spans of the OpenTelemetry SDK.

A stamp is monotonic, a span wants wall time: an exchange is laid at the time at which the store noted that it was about
to be sent, everything within it by the differences of its stamps. Ids follow from the run and the request, so that a
run that is exported twice is the same spans twice.
"""

import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, Status, StatusCode

from byok_bench.dialects.exchange import Exchange
from byok_bench.redact import redact
from byok_bench.report.telemetry.attributes import (
    SCHEMA_URL,
    iterate_span_events,
    list_span_attributes,
    list_span_bounds,
)
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row


class RequestIds(IdGenerator):
    """Ids that follow from the request at hand."""

    def __init__(self) -> None:
        self.request = ""

    def generate_span_id(self) -> int:
        return self._make_number("span", 8)

    def generate_trace_id(self) -> int:
        return self._make_number("trace", 16)

    def _make_number(self, what: str, size: int) -> int:
        return int.from_bytes(hashlib.sha256(f"{what} {self.request}".encode()).digest()[:size]) or 1


class LastSpan(SpanProcessor):
    """Takes the span that ended."""

    span: ReadableSpan | None = None

    def on_end(self, span: ReadableSpan) -> None:
        self.span = span


class SpanMaker:
    """Makes the spans of one run."""

    def __init__(self, run: Run, *, bodies: bool) -> None:
        """`bodies`: with prompts and answers."""
        self._run = run
        self._bodies = bodies
        self._sent_at = run.read_sent_times()
        self._ids, self._last = RequestIds(), LastSpan()
        provider = TracerProvider(ALWAYS_ON, make_resource(run), shutdown_on_exit=False, id_generator=self._ids)
        provider.add_span_processor(self._last)
        self._tracer = provider.get_tracer("byok_bench", schema_url=SCHEMA_URL)

    def iterate_spans(self) -> Iterator[ReadableSpan]:
        """One an exchange that has a record, in the order of the store; warm-up is in none."""
        for row, exchange in self._run.iterate_exchanges():
            if not row.is_warmup:
                yield self._make_span(row, exchange)

    def _make_span(self, row: Row, exchange: Exchange) -> ReadableSpan:
        target = self._run.plan.targets[row.target]
        start, end = list_span_bounds(exchange)
        shift = parse_wall_ns(self._sent_at[row.exchange_id]) - exchange.raw.phases.start
        self._ids.request = f"{self._run.id} {row.exchange_id} {exchange.id}"
        span = self._tracer.start_span(
            f"chat {target.model}",
            kind=SpanKind.CLIENT,
            attributes=list_span_attributes(self._run.id, target, row, exchange, bodies=self._bodies),
            start_time=start + shift,
        )
        for event in iterate_span_events(row, exchange):
            span.add_event(event.name, event.attributes, timestamp=event.t_ns + shift)
        if row.kind is not None:
            span.set_status(Status(StatusCode.ERROR, redact(row.message or "", ())))
        span.end(end_time=end + shift)
        assert self._last.span is not None
        return self._last.span


def make_resource(run: Run) -> Resource:
    """What measured."""
    machine: Mapping[str, str] = run.health[0].machine if run.health else {}
    version = {"service.version": machine["byok_bench"]} if "byok_bench" in machine else {}
    return Resource({"service.name": "byok-bench", **version}, SCHEMA_URL)


def parse_wall_ns(text: str) -> int:
    """A time of the store as nanoseconds of the epoch."""
    return round(datetime.fromisoformat(text).timestamp() * 1000) * 1_000_000
