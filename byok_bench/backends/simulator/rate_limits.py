"""Rate limits that a simulator holds: answers at a time, and requests and tokens a window, each told truly or not.

Tokens are those that the answer's usage tells, taken when the request is admitted. What is refused takes nothing.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from time import perf_counter
from typing import Any, Final

from byok_bench.backends.backend import BackendError
from byok_bench.backends.simulator.refusal import Refusal
from byok_bench.backends.simulator.reply import Headers

STYLES: Final = ("window", "bucket")
"""A fixed window, whose whole budget comes back at once; a token bucket, which fills evenly."""
TRUTHS: Final[Mapping[str, tuple[str, ...]]] = {
    "style": STYLES,
    "retry_after": ("true", "short", "long", "none"),
    "headers": ("true", "wrong", "none"),
}
_STRETCH: Final = {"true": 1.0, "short": 0.1, "long": 10.0}
_BUSY_S: Final = 0.05
"""What a server without a free place tells: it cannot know when one will be."""


@dataclass(frozen=True)
class RateLimits:
    """What is held, and what is told of it; None: no such limit."""

    concurrency: int | None = None
    """Answers under way at a time."""
    requests: int | None = None
    """A window."""
    tokens: int | None = None
    """A window, prompt and answer."""
    window_s: float = 60.0
    style: str = "window"
    retry_after: str = "true"
    """Retry-After as it is, a tenth of it, ten times as long, or none."""
    headers: str = "true"
    """x-ratelimit-*: as it is; twice the limit, of which nothing is ever used; or none."""


def make_rate_limits(given: RateLimits | Mapping[str, Any] | None) -> RateLimits:
    """Of a mapping. Raises BackendError for a name or value that is none."""
    if isinstance(given, RateLimits) or not given:
        return given if isinstance(given, RateLimits) else RateLimits()
    names = [one.name for one in dataclasses.fields(RateLimits)]
    for name, value in given.items():
        if name not in names:
            near = get_close_matches(name, names, n=1)
            meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names)}"
            raise BackendError(f"no limit is called {name!r}; {meant}", code="unknown_limit")
        wanted = TRUTHS.get(name)
        if value not in wanted if wanted else not (isinstance(value, (int, float)) and value > 0):
            meant = f"one of {', '.join(wanted)}" if wanted else "a number above 0"
            raise BackendError(f"limit {name!r} is {meant}, not {value!r}", code="unknown_limit")
    return RateLimits(**given)


class Allotment:
    """What may be taken of one kind within a window."""

    def __init__(self, limit: int, window_s: float, style: str, now: float) -> None:
        self.limit = limit
        self._window_s = window_s
        self._is_bucket = style == "bucket"
        self._since = now
        self._left = float(limit)

    def refill(self, now: float) -> None:
        """Bring what is left up to now."""
        passed = now - self._since
        if self._is_bucket:
            self._left = min(self.limit, self._left + passed * self.limit / self._window_s)
            self._since = now
        elif passed >= self._window_s:
            self._left = self.limit
            self._since += passed // self._window_s * self._window_s

    def compute_wait(self, amount: int, now: float) -> float:
        """Seconds until so much is left; 0 if it is."""
        if self._left >= amount:
            return 0.0
        if self._is_bucket:
            return (min(amount, self.limit) - self._left) * self._window_s / self.limit
        return self._since + self._window_s - now

    def take(self, amount: int) -> None:
        """Take it."""
        self._left -= amount

    def describe(self, name: str, truth: str, now: float) -> Headers:
        """The headers that tell of it."""
        limit, left = (self.limit, self._left) if truth == "true" else (2 * self.limit, 2 * self.limit)
        full = self.compute_wait(self.limit, now)
        return {
            f"x-ratelimit-limit-{name}": str(limit),
            f"x-ratelimit-remaining-{name}": str(int(left)),
            f"x-ratelimit-reset-{name}": f"{full * (1 if truth == 'true' else 10):.3f}s",
        }


class Limiter:
    """Lets requests in or refuses them. `clock`: seconds, for tests."""

    def __init__(self, limits: RateLimits, clock: Callable[[], float] = perf_counter) -> None:
        self.limits = limits
        self._clock = clock
        self._under_way: set[int] = set()
        kinds = {"requests": limits.requests, "tokens": limits.tokens}
        self._allotments = {
            name: Allotment(limit, limits.window_s, limits.style, clock()) for name, limit in kinds.items() if limit
        }

    def admit(self, place: int, tokens: int) -> Headers:
        """Let a request in, which holds a place until `release`; the headers that its answer has. Raises Refusal."""
        now = self._clock()
        wanted = {"requests": 1, "tokens": tokens}
        for allotment in self._allotments.values():
            allotment.refill(now)
        waits = {name: one.compute_wait(wanted[name], now) for name, one in self._allotments.items()}
        tightest = max(waits, key=lambda name: waits[name], default="")
        if self.limits.concurrency and len(self._under_way) >= self.limits.concurrency:
            raise self._make_refusal("Too many requests at a time.", "concurrency", _BUSY_S, now)
        if tightest and waits[tightest] > 0:
            raise self._make_refusal(f"Rate limit reached for {tightest}.", tightest, waits[tightest], now)
        for name, allotment in self._allotments.items():
            allotment.take(wanted[name])
        self._under_way.add(place)
        return self._describe(now)

    def release(self, place: int) -> None:
        """The answer is over; harmless for one that was not let in."""
        self._under_way.discard(place)

    def _describe(self, now: float) -> Headers:
        if self.limits.headers == "none":
            return {}
        told = [one.describe(name, self.limits.headers, now) for name, one in self._allotments.items()]
        return {name: value for headers in told for name, value in headers.items()}

    def _make_refusal(self, message: str, kind: str, wait_s: float, now: float) -> Refusal:
        headers = self._describe(now)
        if self.limits.retry_after != "none":
            headers["retry-after"] = f"{wait_s * _STRETCH[self.limits.retry_after]:.3f}"
        return Refusal(429, message, kind=kind, code="rate_limit_exceeded", headers=headers)
