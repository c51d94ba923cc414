"""A run as telemetry: what a collector gets over OTLP/HTTP, decoded with OpenTelemetry's own messages."""

import asyncio
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from support.simulated import KEY

from byok_bench.backends.simulator.server import Simulator
from byok_bench.errors import ExportError
from byok_bench.report.telemetry.attributes import clean_attributes
from byok_bench.report.telemetry.sending import send_telemetry, write_telemetry
from byok_bench.runs.results import Run
from byok_bench.runs.runner import run


class Collector(ThreadingHTTPServer):
    """Takes what is posted to it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.bodies: list[tuple[str, bytes]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"

    def list_spans(self) -> list[Any]:
        """Every span, in the order of its coming."""
        asked = [ExportTraceServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/traces"]
        return [one for each in asked for resource in each.resource_spans for scope in resource.scope_spans
                for one in scope.spans]  # fmt: skip

    def list_metrics(self) -> dict[str, Any]:
        """Name → metric."""
        asked = [ExportMetricsServiceRequest.FromString(body) for path, body in self.bodies if path == "/v1/metrics"]
        return {one.name: one for each in asked for resource in each.resource_metrics
                for scope in resource.scope_metrics for one in scope.metrics}  # fmt: skip


class Taker(BaseHTTPRequestHandler):
    """One request."""

    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        self.server.bodies.append((self.path, self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def collector() -> Iterator[Collector]:
    """A receiver on this machine."""
    with Collector() as one:
        thread = Thread(target=one.serve_forever)
        thread.start()
        yield one
        one.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Answers of a simulator that leaves out the end of its streams, and refusals."""

    async def play() -> Run:
        async with Simulator(faults=["stream.done-terminator"], ttft_ms=20, gap_ms=1, api_key=KEY) as simulator:
            store = tmp_path_factory.mktemp("otel") / "bench.sqlite"
            return await run(simulator.endpoint, ["plain-answer", "forced-tool", "unknown-model"], 2, store=store)

    return asyncio.run(play())


def list_asked(run: Run) -> list[Any]:
    """Rows that have a record, without warm-up."""
    return [row for row in run.rows if not row.is_warmup and row.attempt]


def read_attributes(one: Any) -> dict[str, Any]:
    """Attributes of a span, an event or a point, as plain values."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in one.attributes}


def test_every_exchange_is_a_span(played: Run, collector: Collector) -> None:
    """Named and kinded as the conventions say, as long as the exchange took."""
    count = send_telemetry(played, collector.url)
    spans, rows = collector.list_spans(), list_asked(played)
    assert count == len(spans) == len(rows)
    for span, row in zip(spans, rows, strict=True):
        told = read_attributes(span)
        assert span.name == "chat simulator-1"
        assert span.kind == span.SPAN_KIND_CLIENT
        assert (told["gen_ai.operation.name"], told["gen_ai.provider.name"]) == ("chat", "openai")
        assert told["byok_bench.exchange"] == row.exchange_id
        assert told.get("gen_ai.usage.output_tokens") == (row.tokens if row.tokens_from == "usage" else None)
        if row.e2e_ms is not None:
            assert (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6 == pytest.approx(row.e2e_ms, abs=0.01)


def test_a_failure_has_its_kind_and_status(played: Run, collector: Collector) -> None:
    """`error.type` is the kind of failure; a good answer has neither."""
    send_telemetry(played, collector.url)
    for span, row in zip(collector.list_spans(), list_asked(played), strict=True):
        assert read_attributes(span).get("error.type") == row.kind
        assert (span.status.code == span.status.STATUS_CODE_ERROR) is (row.kind is not None)


def test_the_first_token_is_an_event_at_its_time(played: Run, collector: Collector) -> None:
    """TTFT after the request was written."""
    send_telemetry(played, collector.url)
    for span, row in zip(collector.list_spans(), list_asked(played), strict=True):
        found = [one for one in span.events if one.name == "byok_bench.first_token"]
        times = [(one.time_unix_nano - span.start_time_unix_nano) / 1e6 for one in found]
        assert times == ([] if row.ttft_ms is None else [pytest.approx(row.ttft_ms, abs=0.01)])


def test_every_finding_is_an_event(played: Run, collector: Collector) -> None:
    """With its rule, its severity and its place."""
    send_telemetry(played, collector.url)
    broken = 0
    for span, row in zip(collector.list_spans(), list_asked(played), strict=True):
        found = [read_attributes(one) for one in span.events if one.name == "byok_bench.finding"]
        wanted = [(one.check, one.severity) for one in row.findings]
        assert [(one["byok_bench.check"], one["byok_bench.severity"]) for one in found] == wanted
        broken += len(found)
    assert broken > 0


def test_metrics_count_what_rows_say(played: Run, collector: Collector) -> None:
    """As many times to the first token, and as many tokens, as there are in the rows."""
    send_telemetry(played, collector.url)
    metrics, rows = collector.list_metrics(), list_asked(played)
    first = metrics["byok_bench.time_to_first_token"].histogram.data_points
    assert sum(point.count for point in first) == sum(row.ttft_ms is not None for row in rows)
    tokens = metrics["gen_ai.client.token.usage"].histogram.data_points
    by_type = {kind: sum(point.sum for point in tokens if read_attributes(point)["gen_ai.token.type"] == kind)
               for kind in ("input", "output")}  # fmt: skip
    assert by_type == {
        "input": sum(row.prompt_tokens or 0 for row in rows),
        "output": sum(row.tokens or 0 for row in rows if row.tokens_from == "usage"),
    }


def test_bodies_go_out_only_if_they_are_asked_for(played: Run, collector: Collector) -> None:
    """A prompt may be anybody's."""
    send_telemetry(played, collector.url)
    told = {name for span in collector.list_spans() for name in read_attributes(span)}
    assert not {name for name in told if name.endswith(".messages")}
    collector.bodies.clear()
    send_telemetry(played, collector.url, bodies=True)
    assert all("gen_ai.input.messages" in read_attributes(span) for span in collector.list_spans())


def test_no_key_is_in_what_goes_out(played: Run, collector: Collector) -> None:
    """Neither the one that was used, nor anything that looks like one."""
    send_telemetry(played, collector.url, bodies=True)
    assert all(KEY.encode() not in body for _, body in collector.bodies)
    assert clean_attributes({"said": "Authorization: Bearer abcdefgh12345678ij"}) == {
        "said": "Authorization: Bearer [redacted]"
    }


def test_a_run_that_goes_out_twice_is_the_same_spans(played: Run, collector: Collector) -> None:
    """A backend then keeps one of the two."""
    send_telemetry(played, collector.url)
    once = [(one.trace_id, one.span_id) for one in collector.list_spans()]
    collector.bodies.clear()
    send_telemetry(played, collector.url)
    assert [(one.trace_id, one.span_id) for one in collector.list_spans()] == once
    assert len(set(once)) == len(once)


def test_a_file_holds_one_request_a_line(played: Run, tmp_path: Path) -> None:
    """In OTLP's JSON, whose ids are hexadecimal."""
    traces, metrics = write_telemetry(played, tmp_path / "spans.jsonl").read_text().splitlines()
    spans = [span for resource in json.loads(traces)["resourceSpans"] for scope in resource["scopeSpans"]
             for span in scope["spans"]]  # fmt: skip
    assert len(spans) == len(list_asked(played))
    assert all(len(bytes.fromhex(span["traceId"])) == 16 for span in spans)
    assert Parse(metrics, ExportMetricsServiceRequest()).resource_metrics


def test_a_collector_that_is_not_there_is_named(played: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with its address; nothing is tried for long."""
    monkeypatch.setattr("byok_bench.report.telemetry.sending.PATIENCE_S", 0.2)
    with pytest.raises(ExportError, match=r"127\.0\.0\.1:9 did not take the spans"):
        send_telemetry(played, "http://127.0.0.1:9")
