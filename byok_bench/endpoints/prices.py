"""What tokens cost by a declared price."""

from byok_bench.dialects.output import Usage
from byok_bench.endpoints.model import Price

PER: float = 1e6
"""Tokens that a price is for."""


def compute_cost(price: Price, usage: Usage) -> float:
    """Cost of one answer in the price's currency; what has no price of its own costs what the whole does.

    Cached tokens are part of the prompt, reasoning tokens part of the completion, in every dialect as it is read here.
    """
    prompt, completion = usage.prompt_tokens or 0, usage.completion_tokens or 0
    cached, reasoning = min(usage.cached_tokens or 0, prompt), min(usage.reasoning_tokens or 0, completion)
    inward, outward = price.input or 0, price.output or 0
    return (
        (prompt - cached) * inward
        + cached * (inward if price.cached_input is None else price.cached_input)
        + (completion - reasoning) * outward
        + reasoning * (outward if price.reasoning is None else price.reasoning)
    ) / PER
