"""What stands in the five tables of a run: latency, streaming, errors, tools, summary. docs/metrics.md defines it.

A table is a list of lines, a line is key → text, number, or None for what could not be had; columns.py says how a key
is headed for people. That is all that a terminal and JSON need, so nothing heavy is imported here; frames.py makes a
DataFrame of the same lines.

Every table shows n, planned, failed and excluded: `n` counts what was asked, `planned` what is to be asked in all as
far as that is known (the two differ while a run is not over), `failed` those of n without a good answer, `excluded`
what is not in n and why is in the rows. Times are of those that did not fail. Warm-up is in none.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.stats import compute_quantile, median
from byok_bench.runs.judging import Row
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.results import TABLES, Run

ASKED: Final = ("done", "failed")
AGENT: Final = "agent prompts"
"""The one line of the errors table for all that is no mistake of a client."""
DIGITS: Final = 2
LONGEST_MESSAGE: Final = 160
"""Characters of a server's words in a table."""
Line = dict[str, Any]
"""Key of a column → text, number or None."""


def list_table_lines(run: Run, name: str) -> list[Line]:
    """One of the tables by name. Raises ValueError for a name that is none."""
    if name not in TABLES:
        raise ValueError(f"no table named {name!r}; there are {', '.join(TABLES)}")
    rows = [row for row in run.rows if not row.is_warmup]
    return [
        {column: replace_surrogates(cell) for column, cell in line.items()}  # a server's words may be among them
        for line in _MAKERS[name](rows, run)
    ]


def _make_latency_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """Times of answered requests, by target and scenario. Error scenarios are in the errors table."""
    for part in _iterate_parts([row for row in rows if not row.wants_failure], run, _get_scenario):
        yield (
            part.head
            | part.counts
            | {"ttfb_ms": _compute_median(part.good, "ttfb_ms")}
            | _compute_spread("ttft", _list_numbers(part.good, "ttft_ms"))
            | _compute_spread("e2e", _list_numbers(part.good, "e2e_ms"))
            | {
                "wait_ms": _compute_median(part.good, "late_ms"),
                "connect_ms": _compute_median(part.good, "connect_ms"),
                "marked": part.marked,
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
    for part in _iterate_parts(wanted, run):
        gaps = sorted(gap for row in part.good for gap in row.itl_ms)
        yield (
            part.head
            | part.counts
            | {
                "errors": _count_having(part.asked, "error"),
                "warnings": _count_having(part.asked, "warn"),
                "itl_ms": _round_number(compute_quantile(gaps, 0.5)),
                "itl_p99_ms": _round_number(compute_quantile(gaps, 0.99)),
                "packed_percent": _round_number(100 * gaps.count(0) / len(gaps)) if gaps else None,
                "tpot_ms": _compute_median(part.good, "tpot_ms"),
                "tokens_per_s": _compute_speed(part.good),
                "marked": part.marked,
                "findings": _render_counts(
                    found.check for row in part.asked for found in row.findings if found.severity != "info"
                ),
            }
        )


def _make_error_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """What was refused and how, by target: one line for all agent prompts, one for each error scenario.

    n counts samples; failing is what an error scenario wants.
    """
    for part in _iterate_parts(rows, run, lambda row: row.scenario if row.wants_failure else AGENT):
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
            "as_wanted": _count_ok(part.over),
            "wanted": _describe_wanted(run.plan, part.head["scenario"]),
            "seen": _render_counts(row.kind or "answer" for row in part.over),
            "status": _render_counts(str(row.http_status) for row in failures if row.http_status is not None),
            "retry_after_s": _compute_median(failures, "retry_after_s"),
            "message": shorten_message(said.most_common(1)[0][0]) if said else "",
        }


def _make_tool_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """Tool calls by target and scenario that offers tools; n counts samples, whatever turns they took."""
    offering = {one.name for one in run.plan.scenarios if one.tools and not one.wants_failure}
    for part in _iterate_parts([row for row in rows if row.scenario in offering], run, _get_scenario):
        yield part.head | {
            "n": len(part.over),
            "planned": part.count_planned_samples(),
            "failed": sum(row.outcome == "failed" for row in part.over),
            "excluded": part.excluded,
            "caused_by_us": part.caused,
            "ok": _count_ok(part.over),
            "called": len({(row.sample, row.repeat) for row in part.asked if row.tool_calls}),
            "calls": sum(len(row.tool_calls) for row in part.asked),
            "valid": sum(row.valid_calls for row in part.asked),
            "ttft_tool_ms": _compute_median(part.good, "ttft_tool_ms"),
            "tools": _render_counts(name for row in part.asked for name in row.tool_calls),
            "findings": _render_counts(
                found.check for row in part.asked for found in row.findings if found.check.startswith("tool.")
            ),
            "not_as_expected": _render_counts(why for row in part.over for why in row.why),
        }


def _make_summary_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """One line a target."""
    for part in _iterate_parts(rows, run):
        asked, good = ([row for row in some if not row.wants_failure] for some in (part.asked, part.good))
        costs = _list_numbers(part.asked, "cost")
        yield part.head | {
            "n": len(asked),
            "planned": part.count_planned(wants_failure=False),
            "failed": len(asked) - len(good),
            "excluded": part.excluded,
            "caused_by_us": part.caused,
            "ok": _render_ok_share([row for row in part.over if not row.wants_failure]),
            "refused_well": _render_ok_share([row for row in part.over if row.wants_failure]),
            "ttft_ms": _compute_median(good, "ttft_ms"),
            "e2e_ms": _compute_median(good, "e2e_ms"),
            "tokens_per_s": _compute_speed(good),
            "errors": _count_having(part.asked, "error"),
            "tokens_in": _compute_total(part.asked, "prompt_tokens"),
            "tokens_out": _compute_total(part.asked, "tokens"),
            "cost": round(sum(costs), 6) if costs else None,
            "marked": part.marked,
        }


_MAKERS: Final[dict[str, Callable[[Sequence[Row], Run], Iterator[Line]]]] = {
    "latency": _make_latency_lines,
    "streaming": _make_streaming_lines,
    "errors": _make_error_lines,
    "tools": _make_tool_lines,
    "summary": _make_summary_lines,
}


class _Part:
    """The exchanges behind one line of a table."""

    def __init__(self, head: Line, rows: Sequence[Row]) -> None:
        self.head = head
        self._rows = rows
        self.asked = [row for row in rows if row.status in ASKED and not row.caused_by_us]
        self.good = [row for row in self.asked if row.kind is None]
        self.over = [row for row in self.asked if row.outcome is not None]
        """The last turn of each sample that was played to its end."""
        self.excluded = sum(row.status == "left_out" for row in rows)
        self.caused = sum(row.caused_by_us for row in rows)
        """429s of a cooldown that an error scenario of ours caused: neither asked nor failed."""
        self.marked = sum("loop_stalled" in row.flags for row in self.asked)

    @property
    def counts(self) -> Line:
        """Where exchanges are counted, and not samples."""
        failed = len(self.asked) - len(self.good)
        return {
            "n": len(self.asked),
            "planned": self.count_planned(),
            "failed": failed,
            "excluded": self.excluded,
        }

    def count_planned(self, *, wants_failure: bool = True) -> int:
        """Exchanges to be asked in all, as far as is known: a sample that is not over has one more turn at least."""
        planned = 0
        for turns in self._iterate_samples():
            if wants_failure or not turns[0].wants_failure:
                counted = [row for row in turns if not row.caused_by_us]
                is_open = turns[-1].outcome is None and all(row.status in ASKED for row in turns)
                planned += len(counted) + is_open
        return planned

    def count_planned_samples(self) -> int:
        """Samples to be played in all."""
        return sum(not turns[-1].caused_by_us for turns in self._iterate_samples())

    def _iterate_samples(self) -> Iterator[list[Row]]:
        """The rows of each sample that is not left out, in the order of turns."""
        found: dict[tuple[str, str, int], list[Row]] = {}
        for row in sorted(self._rows, key=lambda row: row.turn):
            if row.status != "left_out":
                found.setdefault((row.scenario, row.sample, row.repeat), []).append(row)
        yield from found.values()


def _iterate_parts(rows: Sequence[Row], run: Run, scenario: Callable[[Row], str] | None = None) -> Iterator[_Part]:
    """Parts in the order of the plan; the load is named where the plan has more than one request at a time."""
    loaded = run.plan.loads != (ClosedLoad(),)
    parts: dict[tuple[int, int, str | None], list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row.target, row.stage)):
        parts.setdefault((row.target, row.stage, scenario(row) if scenario else None), []).append(row)
    for (place, stage, name), behind in parts.items():
        target = run.plan.targets[place]
        head: Line = {"endpoint": target.label, "model": target.alias or target.model}
        if loaded:
            head["load"] = run.plan.loads[stage].name
        if name is not None:
            head["scenario"] = name
        yield _Part(head, behind)


def _get_scenario(row: Row) -> str:
    return row.scenario


def _list_numbers(rows: Iterable[Row], column: str) -> list[float]:
    return [value for row in rows if (value := getattr(row, column)) is not None]


def _compute_median(rows: Iterable[Row], column: str) -> float | None:
    return _round_number(compute_quantile(_list_numbers(rows, column), 0.5))


def _compute_spread(name: str, values: Sequence[float]) -> Line:
    """Median, its interval, and the tail as far as the samples reach."""
    found = median(values)
    return {
        f"{name}_ms": _round_number(found.value),
        f"{name}_low_ms": _round_number(found.low),
        f"{name}_high_ms": _round_number(found.high),
        f"{name}_p90_ms": _round_number(compute_quantile(values, 0.9)),
        f"{name}_p99_ms": _round_number(compute_quantile(values, 0.99)),
    }


def _compute_speed(good: Iterable[Row]) -> float | None:
    """Tokens a second of streams that flowed, median; where most deltas came in packets, a gap says nothing of it."""
    speeds = [
        1000 / row.tpot_ms
        for row in good
        if row.tpot_ms and row.tpot_ms > 0 and 2 * sum(gap > 0 for gap in row.itl_ms) > len(row.itl_ms)
    ]
    return _round_number(compute_quantile(speeds, 0.5))


def _count_having(rows: Iterable[Row], severity: str) -> int:
    """How many have a finding of that severity."""
    return sum(any(found.severity == severity for found in row.findings) for row in rows)


def _count_ok(over: Iterable[Row]) -> int:
    return sum(row.outcome == "ok" for row in over)


def _render_ok_share(over: Sequence[Row]) -> str | None:
    """Samples with outcome ok, of all that were played to their end."""
    return f"{_count_ok(over)} of {len(over)}" if over else None


def _compute_total(rows: Iterable[Row], column: str) -> int | None:
    numbers = _list_numbers(rows, column)
    return int(sum(numbers)) if numbers else None


def _round_number(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _render_counts(names: Iterable[str]) -> str:
    """`a ×3, b`: most frequent first."""
    ranked = Counter(names).most_common()
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in ranked)


def shorten_message(text: str, most: int = LONGEST_MESSAGE) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _describe_wanted(plan: Plan, scenario: str) -> str:
    refused = [found for found in plan.scenarios if found.name == scenario and found.wants_failure]
    expected = [one for found in refused for sample in found.samples for one in sample.expect]
    kinds = [kind for one in expected for kind in getattr(one, "any_of", ())]
    return " or ".join(dict.fromkeys(kinds)) or "answer"
