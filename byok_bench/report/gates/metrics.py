"""The numbers that a rule may name, and what is known of each: its unit, its words, which way is better.

A name is `NUMBER[.STATISTIC]` (`ttft_ms.p90`), `outcome.ok`, `tools.valid`, `failures[.KIND]`,
`findings.severity.NAME`, `findings.check.ID`, or `vendor.METRIC` of the table `vendor`. What counts exchanges takes
`.share` for their share.
"""

from difflib import get_close_matches
from functools import cache
from typing import Final, Literal, NamedTuple

import msgspec

from byok_bench.checks.finding import WEIGHTS
from byok_bench.checks.registry import load_catalogue
from byok_bench.errors import PlanError
from byok_bench.report.vendor.comparison import JUDGED
from byok_bench.wire.failures import KINDS

Better = Literal["higher", "lower"]
MetricKind = Literal["number", "total", "share", "count", "vendor"]


class Number(NamedTuple):
    """A number of one exchange."""

    title: str
    unit: str = "ms"
    better: Better = "lower"


NUMBERS: Final = {
    "ttfb_ms": Number("time to the first byte"),
    "ttft_ms": Number("TTFT"),
    "ttft_text_ms": Number("TTFT of text"),
    "ttft_reasoning_ms": Number("TTFT of reasoning"),
    "ttft_tool_ms": Number("TTFT of tool calls"),
    "e2e_ms": Number("E2E"),
    "tpot_ms": Number("TPOT"),
    "itl_ms": Number("ITL"),
    "wait_ms": Number("wait before sending"),
    "connect_ms": Number("time to connect"),
    "tokens_per_s": Number("speed", "tokens/s", "higher"),
    "tokens": Number("completion tokens", ""),
    "prompt_tokens": Number("prompt tokens", ""),
    "cached_tokens": Number("cached tokens", "", "higher"),
    "reasoning_tokens": Number("reasoning tokens", ""),
    "packed_percent": Number("gaps of 0", "%"),
    "cost": Number("cost", ""),
    "events": Number("events", ""),
    "chunks": Number("chunks", ""),
    "body_bytes": Number("size of answers", "bytes"),
    "text_chars": Number("characters of text", "", "higher"),
    "reasoning_chars": Number("characters of reasoning", ""),
}
"""Number of an exchange → its words. Definitions: docs/metrics.md; `itl_ms` is the median gap of an exchange."""
QUANTILES: Final = {"median": 0.5, "p10": 0.1, "p90": 0.9, "p95": 0.95, "p99": 0.99}
TOTAL: Final = "total"
VENDOR: Final = "vendor"
"""Before the name of a metric of the table `vendor`."""
OF_TABLES: Final = {
    **{f"{stem}_{one}_ms": f"{stem}_ms.{one}" for stem in ("ttft", "e2e") for one in ("p90", "p99")},
    "itl_p99_ms": "itl_ms.p99",
    "errors": "findings.severity.error",
    "warnings": "findings.severity.warn",
    "failed": "failures",
    "tokens_in": "prompt_tokens.total",
    "tokens_out": "tokens.total",
}
"""Column of a table that is called otherwise here → the metric: a rule may name either."""
MEANT: Final = {"ok": "outcome.ok", "ok_percent": "outcome.ok", "valid": "tools.valid", "valid_percent": "tools.valid"}
"""Column of a table whose number is counted otherwise here → the metric that is meant."""
SHARES: Final = {
    "outcome.ok": "success",
    "outcome.refused_well": "good refusals of mistakes",
    "tools.called": "samples that called a tool",
    "tools.valid": "valid tool calls",
}
"""Shares of which more is better: of samples that met all that was expected; of a client's mistakes that were refused
as they should be; of samples with tools in which one was called; of calls whose arguments fit the schema."""


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """What a name means."""

    name: str
    kind: MetricKind
    column: str
    """Of a number or total: its key in NUMBERS; of a share or count: the name without `.share`."""
    title: str
    unit: str = ""
    better: Better = "lower"
    quantile: float = 0.5
    """Of a number."""


@cache
def find_metric(name: str) -> Metric:
    """What a name means. Raises PlanError with the nearest name for one that means nothing."""
    name = OF_TABLES.get(name, name)
    column, _, statistic = name.partition(".")
    if column == VENDOR and statistic in JUDGED:
        return Metric(name=name, kind="vendor", column=statistic, title=f"vendor {statistic}")
    if column in NUMBERS and (statistic or "median") in (*QUANTILES, TOTAL):
        return _make_number_metric(name, column, statistic or "median")
    base = name.removesuffix(".share")
    if base in SHARES:
        return Metric(name=name, kind="share", column=base, title=SHARES[base], better="higher")
    if base in _list_counts():
        title = _describe_count(base)
        if base == name:
            return Metric(name=name, kind="count", column=base, title=title)
        return Metric(name=name, kind="share", column=base, title=f"share of {title}")
    near = [MEANT[name]] if name in MEANT else get_close_matches(name, list_metrics(), n=1, cutoff=0.5)
    meant = f"did you mean {near[0]!r}?" if near else "docs/metrics.md lists them"
    raise PlanError(f"no metric is called {name!r}; {meant}", code="no_metric")


def _make_number_metric(name: str, column: str, statistic: str) -> Metric:
    number = NUMBERS[column]
    if statistic == TOTAL:
        return Metric(name=name, kind="total", column=column, title=f"total of {number.title}", unit=number.unit)
    shown = number.title if statistic == "median" else f"{statistic} of {number.title}"
    return Metric(
        name=name,
        kind="number",
        column=column,
        title=shown,
        unit=number.unit,
        better=number.better,
        quantile=QUANTILES[statistic],
    )


@cache
def list_metrics() -> tuple[str, ...]:
    """Every name that a rule may use."""
    numbers = [name for column in NUMBERS for name in (column, *(f"{column}.{one}" for one in (*QUANTILES, TOTAL)))]
    counts = [name for count in _list_counts() for name in (count, f"{count}.share")]
    return (*numbers, *SHARES, *counts, *(f"{VENDOR}.{one}" for one in JUDGED))


@cache
def _list_counts() -> tuple[str, ...]:
    return (
        "failures",
        *(f"failures.{kind}" for kind in sorted(KINDS)),
        *(f"findings.severity.{one}" for one in WEIGHTS),
        *(f"findings.check.{one.id}" for one in load_catalogue() if one.mode == "passive"),  # probes are in no run
    )


def _describe_count(name: str) -> str:
    group, _, rest = name.partition(".")
    if group == "failures":
        return f"failures of kind {rest}" if rest else "failures"
    of, _, which = rest.partition(".")
    return f"findings of {'severity' if of == 'severity' else 'rule'} {which}"
