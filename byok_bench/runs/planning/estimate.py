"""What a run will take before it is started: requests, tokens, money, seconds. Nothing is sent, nothing is looked up.

Counts are upper bounds, as an agent loop may end early: requests as many as the turns allow, output as much as is asked
for. A prompt's tokens are taken to be a quarter of its characters, which is right within a third for English text and
JSON; a server's own count is known only afterwards.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Price
from byok_bench.endpoints.model_requests import find_named_model
from byok_bench.runs.planning.exclusions import find_exclusion
from byok_bench.runs.planning.plan import Plan, Target
from byok_bench.scenarios.agent import build_opening
from byok_bench.scenarios.scenario import Sample, Scenario, count_most_answers, lay_over

CHARACTERS_A_TOKEN: Final = 4
REPEATS_BUY: Final = {
    2: "a first look: medians, no intervals",
    6: "medians with 95 % intervals",
    20: "p90 as well, and finer differences",
}
"""Repeats → what the tables can say from there on; stats need as many samples (docs/metrics.md)."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What a run will take at most."""

    requests: int
    tokens: int
    """Prompt and output."""
    costs: tuple[tuple[str, float], ...] = ()
    """Currency and amount, of the targets whose price is declared."""
    unpriced: tuple[str, ...] = ()
    """Labels of endpoints that may charge and declare no price."""
    seconds: float | None = None
    """One request after the other; None if it is not known how long any of them takes."""

    def describe(self) -> str:
        """`54 requests, about 40 s, 9 000 tokens, 0.01 USD at most`."""
        parts = [
            f"{self.requests:,} request{'' if self.requests == 1 else 's'}".replace(",", " "),
            f"about {_describe_seconds(self.seconds)}" if self.seconds is not None else "time not known yet",
            f"≈ {self.tokens:,} tokens".replace(",", " "),
            *(f"≈ {amount:.2g} {currency}" for currency, amount in self.costs),
        ]
        unpriced = f" No price is declared for {', '.join(self.unpriced)}." if self.unpriced else ""
        return f"At most {', '.join(parts)}.{unpriced}"


class _Sum:
    """What one target takes."""

    def __init__(self) -> None:
        self.requests = self.prompt = self.output = 0


def estimate_plan(
    plan: Plan, endpoints: Sequence[Endpoint], request_ms: Mapping[str, float], free: Sequence[str] = ()
) -> Estimate:
    """The estimate of a plan. `request_ms`: endpoint label → how long one of its requests takes, as far as is known;
    `free`: labels of endpoints that cannot charge, such as servers of this machine.
    """
    sums = [_sum_target(plan, target) for target in plan.targets]
    costs: dict[str, float] = {}
    unpriced: list[str] = []
    for target, total in zip(plan.targets, sums, strict=True):
        price = _find_price(endpoints[target.endpoint], target.model)
        if price is not None:
            amount = total.prompt * (price.input or 0.0) + total.output * (price.output or 0.0)
            costs[price.currency] = costs.get(price.currency, 0.0) + amount / 1e6
        elif target.label not in free:
            unpriced.append(target.label)
    known = [request_ms.get(target.label) for target in plan.targets]
    timed = [ms * total.requests for ms, total in zip(known, sums, strict=True) if ms is not None]
    return Estimate(
        requests=sum(total.requests for total in sums),
        tokens=sum(total.prompt + total.output for total in sums),
        costs=tuple(costs.items()),
        unpriced=tuple(dict.fromkeys(unpriced)),
        seconds=sum(timed) / 1e3 if len(timed) == len(sums) else None,
    )


def _sum_target(plan: Plan, target: Target) -> _Sum:
    total = _Sum()
    for scenario in plan.scenarios:
        model = find_named_model(plan.endpoints[target.endpoint], target.model)
        for sample in scenario.samples:
            if find_exclusion(target, scenario, sample, model) is not None:
                continue
            requests, prompt, output = _measure_sample(scenario, sample, target)
            times = plan.repeats * len(plan.loads)
            total.requests += requests * times
            total.prompt += prompt * times
            total.output += output * times
    total.requests += plan.warmup
    return total


def _measure_sample(scenario: Scenario, sample: Sample, target: Target) -> tuple[int, int, int]:
    """(requests, prompt tokens, output tokens) of one play of a sample; a prompt grows by what was said before."""
    task = lay_over(scenario, sample)
    requests = 1 if scenario.wants_failure else count_most_answers(task)
    opening = json.dumps(build_opening(scenario, sample, target.schema, target.window), ensure_ascii=False)
    prompt = len(opening) // CHARACTERS_A_TOKEN
    output = 0 if scenario.wants_failure else (task.request.max_tokens or 0)
    grown = sum(prompt + turn * output for turn in range(requests))
    return requests, grown, requests * output


def _find_price(endpoint: Endpoint, model: str) -> Price | None:
    return next((one.price for one in endpoint.models if one.name == model), None)


def _describe_seconds(seconds: float) -> str:
    return f"{max(seconds, 1):.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
