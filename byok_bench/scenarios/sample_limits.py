"""Limits of one sample: what its answers have taken so far, and which limit that reaches.

Computed from the recorded answers and the declared price alone, so that a stored sample ends where it ended.
"""

from collections.abc import Sequence

from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model import Price
from byok_bench.endpoints.prices import compute_cost
from byok_bench.scenarios.scenario import Limits


def find_reached_limit(limits: Limits, answers: Sequence[Exchange], price: Price | None) -> str:
    """Which limit the answers have reached, in a clause; empty if none."""
    if limits.tokens is not None and (tokens := sum(map(_count_tokens, answers))) >= limits.tokens:
        return f"{tokens} tokens, and its limit is {limits.tokens}"
    if limits.seconds is not None and (seconds := sum(map(_compute_seconds, answers))) >= limits.seconds:
        return f"{seconds:.1f} s, and its limit is {limits.seconds:g} s"
    if limits.cost is not None and (cost := sum(_compute_cost(one, price) for one in answers)) >= limits.cost:
        return f"a cost of {cost:.4g}, and its limit is {limits.cost:g}"
    return ""


def _count_tokens(answer: Exchange) -> int:
    usage = answer.output.usage
    counted = (usage.prompt_tokens or 0) + (usage.completion_tokens or 0) if usage is not None else 0
    return counted or len(answer.reading.marks)


def _compute_seconds(answer: Exchange) -> float:
    phases = answer.raw.phases
    return 0.0 if phases.end is None else (phases.end - phases.start) / 1e9


def _compute_cost(answer: Exchange, price: Price | None) -> float:
    usage = answer.output.usage
    if usage is None:
        return 0.0
    return usage.cost if usage.cost is not None else compute_cost(price, usage) if price is not None else 0.0
