"""Bounds: what a search for limits may take, refused where there is none, and said in words before anything is sent."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from byok_bench.checks.ladder.climb import choose_model_id, find_currency
from byok_bench.checks.ladder.report import describe_spending
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.errors import PlanError
from byok_bench.runs.planning.budgets import Limits, check_limits

ANSWER_TOKENS: Final = 16
"""Most that an answer may have: long enough to overlap with others, and cheap."""
OPENING_TOKENS: Final = 24
"""Tokens of a small prompt, by rule of thumb."""
LARGE_TOKENS: Final = 1000


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """What a search may take; at least one of them is set."""

    requests: int | None = None
    cost: float | None = None
    """In the currency of the declared price."""
    seconds: float | None = None
    """After which no request is sent; those under way finish."""

    def check(self, endpoint: Endpoint) -> None:
        """Raise PlanError if there is no bound, or one that cannot be held."""
        if (self.requests, self.cost, self.seconds) == (None, None, None):
            raise PlanError(
                "a search for limits sends until it is refused: give --max-requests, --max-cost or --max-seconds",
                code="no_bound",
            )
        if self.seconds is not None and not 0 < self.seconds < float("inf"):
            raise PlanError(f"limits: seconds must be above 0, not {self.seconds!r}", code="bad_plan")
        check_limits(Limits(requests=self.requests, cost=self.cost), [endpoint])


class SearchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched, and how."""

    endpoint: Endpoint
    model: str
    bounds: Bounds
    widest: int
    """Requests at a time that are tried at most."""
    window_s: float
    """The minute of the server: what a rate is expected to be counted in."""
    large_tokens: int
    """Tokens of prompt of the large requests, which find a limit of tokens."""
    profile: str
    policy: Mapping[str, Any] | None
    on_progress: Callable[[str], None]


def describe_search(endpoint: Endpoint, model: str | None, bounds: Bounds, large_tokens: int = LARGE_TOKENS) -> str:
    """What a search may take, in words: its bounds, and what they come to as far as prices are declared."""
    chosen = choose_model_id(endpoint, model)
    tokens = OPENING_TOKENS + large_tokens + ANSWER_TOKENS
    known = endpoint.find_model(chosen)
    price = known.price if known else None
    dearest = None
    if price is not None and bounds.requests is not None:
        inward, outward = (OPENING_TOKENS + large_tokens) * (price.input or 0), ANSWER_TOKENS * (price.output or 0)
        dearest = bounds.requests * (inward + outward) / 1e6
    cost = bounds.cost if bounds.cost is not None else dearest
    if bounds.cost is not None and dearest is not None:
        cost = min(bounds.cost, dearest)
    most = None if bounds.requests is None else bounds.requests * tokens
    said = describe_spending(bounds.requests, most, cost, find_currency(endpoint, chosen))
    time = "" if bounds.seconds is None else f"{bounds.seconds:g} seconds"
    small = OPENING_TOKENS + ANSWER_TOKENS
    return f"at most {', '.join(filter(None, (said, time)))}; requests are of about {small} and {tokens} tokens"
