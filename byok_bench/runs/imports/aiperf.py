"""aiperf: `profile_export.jsonl`, one request a line: `metadata`, `metrics` with their units, `error`.

Members as in aiperf 0.13.0, common/models/record_models.py and metrics/types/ (https://github.com/ai-dynamo/aiperf).
Whom it asked stands in `profile_export_aiperf.json` beside it, if that is there. Its inter token latency is
(end − first token) ÷ (tokens − 1), which is our TPOT; its inter chunk latency is our ITL. A count of the server's own
usage is taken before one of its tokenizer.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from byok_bench.runs.imports.foreign_results import (
    UNKNOWN_MODEL,
    ForeignExchange,
    ForeignResults,
    read_failure,
    refuse_file,
    take_count,
    take_member,
    take_number,
)

TOOL: Final = "aiperf"
IN_MS: Final[Mapping[str, float]] = {"ns": 1e-6, "us": 1e-3, "ms": 1.0, "s": 1e3, "sec": 1e3}
"""Unit of theirs → milliseconds."""


def read_aiperf(lines: Sequence[Any], summary: Any = None) -> ForeignResults:
    """The lines of an export; `summary`: the document beside it. Raises PlanError for lines that are none."""
    if not lines or not all(isinstance(take_member(one, "metrics"), dict) for one in lines):
        raise refuse_file("its lines have no metrics", TOOL)
    endpoint = take_member(summary, "input_config", "endpoint")
    names = take_member(endpoint, "model_names") or take_member(summary, "input_config", "models") or ()
    urls = take_member(endpoint, "urls") or take_member(endpoint, "url") or ""
    return ForeignResults(
        tool=TOOL,
        version=str(take_member(summary, "aiperf_version") or ""),
        base_url=str(urls[0] if isinstance(urls, list) else urls),
        model=str(names[0]) if isinstance(names, list) and names else UNKNOWN_MODEL,
        exchanges=tuple(_iterate_exchanges(lines)),
    )


def _iterate_exchanges(lines: Sequence[Any]) -> Iterator[ForeignExchange]:
    for number, line in enumerate(lines, 1):
        cancelled = take_member(line, "metadata", "was_cancelled") is True
        yield ForeignExchange(
            sample=f"request-{number}",
            repeat=0 if take_member(line, "metadata", "benchmark_phase") == "warmup" else 1,
            left_out="cancelled by aiperf" if cancelled else "",
            fields=_read_fields(line),
        )


def _read_fields(line: Any) -> dict[str, Any]:
    metrics, error = line["metrics"], take_member(line, "error")
    usage = take_count(take_member(metrics, "usage_completion_tokens", "value"))
    counted = take_count(take_member(metrics, "output_sequence_length", "value"))
    reasoning = take_count(take_member(metrics, "usage_reasoning_tokens", "value"))
    found: dict[str, Any] = {
        "start_ns": take_count(take_member(line, "metadata", "request_start_ns")),
        "end_ns": take_count(take_member(line, "metadata", "request_end_ns")),
        "ttft_ms": _take_ms(metrics, "time_to_first_token"),
        "tpot_ms": _take_ms(metrics, "inter_token_latency"),
        "e2e_ms": _take_ms(metrics, "request_latency"),
        "itl_ms": _take_gaps(metrics),
        "prompt_tokens": take_count(take_member(metrics, "usage_prompt_tokens", "value")),
        "cached_tokens": take_count(take_member(metrics, "usage_prompt_cache_read_tokens", "value")),
        "reasoning_tokens": reasoning,
        "tokens": counted if usage is None else usage,
        "tokens_from": "usage" if usage is not None else "foreign" if counted is not None else None,
        "outcome": "ok",
    }
    found["streamed"] = found["ttft_ms"] is not None
    if error is None:
        return found
    said = str(take_member(error, "message") or take_member(error, "type") or "")
    return found | read_failure(said, take_count(take_member(error, "code")))


def _take_ms(metrics: Mapping[str, Any], name: str) -> float | None:
    scale = IN_MS.get(str(take_member(metrics, name, "unit")))
    return None if scale is None else take_number(take_member(metrics, name, "value"), scale)


def _take_gaps(metrics: Mapping[str, Any]) -> tuple[float, ...]:
    scale = IN_MS.get(str(take_member(metrics, "inter_chunk_latency", "unit")))
    gaps = take_member(metrics, "inter_chunk_latency", "value")
    if scale is None or not isinstance(gaps, list):
        return ()
    return tuple(gap for one in gaps if (gap := take_number(one, scale)) is not None)
