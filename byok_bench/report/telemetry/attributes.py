"""What of an exchange becomes attributes and events of a span: names and plain values, no package of OpenTelemetry.

Names are those of OpenTelemetry's GenAI semantic conventions, status development, as in
`opentelemetry-semantic-conventions` 0.66b2 (schema 1.44.0);
https://github.com/open-telemetry/semantic-conventions-genai/blob/main/docs/gen-ai/gen-ai-spans.md. What they have no
name for is called `byok_bench.…`. Prompts and answers are left out unless they are asked for.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.redact import redact
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.runs.planning.plan import Target
from byok_bench.runs.row import Row

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"
PROVIDERS: Final = {"chat": "openai", "responses": "openai", "messages": "anthropic"}
"""Dialect → `gen_ai.provider.name`, which says whose form the telemetry has, not who runs the model."""
_PORTS: Final = {"http": 80, "https": 443}
_ASKED: Final = {
    "max_tokens": "gen_ai.request.max_tokens",
    "max_completion_tokens": "gen_ai.request.max_tokens",
    "max_output_tokens": "gen_ai.request.max_tokens",
    "temperature": "gen_ai.request.temperature",
    "top_p": "gen_ai.request.top_p",
    "top_k": "gen_ai.request.top_k",
    "seed": "gen_ai.request.seed",
    "frequency_penalty": "gen_ai.request.frequency_penalty",
    "presence_penalty": "gen_ai.request.presence_penalty",
    "stream": "gen_ai.request.stream",
}
"""Member of a request's body → attribute."""
Attributes = dict[str, Any]


class SpanEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something within a span."""

    name: str
    t_ns: int
    """On the monotonic clock of the record."""
    attributes: Attributes = {}


def list_metric_attributes(target: Target, row: Row) -> Attributes:
    """What tells one series from another: who was asked for what, and whether it failed."""
    parts = urlsplit(target.base_url)
    found = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": PROVIDERS.get(target.schema, target.schema),
        "gen_ai.request.model": target.model,
        "gen_ai.response.model": row.served_model,
        "server.address": parts.hostname,
        "server.port": parts.port or _PORTS.get(parts.scheme),
        "error.type": row.kind,
    }
    return clean_attributes(found)


def list_span_attributes(run_id: str, target: Target, row: Row, exchange: Exchange, *, bodies: bool) -> Attributes:
    """Everything that is told of one exchange."""
    body = exchange.request.body if isinstance(exchange.request.body, dict) else {}
    asked = {name: body[member] for member, name in _ASKED.items() if isinstance(body.get(member), int | float | bool)}
    seconds = None if row.ttft_ms is None else row.ttft_ms / 1000
    found: Attributes = {
        **list_metric_attributes(target, row),
        **asked,
        "gen_ai.conversation.id": f"{run_id}/{row.target}/{row.stage}/{row.scenario}/{row.sample}/{row.repeat}",
        "gen_ai.response.finish_reasons": [row.finish_reason] if row.finish_reason else None,
        "gen_ai.usage.input_tokens": row.prompt_tokens,
        "gen_ai.usage.output_tokens": row.tokens if row.tokens_from == "usage" else None,
        "gen_ai.usage.cache_read.input_tokens": row.cached_tokens,
        "gen_ai.usage.reasoning.output_tokens": row.reasoning_tokens,
        "http.response.status_code": row.http_status,
        "byok_bench.run": run_id,
        "byok_bench.endpoint": target.label,
        "byok_bench.exchange": row.exchange_id,
        "byok_bench.request_id": exchange.id,
        "byok_bench.scenario": row.scenario,
        "byok_bench.sample": row.sample,
        "byok_bench.repeat": row.repeat,
        "byok_bench.turn": row.turn,
        "byok_bench.outcome": row.outcome,
        "byok_bench.time_to_first_token_s": seconds,
    }
    return clean_attributes(found | (_list_bodies(exchange, body) if bodies else {}))


def iterate_span_events(row: Row, exchange: Exchange) -> Iterator[SpanEvent]:
    """The first token, and each finding at the event that it is about, else at the end."""
    written, end = exchange.raw.phases.written, _find_end_ns(exchange)
    if written is not None and row.ttft_ms is not None:
        yield SpanEvent(name="byok_bench.first_token", t_ns=written + round(row.ttft_ms * 1e6))
    for finding in row.findings:
        event = finding.event
        is_placed = event is not None and event < len(exchange.events)
        told = {
            "byok_bench.check": finding.check,
            "byok_bench.severity": finding.severity,
            "byok_bench.message": finding.message,
            "byok_bench.event": event,
            "byok_bench.offset": finding.offset,
        }
        t_ns = exchange.events[event].t_ns if is_placed and event is not None else end
        yield SpanEvent(name="byok_bench.finding", t_ns=t_ns, attributes=clean_attributes(told))


def list_span_bounds(exchange: Exchange) -> tuple[int, int]:
    """(request written, or `send` called where nothing was; end of the answer), monotonic ns."""
    phases = exchange.raw.phases
    start = phases.start if phases.written is None else phases.written
    return start, max(start, _find_end_ns(exchange))


def clean_attributes(found: Mapping[str, Any]) -> Attributes:
    """Those that are known, without anything that looks like a key in their texts."""
    return {name: _clean_value(value) for name, value in found.items() if value is not None}


def _clean_value(value: Any) -> Any:
    if isinstance(value, str):
        return replace_surrogates(redact(value, ()))
    return [_clean_value(one) for one in value] if isinstance(value, list) else value


def _find_end_ns(exchange: Exchange) -> int:
    phases = exchange.raw.phases
    return next(one for one in (phases.done, phases.end, phases.written, phases.start) if one is not None)


def _list_bodies(exchange: Exchange, body: Mapping[str, Any]) -> Attributes:
    """The request's messages as they were sent, and the answer in the form of the conventions."""
    output = exchange.output
    parts: list[dict[str, Any]] = [{"type": "text", "content": output.text}] if output.text else []
    parts += [
        {"type": "tool_call", "id": call.id, "name": call.name, "arguments": call.arguments}
        for call in output.tool_calls
    ]
    answer = [{"role": "assistant", "parts": parts, "finish_reason": output.finish_reason or ""}]
    asked = body.get("messages", body.get("input"))
    return {
        "gen_ai.input.messages": None if asked is None else json.dumps(replace_surrogates(asked), ensure_ascii=False),
        "gen_ai.output.messages": json.dumps(replace_surrogates(answer), ensure_ascii=False),
    }
