"""Spans and metrics of a run to a collector over OTLP/HTTP, or as OTLP JSON lines into a file."""

import base64
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from byok_bench.errors import ExportError
from byok_bench.report.export import replace_file
from byok_bench.report.telemetry.metrics import make_metrics
from byok_bench.report.telemetry.spans import SpanMaker
from byok_bench.runs.results import Run

AT_ONCE: Final = 512
"""Spans in one request, and in one line."""
PATIENCE_S: Final = 10.0
"""How long a collector may take, retries included."""


def send_telemetry(run: Run, url: str, *, bodies: bool = False) -> int:
    """Send a run to the collector at `url` (`…/v1/traces` and `…/v1/metrics` of it); how many spans went.

    Headers and certificates are those of the exporter's own variables (`OTEL_EXPORTER_OTLP_HEADERS` and the like).
    Raises ExportError if the collector does not take everything.
    """
    base = url.rstrip("/")
    traces = OTLPSpanExporter(endpoint=f"{base}/v1/traces", timeout=PATIENCE_S)
    metrics = OTLPMetricExporter(endpoint=f"{base}/v1/metrics", timeout=PATIENCE_S)
    sent = 0
    try:
        for batch in _iterate_batches(run, bodies):
            _check_taken(traces.export(batch) is SpanExportResult.SUCCESS, base, "spans")
            sent += len(batch)
        if (made := make_metrics(run)) is not None:
            _check_taken(metrics.export(made) is MetricExportResult.SUCCESS, base, "metrics")
    finally:
        traces.shutdown()  # type: ignore[no-untyped-call]
        metrics.shutdown()
    return sent


def write_telemetry(run: Run, path: Path, *, bodies: bool = False) -> Path:
    """The same into a file: each line one OTLP request as JSON, as a collector's `otlpjsonfile` receiver reads it."""
    with replace_file(path) as temporary, temporary.open("wb") as out:
        for batch in _iterate_batches(run, bodies):
            out.write(_encode_line(encode_spans(batch)))
        if (made := make_metrics(run)) is not None:
            out.write(_encode_line(encode_metrics(made)))
    return path


def _iterate_batches(run: Run, bodies: bool) -> Iterator[Sequence[ReadableSpan]]:
    spans = SpanMaker(run, bodies=bodies).iterate_spans()
    while batch := [span for _, span in zip(range(AT_ONCE), spans, strict=False)]:
        yield batch


def _check_taken(taken: bool, base: str, what: str) -> None:
    if not taken:
        raise ExportError(
            f"the collector at {base} did not take the {what}: is it an OTLP/HTTP receiver (port 4318)?",
            code="not_taken",
        )


def _encode_line(message: Message) -> bytes:
    document = MessageToDict(message, use_integers_for_enums=True)
    for scope in (one for resource in document.get("resourceSpans", ()) for one in resource["scopeSpans"]):
        for span in scope["spans"]:
            _write_ids_as_hex(span)
    return msgspec.json.encode(document) + b"\n"


def _write_ids_as_hex(span: dict[str, Any]) -> None:
    """Ids are hexadecimal in OTLP/JSON, unlike all other bytes.

    https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
    """
    for name in ("traceId", "spanId"):
        span[name] = base64.b64decode(span[name]).hex()
