"""guidellm: `benchmarks.json`, a report of several benchmarks, each with its requests.

Members as in guidellm 0.8.1, schemas/base/request_stats.py and benchmark/schemas/report.py
(https://github.com/vllm-project/guidellm). Times are differences of its wall clock, in seconds. What it calls inter
token latency is our TPOT: (last − first token) ÷ (tokens − 1). It keeps no gaps. A request that was under way when its
benchmark ended is `incomplete`: it counts for nothing.
"""

from collections.abc import Iterator
from typing import Any, Final

from byok_bench.runs.imports.foreign_results import (
    UNKNOWN_MODEL,
    ForeignExchange,
    ForeignResults,
    read_failure,
    refuse_file,
    take_count,
    take_list,
    take_member,
    take_number,
    take_text,
)
from byok_bench.runs.planning.load_patterns import ClosedLoad, ForeignLoad, Load, OpenLoad

TOOL: Final = "guidellm"
_GROUPS: Final = {"successful": "", "errored": "", "incomplete": "under way when its benchmark ended"}


def read_guidellm(document: Any) -> ForeignResults:
    """All benchmarks of a report; each is a load stage. Raises PlanError if it is none."""
    benchmarks = take_member(document, "benchmarks")
    if not isinstance(benchmarks, list) or not benchmarks:
        raise refuse_file("it holds no benchmarks", TOOL)
    backend = take_member(benchmarks[0], "config", "backend")
    return ForeignResults(
        tool=TOOL,
        version=str(take_member(document, "metadata", "guidellm_version") or ""),
        base_url=str(take_member(backend, "target") or ""),
        model=str(take_member(backend, "model") or UNKNOWN_MODEL),
        loads=tuple(_read_load(take_member(one, "config", "strategy")) for one in benchmarks),
        exchanges=tuple(_iterate_exchanges(benchmarks)),
    )


def _read_load(strategy: Any) -> Load:
    kind, rate = take_member(strategy, "type_"), take_number(take_member(strategy, "rate"))
    streams = take_count(take_member(strategy, "streams"))
    if kind == "synchronous":
        return ClosedLoad()
    if kind == "concurrent" and streams:
        return ClosedLoad(concurrency=streams)
    if kind in ("constant", "poisson") and rate:
        return OpenLoad(rate_per_s=rate, arrivals=kind)
    return ForeignLoad(said=str(kind or ""))


def _iterate_exchanges(benchmarks: list[Any]) -> Iterator[ForeignExchange]:
    for stage, benchmark in enumerate(benchmarks):
        number = 0
        for group, left_out in _GROUPS.items():
            for one in take_list(take_member(benchmark, "requests", group)):
                number += 1
                fields = _read_fields(one, has_failed=group == "errored")
                yield ForeignExchange(sample=f"request-{number}", stage=stage, left_out=left_out, fields=fields)


def _read_fields(one: Any, *, has_failed: bool) -> dict[str, Any]:
    calls = take_list(take_member(one, "tool_calls"))
    tokens = take_count(take_member(one, "output_metrics", "total_tokens"))
    if tokens is None:
        tokens = take_count(take_member(one, "output_metrics", "text_tokens"))
    found: dict[str, Any] = {
        "start_ns": _take_ns(take_member(one, "info", "timings", "request_start")),
        "end_ns": _take_ns(take_member(one, "info", "timings", "request_end")),
        "ttft_ms": take_number(take_member(one, "time_to_first_token_ms")),
        "ttft_text_ms": take_number(take_member(one, "time_to_first_output_token_ms")),
        "tpot_ms": take_number(take_member(one, "inter_token_latency_ms")),
        "e2e_ms": take_number(take_member(one, "request_latency"), 1000),
        "late_ms": take_number(take_member(one, "request_dispatch_delay"), 1000),
        "prompt_tokens": take_count(take_member(one, "prompt_tokens")),
        "cached_tokens": take_count(take_member(one, "cached_tokens")),
        "tokens": tokens,
        "tokens_from": None if tokens is None else "foreign",
        "tool_calls": tuple(str(take_member(call, "function", "name") or "") for call in calls),
        "text_chars": len(take_text(take_member(one, "output")) or ""),
        "outcome": "ok",
    }
    found["streamed"] = found["ttft_ms"] is not None
    return found | (read_failure(str(take_member(one, "info", "error") or "")) if has_failed else {})


def _take_ns(value: Any) -> int | None:
    seconds = take_number(value)
    return None if seconds is None else round(seconds * 1e9)
