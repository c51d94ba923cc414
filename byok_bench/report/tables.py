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
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, Final

from byok_bench.report.depth_table import list_depth_lines
from byok_bench.report.detail_tables import (
    list_capability_lines,
    list_parameter_lines,
    list_schema_lines,
)
from byok_bench.report.drift import find_drifted_targets
from byok_bench.report.foreign_lines import clear_untold_cells
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.selections import Selection, select_measured
from byok_bench.report.stats import clustered
from byok_bench.report.table_parts import (
    Line,
    compute_median,
    compute_share,
    compute_spread,
    compute_total,
    count_each,
    count_ok,
    iterate_parts,
    render_counts,
    render_ok_share,
    round_number,
    shorten_message,
)
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
    measured = select_measured(run)
    return [
        {column: replace_surrogates(cell) for column, cell in line.items()}  # a server's words may be among them
        for line in (clear_untold_cells(run, made) for made in _MAKERS[name](measured, run))
    ]


def list_filled_tables(run: Run) -> dict[str, list[Line]]:
    """The five tables of every run, and those on details that have a line, by name."""
    every = {name: list_table_lines(run, name) for name in (*TABLES, *DETAILS)}
    return {name: lines for name, lines in every.items() if lines or name in TABLES}


def _make_latency_lines(measured: Selection, run: Run) -> Iterator[Line]:
    """Times of answered requests, by target and scenario. Error scenarios are in the errors table."""
    drifted = find_drifted_targets(run)
    for part in iterate_parts(measured.select("wants_failure", False), run, "scenario"):
        yield (
            part.head
            | part.counts
            | {"ttfb_ms": compute_median(part.good, "ttfb_ms")}
            | compute_spread("ttft", part.good.list_numbers("ttft_ms"))
            | compute_spread("e2e", part.good.list_numbers("e2e_ms"))
            | {
                "wait_ms": compute_median(part.good, "late_ms"),
                "connect_ms": compute_median(part.good, "connect_ms"),
                "marked": part.marked,
                "drifted": len(part.asked) > 0 and part.target in drifted,
            }
        )


def _make_streaming_lines(measured: Selection, run: Run) -> Iterator[Line]:
    """How streams kept the rules, and how evenly they flowed, by target."""
    for part in iterate_parts(_select_streams(measured, run.plan), run):
        gaps, packed = (compute_total(part.good, column) for column in ("gaps", "zero_gaps"))
        middle, late = part.good.compute_gap_quantiles(0.5, 0.99)
        yield (
            part.head
            | part.counts
            | {
                "errors": len(part.asked.select("has_error", True)),
                "warnings": len(part.asked.select("has_warning", True)),
                "itl_ms": round_number(middle),
                "itl_p99_ms": round_number(late),
                "packed_percent": round_number(100 * (packed or 0) / gaps) if gaps else None,
                "tpot_ms": compute_median(part.good, "tpot_ms"),
                "tokens_per_s": compute_median(part.good, "flow"),
                "marked": part.marked,
                "findings": render_counts(
                    _count_checks(part.asked, lambda check, severity: severity != "info"),
                ),
            }
        )


def _select_streams(measured: Selection, plan: Plan) -> Selection:
    """What was streamed, and what was not answered of scenarios that ask for it."""
    streaming = {scenario.name for scenario in plan.scenarios if scenario.request.stream}
    kinds = measured.count_values("streamed", "status", "scenario")
    return measured.select("wants_failure", False).select_together(
        ("streamed", "status", "scenario"),
        *(kind for kind in kinds if kind[0] or (kind[1] != "done" and kind[2] in streaming)),
    )


def _make_error_lines(measured: Selection, run: Run) -> Iterator[Line]:
    """What was refused and how, by target: one line for all agent prompts, one for each error scenario.

    n counts samples; failing is what an error scenario wants.
    """
    for part in iterate_parts(measured, run, "mistake"):
        scenario = part.head["scenario"]
        failures = part.asked.drop("kind", None)
        status = {
            str(code): count for code, count in failures.drop("http_status", None).count_values("http_status").items()
        }
        yield part.head | {
            "scenario": scenario or AGENT,
            "n": len(part.over),
            "planned": part.count_planned_samples(),
            "failed": len(part.over.drop("kind", None)),
            "excluded": part.excluded,
            "caused_by_us": part.caused,
            "as_wanted": count_ok(part.over),
            "wanted": _describe_wanted(run.plan, scenario),
            "seen": render_counts({kind or "answer": count for kind, count in part.over.count_values("kind").items()}),
            "status": render_counts(status),
            "retry_after_s": compute_median(failures, "retry_after_s"),
            "message": _find_usual_message(failures),
        }


def _find_usual_message(failures: Selection) -> str:
    """What was said most often. What a server said comes before our own note that it was not asked again."""
    answered = len(failures.drop("http_status", None)) > 0
    said = (failures.drop("attempt", 0) if answered else failures).drop("message", None, "")
    usual = said.count_values("message").most_common(1)
    return shorten_message(usual[0][0]) if usual else ""


def _make_tool_lines(measured: Selection, run: Run) -> Iterator[Line]:
    """Tool calls by target and scenario that offers tools; n counts samples, whatever turns they took."""
    offering = [one.name for one in run.plan.scenarios if one.has_tools and not one.wants_failure]
    for part in iterate_parts(measured.select("scenario", *offering), run, "scenario"):
        calls = part.asked.count_values("calls", "valid_calls")
        faults = count_each(part.asked.count_values("call_faults"))
        yield part.head | {
            "n": len(part.over),
            "planned": part.count_planned_samples(),
            "failed": len(part.over.select("outcome", "failed")),
            "excluded": part.excluded,
            "caused_by_us": part.caused,
            "ok": count_ok(part.over),
            **compute_share("ok", clustered(_group_outcomes(part.over))),
            "called": len(part.asked.drop("calls", 0).list_last_turns()),
            "calls": sum(made * count for (made, _), count in calls.items()),
            "valid": sum(valid * count for (_, valid), count in calls.items()),
            **compute_share("valid", clustered(_group_verdicts(part.asked))),
            **{fault: faults[fault] for fault in CALL_FAULTS},
            "ttft_tool_ms": compute_median(part.good, "ttft_tool_ms"),
            "tools": render_counts(count_each(part.asked.count_values("tool_calls"))),
            "findings": render_counts(_count_checks(part.asked, lambda check, severity: check.startswith("tool."))),
            "not_as_expected": render_counts(count_each(part.over.count_values("why"))),
        }


def _group_outcomes(over: Selection) -> dict[Any, list[float]]:
    """Prompt → whether each sample was ok: answers to one prompt are not independent of each other."""
    return {
        prompt: [1.0] * (ok := count_ok(some)) + [0.0] * (len(some) - ok)
        for prompt, some in over.split("prompt").items()
    }


def _group_verdicts(asked: Selection) -> dict[Any, list[float]]:
    """Prompt → whether each call is valid."""
    found: dict[Any, list[float]] = {}
    for (prompt, made, valid), count in asked.count_values("prompt", "calls", "valid_calls").items():
        found.setdefault(prompt, []).extend(([1.0] * valid + [0.0] * (made - valid)) * count)
    return found


def _count_checks(asked: Selection, is_meant: Callable[[str, str], bool]) -> Counter[str]:
    """Check → its findings, of those that are meant by check and severity."""
    found: Counter[str] = Counter()
    for (check, severity), count in count_each(asked.count_values("findings")).items():
        if is_meant(check, severity):
            found[check] += count
    return found


def _make_summary_lines(measured: Selection, run: Run) -> Iterator[Line]:
    """One line a target."""
    for part in iterate_parts(measured, run):
        asked, good = (some.select("wants_failure", False) for some in (part.asked, part.good))
        cost = compute_total(part.asked, "cost")
        yield part.head | {
            "n": len(asked),
            "planned": part.count_planned(wants_failure=False),
            "failed": len(asked) - len(good),
            "excluded": part.excluded,
            "caused_by_us": part.caused,
            "ok": render_ok_share(part.over.select("wants_failure", False)),
            "refused_well": render_ok_share(part.over.select("wants_failure", True)),
            "ttft_ms": compute_median(good, "ttft_ms"),
            "e2e_ms": compute_median(good, "e2e_ms"),
            "tokens_per_s": compute_median(good, "flow"),
            "errors": len(part.asked.select("has_error", True)),
            "tokens_in": _count_tokens(part.asked, "prompt_tokens"),
            "tokens_out": _count_tokens(part.asked, "tokens"),
            "cost": None if cost is None else round(cost, 6),
            "marked": part.marked,
        }


def _count_tokens(asked: Selection, column: str) -> int | None:
    total = compute_total(asked, column)
    return None if total is None else int(total)


_MAKERS: Final[dict[str, Callable[[Selection, Run], Iterator[Line]]]] = {
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
