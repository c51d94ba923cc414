"""What stands in the tables of a run: latency, streaming, errors, tools, summary. docs/metrics.md defines it.

Those on details are in detail_tables.py and depth_table.py; they have lines where a run played what they are about.


A table is a list of lines, a line is key → text, number, or None for what could not be had; columns.py says how a key
is headed for people. That is all that a terminal and JSON need, so nothing heavy is imported here; frames.py makes a
DataFrame of the same lines.

Every table shows n, planned, failed and excluded: `n` counts what was asked, `planned` what is to be asked in all as
far as that is known (the two differ while a run is not over), `failed` those of n without a good answer, `excluded`
what is not in n and why is in the rows. Times are of those that did not fail. Warm-up is in none.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from byok_bench.report.depth_table import list_depth_lines
from byok_bench.report.detail_tables import (
    list_capability_lines,
    list_parameter_lines,
    list_schema_lines,
)
from byok_bench.report.drift import find_drifted_targets
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.stats import clustered, compute_quantile
from byok_bench.report.table_parts import (
    Line,
    compute_median,
    compute_share,
    compute_speed,
    compute_spread,
    compute_total,
    count_having,
    count_ok,
    get_scenario_name,
    group_by_prompt,
    iterate_parts,
    list_call_verdicts,
    list_numbers,
    render_counts,
    render_ok_share,
    round_number,
    shorten_message,
)
from byok_bench.runs.judging import Row
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.results import DETAILS, TABLES, Run
from byok_bench.scenarios.call_faults import CALL_FAULTS

AGENT: Final = "agent prompts"
"""The one line of the errors table for all that is no mistake of a client."""


def list_table_lines(run: Run, name: str) -> list[Line]:
    """One of the tables by name. Raises ValueError for a name that is none."""
    if name not in _MAKERS:
        near = get_close_matches(name, _MAKERS, n=1)
        meant = f"did you mean {near[0]!r}? " if near else ""
        raise ValueError(f"no table named {name!r}; {meant}there are {', '.join(_MAKERS)}")
    rows = [row for row in run.rows if not row.is_warmup]
    return [
        {column: replace_surrogates(cell) for column, cell in line.items()}  # a server's words may be among them
        for line in _MAKERS[name](rows, run)
    ]


def list_filled_tables(run: Run) -> dict[str, list[Line]]:
    """The five tables of every run, and those on details that have a line, by name."""
    every = {name: list_table_lines(run, name) for name in (*TABLES, *DETAILS)}
    return {name: lines for name, lines in every.items() if lines or name in TABLES}


def _make_latency_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """Times of answered requests, by target and scenario. Error scenarios are in the errors table."""
    drifted = find_drifted_targets(run)
    for part in iterate_parts([row for row in rows if not row.wants_failure], run, get_scenario_name):
        yield (
            part.head
            | part.counts
            | {"ttfb_ms": compute_median(part.good, "ttfb_ms")}
            | compute_spread("ttft", list_numbers(part.good, "ttft_ms"))
            | compute_spread("e2e", list_numbers(part.good, "e2e_ms"))
            | {
                "wait_ms": compute_median(part.good, "late_ms"),
                "connect_ms": compute_median(part.good, "connect_ms"),
                "marked": part.marked,
                "drifted": any(row.target in drifted for row in part.asked[:1]),
            }
        )


def _make_streaming_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """How streams kept the rules, and how evenly they flowed, by target."""
    streaming = {scenario.name for scenario in run.plan.scenarios if scenario.request.stream}
    wanted = [
        row
        for row in rows
        if not row.wants_failure and (row.streamed or (row.status != "done" and row.scenario in streaming))
    ]
    for part in iterate_parts(wanted, run):
        gaps = sorted(gap for row in part.good for gap in row.itl_ms)
        yield (
            part.head
            | part.counts
            | {
                "errors": count_having(part.asked, "error"),
                "warnings": count_having(part.asked, "warn"),
                "itl_ms": round_number(compute_quantile(gaps, 0.5)),
                "itl_p99_ms": round_number(compute_quantile(gaps, 0.99)),
                "packed_percent": round_number(100 * gaps.count(0) / len(gaps)) if gaps else None,
                "tpot_ms": compute_median(part.good, "tpot_ms"),
                "tokens_per_s": compute_speed(part.good),
                "marked": part.marked,
                "findings": render_counts(
                    found.check for row in part.asked for found in row.findings if found.severity != "info"
                ),
            }
        )


def _make_error_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """What was refused and how, by target: one line for all agent prompts, one for each error scenario.

    n counts samples; failing is what an error scenario wants.
    """
    for part in iterate_parts(rows, run, lambda row: row.scenario if row.wants_failure else AGENT):
        failures = [row for row in part.asked if row.kind is not None]
        # What a server said comes before our own note that it was not asked again.
        answered = any(row.http_status is not None for row in failures)
        said = Counter(row.message for row in failures if row.message and (row.attempt > 0 or not answered))
        yield part.head | {
            "n": len(part.over),
            "planned": part.count_planned_samples(),
            "failed": sum(row.kind is not None for row in part.over),
            "excluded": part.excluded,
            "caused_by_us": part.caused,
            "as_wanted": count_ok(part.over),
            "wanted": _describe_wanted(run.plan, part.head["scenario"]),
            "seen": render_counts(row.kind or "answer" for row in part.over),
            "status": render_counts(str(row.http_status) for row in failures if row.http_status is not None),
            "retry_after_s": compute_median(failures, "retry_after_s"),
            "message": shorten_message(said.most_common(1)[0][0]) if said else "",
        }


def _make_tool_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """Tool calls by target and scenario that offers tools; n counts samples, whatever turns they took."""
    offering = {one.name for one in run.plan.scenarios if one.has_tools and not one.wants_failure}
    for part in iterate_parts([row for row in rows if row.scenario in offering], run, get_scenario_name):
        yield part.head | {
            "n": len(part.over),
            "planned": part.count_planned_samples(),
            "failed": sum(row.outcome == "failed" for row in part.over),
            "excluded": part.excluded,
            "caused_by_us": part.caused,
            "ok": count_ok(part.over),
            **compute_share("ok", clustered(group_by_prompt(part.over, lambda row: [row.outcome == "ok"]))),
            "called": len({(row.sample, row.repeat) for row in part.asked if row.tool_calls}),
            "calls": sum(len(row.tool_calls) for row in part.asked),
            "valid": sum(row.valid_calls for row in part.asked),
            **compute_share("valid", clustered(group_by_prompt(part.asked, list_call_verdicts))),
            **{fault: sum(row.call_faults.count(fault) for row in part.asked) for fault in CALL_FAULTS},
            "ttft_tool_ms": compute_median(part.good, "ttft_tool_ms"),
            "tools": render_counts(name for row in part.asked for name in row.tool_calls),
            "findings": render_counts(
                found.check for row in part.asked for found in row.findings if found.check.startswith("tool.")
            ),
            "not_as_expected": render_counts(why for row in part.over for why in row.why),
        }


def _make_summary_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """One line a target."""
    for part in iterate_parts(rows, run):
        asked, good = ([row for row in some if not row.wants_failure] for some in (part.asked, part.good))
        costs = list_numbers(part.asked, "cost")
        yield part.head | {
            "n": len(asked),
            "planned": part.count_planned(wants_failure=False),
            "failed": len(asked) - len(good),
            "excluded": part.excluded,
            "caused_by_us": part.caused,
            "ok": render_ok_share([row for row in part.over if not row.wants_failure]),
            "refused_well": render_ok_share([row for row in part.over if row.wants_failure]),
            "ttft_ms": compute_median(good, "ttft_ms"),
            "e2e_ms": compute_median(good, "e2e_ms"),
            "tokens_per_s": compute_speed(good),
            "errors": count_having(part.asked, "error"),
            "tokens_in": compute_total(part.asked, "prompt_tokens"),
            "tokens_out": compute_total(part.asked, "tokens"),
            "cost": round(sum(costs), 6) if costs else None,
            "marked": part.marked,
        }


_MAKERS: Final[dict[str, Callable[[Sequence[Row], Run], Iterator[Line]]]] = {
    "latency": _make_latency_lines,
    "streaming": _make_streaming_lines,
    "errors": _make_error_lines,
    "tools": _make_tool_lines,
    "summary": _make_summary_lines,
    "capabilities": list_capability_lines,
    "schemas": list_schema_lines,
    "depth": list_depth_lines,
    "params": list_parameter_lines,
}


def _describe_wanted(plan: Plan, scenario: str) -> str:
    refused = [found for found in plan.scenarios if found.name == scenario and found.wants_failure]
    expected = [one for found in refused for sample in found.samples for one in sample.expect]
    kinds = [kind for one in expected for kind in getattr(one, "any_of", ())]
    return " or ".join(dict.fromkeys(kinds)) or "answer"
