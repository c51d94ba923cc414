"""The five tables of a run: latency, streaming, errors, tools, summary. Every column is defined in docs/metrics.md.

Every table shows n, failed and excluded: `n` counts what was asked, `failed` those of n without a good answer,
`excluded` what is not in n and why is in the rows. Times are of those that did not fail. Warm-up is in none.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import pandas as pd

from byok_bench.report.frames import frame
from byok_bench.report.stats import estimate, quantile
from byok_bench.runs.load import Closed
from byok_bench.runs.plan import Plan
from byok_bench.runs.quiet import Health, is_core_full
from byok_bench.runs.results import TABLES, Run

ASKED: Final = ("done", "failed")
COUNTS: Final = ("n", "failed", "excluded")
DIGITS: Final = 2
LONGEST_MESSAGE: Final = 160
"""Characters of a server's words in a table."""
Cells = dict[str, Any]


def table(run: Run, name: str) -> pd.DataFrame:
    """One of the tables by name. Raises ValueError for a name that is none."""
    if name not in TABLES:
        raise ValueError(f"no table named {name!r}; there are {', '.join(TABLES)}")
    rows = frame(run)
    made = _MAKERS[name](rows[~rows["warmup"]], run)
    made.attrs["notes"] = notes(run)
    return made


def latency(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Times of answered requests, by target and scenario. Error scenarios are in the errors table."""
    return _table(_latency_row(part) for part in _parts(rows[~rows["wants_failure"]], run, "scenario"))


def _latency_row(part: "_Part") -> Cells:
    good = part.good
    ttft, e2e = _numbers(good, "ttft_ms"), _numbers(good, "e2e_ms")
    return (
        part.head
        | part.counts
        | {"TTFB ms": _median(good, "ttfb_ms")}
        | _spread("TTFT", ttft)
        | _spread("E2E", e2e)
        | {
            "wait ms": _median(good, "late_ms"),
            "connect ms": _median(good, "connect_ms"),
            "marked": part.marked,
        }
    )


def streaming(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """How streams kept the rules, and how evenly they flowed, by target."""
    wanted = rows[~rows["wants_failure"] & (rows["streamed"] | ~rows["status"].isin(["done"]))]
    return _table(_streaming_row(part) for part in _parts(wanted, run))


def _streaming_row(part: "_Part") -> Cells:
    good, asked = part.good, part.asked
    gaps = [gap for cell in good["itl_ms"] for gap in cell]
    return (
        part.head
        | part.counts
        | {
            "errors": int((asked["errors"] > 0).sum()),
            "warnings": int((asked["warnings"] > 0).sum()),
            "ITL ms": _rounded(quantile(gaps, 0.5)),
            "ITL p99": _rounded(quantile(gaps, 0.99)),
            "packed %": _rounded(100 * sum(gap == 0 for gap in gaps) / len(gaps)) if gaps else None,
            "TPOT ms": _median(good, "tpot_ms"),
            "tok/s": _rounded(quantile(_speeds(good), 0.5)),
            "marked": part.marked,
            "findings": _counted(f.check for cell in asked["findings"] for f in cell if f.severity != "info"),
        }
    )


def errors(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """What was refused and how, by target: one line for all agent prompts, one for each error scenario.

    n counts samples; failing is what an error scenario wants.
    """
    named = rows.assign(scenario=rows["scenario"].where(rows["wants_failure"], "agent prompts"))
    return _table(_errors_row(part, run.plan) for part in _parts(named, run, "scenario"))


def _errors_row(part: "_Part", plan: Plan) -> Cells:
    failures = part.asked[part.asked["kind"].notna()]
    over = part.asked[part.asked["outcome"].notna()]
    refused = int(over["kind"].notna().sum())
    # What a server said comes before our own note that it was not asked again.
    said = failures[failures["attempt"] > 0] if (failures["http_status"].notna()).any() else failures
    messages = Counter(message for message in said["message"] if message)
    delays = [delay for delay in failures["retry_after_s"] if not pd.isna(delay)]
    return (
        part.head
        | {"n": len(over), "failed": refused, "excluded": part.counts["excluded"]}
        | {
            "as wanted": int((over["outcome"] == "ok").sum()),
            "wanted": _wanted(plan, part.head["scenario"]),
            "seen": _counted(kind or "answer" for kind in _plain(over["kind"])),
            "status": _counted(str(status) for status in failures["http_status"] if not pd.isna(status)),
            "retry after s": _rounded(quantile(delays, 0.5)),
            "message": shortened(messages.most_common(1)[0][0]) if messages else "",
        }
    )


def tools(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """Tool calls by target and scenario that offers tools; n counts samples, whatever turns they took."""
    offering = {
        scenario.name for scenario in run.plan.scenarios if scenario.tools and not scenario.wants_failure
    }
    return _table(_tools_row(part) for part in _parts(rows[rows["scenario"].isin(offering)], run, "scenario"))


def _tools_row(part: "_Part") -> Cells:
    over = part.asked[part.asked["outcome"].notna()]
    keys = ["sample", "repeat", "stage"]
    called = part.asked[part.asked["tool_calls"].map(len) > 0]
    return part.head | {
        "n": len(over),
        "failed": int((over["outcome"] == "failed").sum()),
        "excluded": part.counts["excluded"],
        "ok": int((over["outcome"] == "ok").sum()),
        "called": len(called[keys].drop_duplicates()),
        "calls": int(part.asked["tool_calls"].map(len).sum()),
        "valid": int(part.asked["valid_calls"].sum()),
        "TTFT tool ms": _median(part.good, "ttft_tool_ms"),
        "tools": _counted(name for cell in part.asked["tool_calls"] for name in cell),
        "findings": _counted(
            f.check for cell in part.asked["findings"] for f in cell if f.check.startswith("tool.")
        ),
        "not as expected": _counted(why for cell in over["why"] for why in cell),
    }


def summary(rows: pd.DataFrame, run: Run) -> pd.DataFrame:
    """One line a target."""
    return _table(_summary_row(part) for part in _parts(rows, run))


def _summary_row(part: "_Part") -> Cells:
    over = part.asked[part.asked["outcome"].notna()]
    asked, good = (rows[~rows["wants_failure"]] for rows in (part.asked, part.good))
    costs = _numbers(part.asked, "cost")
    return (
        part.head
        | {"n": len(asked), "failed": len(asked) - len(good), "excluded": part.counts["excluded"]}
        | {
            "ok": _share(over[~over["wants_failure"]]),
            "refused well": _share(over[over["wants_failure"]]),
            "TTFT ms": _median(good, "ttft_ms"),
            "E2E ms": _median(good, "e2e_ms"),
            "tok/s": _rounded(quantile(_speeds(good), 0.5)),
            "errors": int((part.asked["errors"] > 0).sum()),
            "tokens in": _total(part.asked, "prompt_tokens"),
            "tokens out": _total(part.asked, "tokens"),
            "cost": round(sum(costs), 6) if costs else None,
            "marked": part.marked,
        }
    )


def notes(run: Run) -> list[str]:
    """What a reader of any table has to know about the run."""
    found = [] if run.status == "finished" else [_standing(run)]
    states = run.states
    waiting = states["planned"] + states["sent"]
    if waiting:
        found.append(f"not made or not recorded so far: {_counted_things(waiting, 'exchange')}")
    if run.maybe_billed:
        lost = _counted_things(run.maybe_billed, "request")
        found.append(f"sent and never recorded, because a process ended before: {lost}, maybe billed")
    stalls = sum(section.stalls for section in run.health)
    if stalls:
        worst = max(section.worst_stall_ms for section in run.health)
        found.append(
            f"the event loop stalled {_counted_things(stalls, 'time')}, up to {worst:.0f} ms: "
            "samples counted as marked may be late"
        )
    found += [f"this client used up its core at {name}: its stamps may be late" for name in _full_cores(run)]
    unverified = [target.label for target in run.plan.targets if target.unverified_tls]
    if unverified:
        found.append(
            f"certificates were not verified for {', '.join(dict.fromkeys(unverified))}, as configured"
        )
    return found


def _standing(run: Run) -> str:
    """Why a run is not finished, and how to go on."""
    how = "is running, or its process was killed" if run.status == "running" else f"was {run.status}"
    why = f" ({run.note})" if run.note else ""
    return f"run {run.id} {how}{why}; byok-bench run --resume {run.id} goes on with it"


def _counted_things(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _full_cores(run: Run) -> list[str]:
    """Load stages of targets in which the measuring process had no time to spare."""
    by_place: dict[tuple[int, int], list[Health]] = {}
    for section in run.health:
        by_place.setdefault((section.target, section.stage), []).append(section)
    return [
        f"{run.plan.targets[target].name}, {run.plan.loads[stage].name}"
        for (target, stage), sections in by_place.items()
        if is_core_full(sections)
    ]


class _Part:
    """The exchanges behind one line of a table."""

    def __init__(self, head: Cells, rows: pd.DataFrame) -> None:
        self.head = head
        self.asked = rows[rows["status"].isin(ASKED)]
        self.good = self.asked[self.asked["kind"].isna()]
        self.counts: Cells = {
            "n": len(self.asked),
            "failed": len(self.asked) - len(self.good),
            "excluded": int((rows["status"] == "left_out").sum()),
        }
        self.marked = int(self.asked["flags"].map(lambda flags: "loop_stalled" in flags).sum())


def _parts(rows: pd.DataFrame, run: Run, *by: str) -> Iterator[_Part]:
    """Parts in the order of the plan; the load is named where the plan has more than one request at a time."""
    keys = ["target", "stage", *by]
    loaded = run.plan.loads != (Closed(),)
    for key, rows_ in rows.sort_values(["target", "stage"], kind="stable").groupby(keys, sort=False):
        place: tuple[Any, ...] = tuple(key) if isinstance(key, tuple) else (key,)
        target = run.plan.targets[place[0]]
        head: Cells = {"endpoint": target.label, "model": target.alias or target.model}
        if loaded:
            head["load"] = run.plan.loads[place[1]].name
        yield _Part(head | dict(zip(by, place[2:], strict=True)), rows_)


def _table(lines: Iterable[Cells]) -> pd.DataFrame:
    made = pd.DataFrame(list(lines))
    for name in made.columns:
        kind = pd.api.types.infer_dtype(made[name], skipna=True)
        if kind in ("floating", "mixed-integer-float", "empty"):
            made[name] = made[name].astype("Float64")
        elif kind == "integer":
            made[name] = made[name].astype("Int64")
    return made


def _numbers(rows: pd.DataFrame, column: str) -> list[float]:
    return [float(value) for value in rows[column].dropna()]


def _median(rows: pd.DataFrame, column: str) -> float | None:
    return _rounded(quantile(_numbers(rows, column), 0.5))


def _spread(name: str, values: Sequence[float]) -> Cells:
    """Median, its interval, and the tail as far as the samples reach."""
    found = estimate(values)
    return {
        f"{name} ms": _rounded(found.median),
        f"{name} low": _rounded(found.low),
        f"{name} high": _rounded(found.high),
        f"{name} p90": _rounded(quantile(values, 0.9)),
        f"{name} p99": _rounded(quantile(values, 0.99)),
    }


def _speeds(good: pd.DataFrame) -> list[float]:
    """Tokens a second of streams that flowed; where most deltas came in packets, a gap says nothing about speed."""
    return [
        1000 / tpot
        for tpot, gaps in zip(good["tpot_ms"], good["itl_ms"], strict=True)
        if not pd.isna(tpot) and tpot > 0 and 2 * sum(gap > 0 for gap in gaps) > len(gaps)
    ]


def _share(over: pd.DataFrame) -> str | None:
    """Samples with outcome ok, of all that were played to their end."""
    return f"{int((over['outcome'] == 'ok').sum())} of {len(over)}" if len(over) else None


def _total(rows: pd.DataFrame, column: str) -> int | None:
    numbers = _numbers(rows, column)
    return int(sum(numbers)) if numbers else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, DIGITS)


def _counted(names: Iterable[str]) -> str:
    """`a ×3, b`: most frequent first."""
    ranked = Counter(names).most_common()
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in ranked)


def shortened(text: str, most: int = LONGEST_MESSAGE) -> str:
    """The text, or its beginning and an ellipsis."""
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def _plain(column: "pd.Series[Any]") -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in column]


def _wanted(plan: Plan, scenario: str) -> str:
    kinds = [
        kind
        for found in plan.scenarios
        if found.name == scenario
        for sample in found.samples
        for expected in sample.expect
        for kind in getattr(expected, "any_of", ())
        if found.wants_failure
    ]
    return " or ".join(dict.fromkeys(kinds)) or "answer"


_MAKERS: Final[dict[str, Callable[[pd.DataFrame, Run], pd.DataFrame]]] = {
    "latency": latency,
    "streaming": streaming,
    "errors": errors,
    "tools": tools,
    "summary": summary,
}
