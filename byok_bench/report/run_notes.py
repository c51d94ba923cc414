"""What a reader of any table has to know about a run: told below the tables."""

from typing import Final

from byok_bench.report.drift import describe_drifts
from byok_bench.report.printable_text import describe_count
from byok_bench.report.selections import select_measured
from byok_bench.runs.measuring.recovery import Recovery
from byok_bench.runs.measuring.timed_sections import Health, is_core_full
from byok_bench.runs.results import Run

NAMED: Final = 3
"""Scenarios that a line names; the rest is counted."""


def list_run_notes(run: Run) -> list[str]:
    """What a reader of any table has to know about the run."""
    found = [] if run.status == "finished" else [_describe_unfinished(run)]
    if run.plan.measured_by:
        found.append(f"measured by {run.plan.measured_by}, not by byok-bench: what it does not tell is left empty")
    states = run.states
    waiting = states["planned"] + states["sent"]
    if waiting:
        planned = states.total() - states["left_out"]
        found.append(
            f"{planned - waiting} of {planned} planned exchanges are in here; "
            f"not made or not recorded so far: {describe_count(waiting, 'exchange')}"
        )
    found += _describe_exclusions(run)
    if run.maybe_billed:
        lost = describe_count(run.maybe_billed, "request")
        found.append(f"sent and never recorded, because a process ended before: {lost}, maybe billed")
    found += [_describe_recovery(run, one) for one in run.recoveries]
    untimed = len(select_measured(run).select("is_untimed", True))
    if untimed:
        touched = describe_count(untimed, "exchange")
        found.append(f"while this machine slept, or its clock was set: {touched} under way; their times are left out")
    stalls = sum(section.stalls for section in run.health)
    if stalls:
        worst = max(section.worst_stall_ms for section in run.health)
        found.append(
            f"the event loop stalled {describe_count(stalls, 'time')}, up to {worst:.0f} ms: "
            "samples counted as marked may be late"
        )
    found += [f"this client used up its core at {name}: its stamps may be late" for name in _list_full_cores(run)]
    unverified = [target.label for target in run.plan.targets if target.unverified_tls]
    if unverified:
        found.append(f"certificates were not verified for {', '.join(dict.fromkeys(unverified))}, as configured")
    return [*found, *describe_drifts(run)]


def _describe_exclusions(run: Run) -> list[str]:
    """What was left out and why: a line a reason, since it is the same for most endpoints."""
    if not run.states["left_out"]:
        return []
    places: dict[str, tuple[dict[str, None], set[int]]] = {}
    for scenario, target, why in (
        select_measured(run).select("status", "left_out").count_values("scenario", "target", "why")
    ):
        scenarios, targets = places.setdefault("; ".join(why) or "no reason was kept", ({}, set()))
        scenarios[scenario] = None
        targets.add(target)
    return [
        f"{_name_some(list(scenarios))} left out for {describe_count(len(targets), 'endpoint')}: {why}"
        for why, (scenarios, targets) in places.items()
    ]


def _name_some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f"{', '.join(names[:NAMED])}{more}"


def list_comparison_notes(a: Run, b: Run, *, same_endpoints: bool = False) -> list[str]:
    """What a reader of a comparison has to know about its two sides."""
    if (a.path, a.id) == (b.path, b.id):
        itself = ["A and B are the same run: it is compared with itself"] if same_endpoints else []
        return [*itself, *list_run_notes(a)]
    return [*(f"A: {note}" for note in list_run_notes(a)), *(f"B: {note}" for note in list_run_notes(b))]


def _describe_recovery(run: Run, one: Recovery) -> str:
    """What an over-long prompt did to a server."""
    name, took = run.plan.targets[one.target].name, f"{one.waited_ms / 1000:.1f} s"
    asked = f"{describe_count(one.requests, 'plain request')} of ours that stand in no table"
    if one.answered:
        return f"after an over-long prompt {name} answered again after {took}; {asked}"
    return f"after an over-long prompt {name} did not answer again within {took} ({one.seen[-1]}); {asked}"


def _describe_unfinished(run: Run) -> str:
    """Why a run is not finished, and how to go on."""
    if run.is_abandoned:
        how = "is not finished, and its process is gone"
    else:
        how = "is running, or its process was killed" if run.status == "running" else f"was {run.status}"
    why = f" ({run.reason})" if run.reason else ""
    return f"run {run.id} {how}{why}; byok-bench run --resume {run.id} goes on with it"


def _list_full_cores(run: Run) -> list[str]:
    """Load stages of targets in which the measuring process had no time to spare."""
    by_place: dict[tuple[int, int, str], list[Health]] = {}
    for section in run.health:
        by_place.setdefault((section.target, section.stage, section.worker), []).append(section)
    return [
        f"{run.plan.targets[target].name}, {run.plan.loads[stage].name}" + (f", worker {worker}" if worker else "")
        for (target, stage, worker), sections in by_place.items()
        if is_core_full(sections)
    ]
