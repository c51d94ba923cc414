"""`byok-bench run --dry-run`: what a plan would send, printed for a person or as JSON."""

from typing import TYPE_CHECKING, Any, Final

import typer

from byok_bench.cli.console import emit_json
from byok_bench.report.printable_text import describe_count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.report.forecast import Forecast, TargetForecast
    from byok_bench.runs.planning.plan import Plan

FORECAST_VERSION: Final = 1


def print_forecast(
    endpoints: "Sequence[Endpoint]", settings: dict[str, Any], store: "Path | None", as_json: bool
) -> None:
    """Counts, order, time, tokens, cost, and what it would be enough for; `settings` are arguments of `bb.run`."""
    from byok_bench.errors import StoreError
    from byok_bench.report.forecast import predict_plan
    from byok_bench.runs.results import list_runs

    plan = make_asked_plan(endpoints, settings)
    try:
        earlier = list_runs(store)
    except StoreError:
        earlier = []  # there is no result file yet
    found = predict_plan(plan, earlier)
    if as_json:
        emit_json({"version": FORECAST_VERSION, "forecast": found})
        return
    for line in (*describe_forecast(found), *describe_passed_limits(found, settings), "nothing was sent"):
        typer.echo(line)


def make_asked_plan(endpoints: "Sequence[Endpoint]", settings: dict[str, Any]) -> "Plan":
    """The plan that these arguments of `bb.run` make; those that only say how it is played have no part in it."""
    from inspect import signature

    from byok_bench.runs.planning.plan import make_plan
    from byok_bench.runs.planning.plan_arguments import make_plan_settings
    from byok_bench.scenarios.selection import find_scenarios

    names = signature(make_plan_settings).parameters
    of_plan = {name: value for name, value in settings.items() if name in names}
    return make_plan(endpoints, find_scenarios(settings["scenarios"]), make_plan_settings(**of_plan))


def describe_forecast(found: "Forecast") -> list[str]:
    """One line for each thing."""
    left = found.blocks - len(found.order)
    return [
        *map(describe_target, found.targets),
        f"warm-up: {describe_count(found.warmups, 'request')} more",
        f"order, of {describe_count(found.blocks, 'block')}:",
        *(f"  {block}" for block in found.order),
        *([f"  … {left} more"] if left > 0 else []),
        *found.enough,
    ]


def describe_passed_limits(found: "Forecast", settings: dict[str, Any]) -> list[str]:
    """A line for each limit that could stop the run before its end."""
    costs = [one.cost_at_most for one in found.targets if one.cost_at_most is not None]
    tokens = sum(one.prompt_tokens_about + one.output_tokens_at_most for one in found.targets)
    totals = {
        "max_requests": found.warmups + sum(one.requests_at_most for one in found.targets),
        "max_tokens": tokens,
        "max_cost": sum(costs),
    }
    return [
        f"--{name.replace('_', '-')} {settings[name]:g} may stop it: up to {total:.6g} in all"
        for name, total in totals.items()
        if settings.get(name) is not None and total > settings[name]
    ]


def describe_target(one: "TargetForecast") -> str:
    """Counts, tokens, cost and time of one target."""
    cost = "no price declared" if one.cost_at_most is None else f"at most {one.cost_at_most:.4g} {one.currency}"
    time = "time unknown before a first run" if one.seconds_about is None else f"about {one.seconds_about:.0f} s"
    return (
        f"{one.target}: {describe_count(one.samples, 'sample')}, "
        f"at most {describe_count(one.requests_at_most, 'request')}, "
        f"about {one.prompt_tokens_about} tokens of prompt, at most {one.output_tokens_at_most} of output, "
        f"{cost}, {time}"
    )
