"""Histograms over the exchanges of a run: tokens, durations, time to the first token.

`gen_ai.client.token.usage` and `gen_ai.client.operation.duration` with their buckets are those of the GenAI semantic
conventions, https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-metrics.md. They
know a first chunk, which a chunk without output is, too; the first token has a name of our own.
"""

from typing import Any, Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from byok_bench.report.telemetry.attributes import SCHEMA_URL, list_metric_attributes
from byok_bench.report.telemetry.spans import make_resource
from byok_bench.runs.results import Run

SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS: Final = tuple(4**power for power in range(14))


def make_metrics(run: Run) -> Any:
    """`MetricsData` of the SDK over the exchanges that were asked, without warm-up; None if there is nothing."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], make_resource(run), shutdown_on_exit=False)
    meter = provider.get_meter("byok_bench", schema_url=SCHEMA_URL)
    tokens = meter.create_histogram("gen_ai.client.token.usage", "{token}", explicit_bucket_boundaries_advisory=TOKENS)
    durations = meter.create_histogram(
        "gen_ai.client.operation.duration", "s", explicit_bucket_boundaries_advisory=SECONDS
    )
    first = meter.create_histogram("byok_bench.time_to_first_token", "s", explicit_bucket_boundaries_advisory=SECONDS)
    for row in run.iterate_rows():
        if row.is_warmup or row.status not in ("done", "failed"):
            continue
        names = list_metric_attributes(run.plan.targets[row.target], row)
        if row.e2e_ms is not None:
            durations.record(row.e2e_ms / 1000, names)
        if row.ttft_ms is not None:
            first.record(row.ttft_ms / 1000, names)
        counted = {"input": row.prompt_tokens, "output": row.tokens if row.tokens_from == "usage" else None}
        for kind, count in counted.items():
            if count is not None:
                tokens.record(count, names | {"gen_ai.token.type": kind})
    made = reader.get_metrics_data()
    provider.shutdown()
    return made
