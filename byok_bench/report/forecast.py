"""Forecast: what a plan would send, take and cost, and what it would be enough for. Nothing is sent to find out."""

import math
import statistics
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from byok_bench.dialects.output import Usage
from byok_bench.endpoints.model_requests import find_named_model
from byok_bench.endpoints.prices import compute_cost
from byok_bench.report.gates.rules import MARGIN_OF_NUMBERS, MARGIN_OF_SHARES
from byok_bench.report.printable_text import describe_count
from byok_bench.report.stats import compute_quantile, rate
from byok_bench.runs.planning.blocks import order_jobs
from byok_bench.runs.planning.exclusions import find_exclusion
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.planning.plan import Plan, make_jobs
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.scenarios.costs import estimate_cost

USUAL_SPREAD: Final = 0.2
"""Standard deviation of log TTFT within one prompt, where no earlier run tells: about 20 %."""
POWER: Final = 1.96 + 1.645
"""Normal quantiles of a 95 % interval and of 95 % power, as of stats.needed."""
MEDIAN_LOSS: Final = math.sqrt(math.pi / 2)
"""Standard error of a median beside that of a mean, for normal values."""
FIRST_BLOCKS: Final = 6
ENOUGH_ROWS: Final = 10_000
"""Of an earlier run: a forecast is not told more closely by others."""


class TargetForecast(msgspec.Struct, frozen=True, kw_only=True):
    """Of one endpoint and model."""

    target: str
    samples: int
    requests_at_most: int
    prompt_tokens_about: int
    output_tokens_at_most: int
    cost_at_most: float | None = None
    """By the declared price; None without one."""
    currency: str = ""
    seconds_about: float | None = None
    """As an earlier run went; None without one."""


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """Of a whole plan."""

    targets: tuple[TargetForecast, ...]
    warmups: int
    order: tuple[str, ...]
    """The first blocks, as they would be played."""
    blocks: int
    enough: tuple[str, ...]
    """What it would tell, in sentences."""


def predict_plan(plan: Plan, earlier: Sequence[Run] = ()) -> Forecast:
    """What playing a plan would take, by what scenarios ask for at most; times and spreads are of earlier runs."""
    history = _list_history(plan, earlier)
    blocks = order_jobs(plan, make_jobs(plan))
    order = [
        f"{plan.targets[block.target].name}: {', '.join(dict.fromkeys(job.scenario for job in block.jobs))} "
        f"({describe_count(len(block.jobs), 'sample')}, {block.load.name})"
        for block in blocks[:FIRST_BLOCKS]
    ]
    return Forecast(
        targets=predict_targets(plan, earlier),
        warmups=plan.warmup * len(plan.targets),
        order=tuple(order),
        blocks=len(blocks),
        enough=tuple(_iterate_reach(plan, [row for rows in history.values() for row in rows])),
    )


def predict_targets(plan: Plan, earlier: Sequence[Run] = ()) -> tuple[TargetForecast, ...]:
    """The part of it that is quickly had: requests, tokens, costs and times of each target."""
    history = _list_history(plan, earlier)
    return tuple(_predict_target(plan, index, history[target.name]) for index, target in enumerate(plan.targets))


def describe_targets(targets: Sequence[TargetForecast], warmups: int, free: Collection[str] = ()) -> str:
    """All targets in a sentence: `At most 54 requests, about 40 s, ≈ 9 000 tokens, ≈ 0.01 USD.`

    `free`: names of targets that cannot charge, such as servers of this machine.
    """
    tokens = sum(one.prompt_tokens_about + one.output_tokens_at_most for one in targets)
    seconds = [one.seconds_about for one in targets if one.seconds_about is not None]
    costs: dict[str, float] = {}
    for one in targets:
        if one.cost_at_most is not None:
            costs[one.currency] = costs.get(one.currency, 0.0) + one.cost_at_most
    parts = [
        describe_count(sum(one.requests_at_most for one in targets) + warmups, "request"),
        f"about {_describe_seconds(sum(seconds))}" if len(seconds) == len(targets) else "time not known yet",
        f"≈ {tokens:,} tokens".replace(",", " "),
        *(f"≈ {amount:.2g} {currency}" for currency, amount in costs.items()),
    ]
    unpriced = [one.target for one in targets if one.cost_at_most is None and one.target not in free]
    more = f" No price is declared for {', '.join(unpriced)}." if unpriced else ""
    return f"At most {', '.join(parts)}.{more}"


def _describe_seconds(seconds: float) -> str:
    return f"{max(seconds, 1):.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _list_history(plan: Plan, earlier: Sequence[Run]) -> dict[str, list[Row]]:
    return {target.name: _find_history(target.name, earlier) for target in plan.targets}


def _find_history(name: str, earlier: Sequence[Run]) -> list[Row]:
    """Good rows of the newest earlier run that had the target."""
    for run in reversed(earlier):
        for index, target in enumerate(run.plan.targets):
            if target.name == name:
                rows = run.iterate_rows()
                good = (one for one in rows if one.target == index and one.kind is None and one.status == "done")
                return list(islice(good, ENOUGH_ROWS))
    return []


def _predict_target(plan: Plan, index: int, history: Sequence[Row]) -> TargetForecast:
    target = plan.targets[index]
    times = plan.repeats * len(plan.loads)
    model = find_named_model(plan.endpoints[target.endpoint], target.model)
    costs = []
    for scenario in plan.scenarios:
        played = [one for one in scenario.samples if find_exclusion(target, scenario, one, model) is None]
        costs.append(estimate_cost(msgspec.structs.replace(scenario, samples=tuple(played))))
    requests = times * sum(one.requests_at_most for one in costs)
    usage = Usage(
        prompt_tokens=times * sum(one.prompt_tokens_about for one in costs),
        completion_tokens=times * sum(one.output_tokens_at_most for one in costs),
    )
    price = model.price if model is not None else None
    took = compute_quantile([row.e2e_ms for row in history if row.e2e_ms is not None], 0.5) if history else None
    at_once = [load.concurrency if isinstance(load, ClosedLoad) else 1 for load in plan.loads]
    return TargetForecast(
        target=target.name,
        samples=times * sum(one.samples for one in costs),
        requests_at_most=requests,
        prompt_tokens_about=usage.prompt_tokens or 0,
        output_tokens_at_most=usage.completion_tokens or 0,
        cost_at_most=None if price is None else compute_cost(price, usage),
        currency="" if price is None else price.currency,
        seconds_about=None if took is None else took / 1000 * requests / len(at_once) * sum(1 / one for one in at_once),
    )


def _iterate_reach(plan: Plan, history: Sequence[Row]) -> Iterator[str]:
    """What the numbers of prompts and repeats are enough for, beside a baseline of the same plan."""
    agent = [one for one in plan.scenarios if not one.wants_failure]
    prompts = sum(len(one.samples) for one in agent)
    pairs = prompts * plan.repeats
    spread = _estimate_spread(history)
    assumed = spread if spread is not None else USUAL_SPREAD
    whence = "as in earlier runs" if spread is not None else "assumed"
    needed = math.ceil((POWER * MEDIAN_LOSS * math.sqrt(2) * assumed / math.log1p(MARGIN_OF_NUMBERS)) ** 2)
    said = f"{MARGIN_OF_NUMBERS:.0%} in TTFT, which varies by {assumed:.0%} ({whence})".replace("%", " %")
    if pairs >= needed:
        yield f"enough to separate {said}: {describe_count(pairs, 'pair')}, {needed} needed"
    else:
        yield f"not enough for {said}: {describe_count(needed - pairs, 'pair')} more, by repeats or prompts"
    wanted = next(n for n in range(1, 10_000) if (rate(0, n).high or 1) <= MARGIN_OF_SHARES)
    if prompts >= wanted:
        yield f"enough to show that success did not change by {100 * MARGIN_OF_SHARES:.0f} points: {prompts} prompts"
    else:
        yield (
            f"not enough for {100 * MARGIN_OF_SHARES:.0f} points of success: "
            f"{describe_count(wanted - prompts, 'prompt')} more, which repeats do not replace"
        )


def _estimate_spread(history: Sequence[Row]) -> float | None:
    """Standard deviation of log TTFT within a prompt, pooled; None below two prompts that were answered twice."""
    logs: dict[tuple[str, str, int], list[float]] = {}
    for row in history:
        if row.ttft_ms and not row.wants_failure and not row.is_warmup:
            logs.setdefault((row.scenario, row.sample, row.turn), []).append(math.log(row.ttft_ms))
    variances = [statistics.variance(values) for values in logs.values() if len(values) > 1]
    return math.sqrt(statistics.fmean(variances)) if len(variances) > 1 else None
