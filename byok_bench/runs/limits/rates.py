"""How many requests and tokens are let through over time: read from drains, as bounds that hold whatever the clock did.

Each request was decided on between the moment it was written and the moment its answer began; every bound is taken at
the end that makes it wider. A window: what was let in from one opening until the next refusal is its budget, and the
time between two openings its length, unless the drain was so slow that windows may have passed in it. A bucket: what
was let in from one refusal to a later one is what flowed in, give or take the one request that did not fit.
"""

from collections.abc import Callable, Sequence
from math import ceil
from typing import Final, Literal

import msgspec

from byok_bench.runs.limits.drains import DrainRecord, Recovery
from byok_bench.runs.limits.shots import Shot

Style = Literal["window", "bucket"]
Weight = Callable[[Shot], int]
MINUTE_S: Final = 60.0
USUAL_WINDOWS_S: Final = (1.0, 10.0, 60.0, 3600.0, 86_400.0)
MOST_WINDOWS: Final = 16
"""That a drain is taken to reach over, where it was slower than any it is compared with."""
ALIKE: Final = 0.1
"""Two drains that let in the same number of requests, to this share, met the same limit of requests."""


class Span(msgspec.Struct, frozen=True):
    """Between which two values something lies; None where that end is not known."""

    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.low is None and self.high is None:
            return "unknown"
        if self.low is None or self.high is None:
            return f"at least {_format(self.low)}" if self.high is None else f"at most {_format(self.high)}"
        return _format(self.low) if self.low == self.high else f"{_format(self.low)} to {_format(self.high)}"

    def has(self, value: float) -> bool:
        """Whether a value is possible."""
        return (self.low is None or self.low <= value) and (self.high is None or value <= self.high)


def _format(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:.0f}" if value >= 1000 else f"{value:.3g}"


UNKNOWN: Final = Span()


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One limit over time, of requests or of tokens."""

    is_met: bool
    """Whether it was reached at all; if not, the spans are what it is at least."""
    style: Style | None
    per_window: Span = UNKNOWN
    """Of a window: its budget."""
    window_s: Span = UNKNOWN
    per_s: Span = UNKNOWN
    burst: Span = UNKNOWN
    """Of a bucket: what it holds."""
    passed: float | None = None
    """What went through within `window_s` without a refusal, where it was not met."""
    shots: tuple[Shot, ...] = ()
    """That show it."""

    @property
    def per_minute(self) -> Span:
        """What goes through in a minute, in the long run."""
        return Span(*(None if end is None else end * MINUTE_S for end in (self.per_s.low, self.per_s.high)))

    @property
    def usual_window_s(self) -> float | None:
        """The usual length of a window that fits what was measured; None if none does, or several do."""
        fitting = [one for one in USUAL_WINDOWS_S if self.window_s.high is not None and self.window_s.has(one)]
        return fitting[0] if len(fitting) == 1 else None


def count_one(shot: Shot) -> int:
    """A request is a request."""
    return 1


def count_tokens(shot: Shot) -> int:
    """As the server counted them."""
    return shot.tokens


def estimate_rate(record: DrainRecord, weigh: Weight) -> Rate:
    """What a record says of requests, or of tokens, as `weigh` counts."""
    if not record.is_limited:
        return _make_unmet(record, weigh)
    if record.is_window is None:
        return Rate(is_met=True, style=None, shots=tuple(record.drains[0].limited[:1]))
    return _estimate_window(record, weigh) if record.is_window else _estimate_bucket(record, weigh)


def _make_unmet(record: DrainRecord, weigh: Weight) -> Rate:
    """As much went through within the time that it took, which is at most a window: two of them may share it."""
    admitted = record.drains[0].admitted
    if not admitted:
        return Rate(is_met=False, style=None)
    took_s = max(shot.ended_ns for shot in admitted) / 1e9 - admitted[0].sent_ns / 1e9
    passed = sum(weigh(shot) for shot in admitted)
    return Rate(
        is_met=False,
        style=None,
        per_window=Span(float(ceil(passed / 2))),
        window_s=Span(took_s, took_s),
        passed=float(passed),
        shots=(admitted[0], admitted[-1]),
    )


def _estimate_window(record: DrainRecord, weigh: Weight) -> Rate:
    first, drain = record.recoveries[0], record.drains[1]
    assert first.admitted is not None
    admitted = [first.admitted, *drain.admitted]
    passed = float(sum(weigh(shot) for shot in admitted))
    window = _measure_window(record.recoveries)
    refused = drain.limited[0] if drain.limited else None
    spare = max(weigh(shot) for shot in admitted) - 1  # a request that did not fit would have taken as much
    budget = Span(passed, passed + spare if refused else None)
    shots = (first.refused, first.admitted, *drain.admitted[-1:], *drain.limited[:1])
    if window.low is None or window.high is None or refused is None:
        return Rate(is_met=refused is not None, style="window", per_window=budget, window_s=window, shots=shots)
    took_s = (refused.decided_ns - first.limited[-1].sent_ns) / 1e9
    windows = _count_windows(took_s, window.low)
    budget, window = Span(passed / windows, budget.high), Span(window.low / windows, window.high)
    return Rate(
        is_met=True,
        style="window",
        per_window=budget,
        window_s=window,
        per_s=Span(passed / (window.high or 1), (budget.high or 0) / (window.low or 1)),
        shots=shots,
    )


def _count_windows(took_s: float, between_s: float) -> int:
    """How many windows may lie between two openings: a drain that is refused in the m-th took (m − 1) ÷ m of it."""
    share = took_s / between_s
    return max(1, int(1 / (1 - share))) if share < 1 else MOST_WINDOWS


def _measure_window(recoveries: Sequence[Recovery]) -> Span:
    """The time between two openings."""
    brackets = [bracket for recovery in recoveries if (bracket := recovery.bracket_ns)]
    if len(brackets) < 2:
        return UNKNOWN
    (early_low, early_high), (late_low, late_high) = brackets[:2]
    return Span((late_low - early_high) / 1e9, (late_high - early_low) / 1e9)


def _estimate_bucket(record: DrainRecord, weigh: Weight) -> Rate:
    """From the first refusal on: inflow = what was let in, give or take one request."""
    shots = record.shots
    empty = next(shot for shot in shots if shot.is_limited)
    later = [shot for shot in shots if shot.sent_ns > empty.decided_ns]
    admitted = [shot for shot in later if shot.is_admitted]
    refused = [shot for shot in later if shot.is_limited]
    if not admitted:
        return Rate(is_met=True, style="bucket", shots=(empty,))
    one = max(weigh(shot) for shot in admitted)
    flowed = sum(weigh(shot) for shot in admitted)
    slowest_s = (max(shot.decided_ns for shot in admitted) - empty.sent_ns) / 1e9
    low = max(0.0, (flowed - one) / slowest_s)
    high = None
    if refused:
        last = refused[-1]
        before = sum(weigh(shot) for shot in shots if shot.is_admitted and _can_be_between(shot, empty, last))
        high = (before + one) * 1e9 / (last.sent_ns - empty.decided_ns)
    per_s = Span(low, high)
    return Rate(
        is_met=True,
        style="bucket",
        per_s=per_s,
        burst=_estimate_burst(record, weigh, per_s, one),
        shots=(empty, admitted[-1], *refused[-1:]),
    )


def _can_be_between(shot: Shot, first: Shot, last: Shot) -> bool:
    """Whether it may have been decided on after one shot and before another."""
    return shot.decided_ns > first.sent_ns and shot.sent_ns < last.decided_ns


def _estimate_burst(record: DrainRecord, weigh: Weight, per_s: Span, one: int) -> Span:
    """What the first drain let in, less what flowed in meanwhile."""
    drain = record.drains[0]
    passed = sum(weigh(shot) for shot in drain.admitted)
    empty = drain.limited[0]
    most_s = (empty.decided_ns - drain.shots[0].sent_ns) / 1e9
    least_s = max(0.0, (empty.sent_ns - drain.shots[0].decided_ns) / 1e9)
    low = None if per_s.high is None else max(0.0, passed - per_s.high * most_s)
    return Span(low, passed + one - (per_s.low or 0) * least_s)


class Rates(msgspec.Struct, frozen=True, kw_only=True):
    """Both limits over time."""

    requests: Rate
    tokens: Rate
    are_told_apart: bool = True
    """Whether it is known which of the two was met; if not, each is what it would be if it was that."""


def tell_rates_apart(small: DrainRecord, large: DrainRecord | None) -> Rates:
    """Which limit each record met: as many large requests as small ones met that of requests, fewer that of tokens."""
    requests, tokens = estimate_rate(small, count_one), estimate_rate(small, count_tokens)
    if large is None:
        return Rates(requests=requests, tokens=tokens, are_told_apart=not small.is_limited)
    by_count, by_tokens = estimate_rate(large, count_one), estimate_rate(large, count_tokens)
    if not large.is_limited:
        went_beyond = tokens.per_window.high is not None and (by_tokens.passed or 0) > tokens.per_window.high
        is_known = went_beyond or not small.is_limited
        return Rates(requests=requests, tokens=by_tokens, are_told_apart=is_known)
    if not small.is_limited:
        return Rates(requests=requests, tokens=by_tokens)
    if requests.style is None or by_count.style is None:
        return Rates(requests=requests, tokens=by_tokens, are_told_apart=False)
    if _is_alike(requests, by_count):
        return Rates(requests=requests, tokens=_make_at_least(by_tokens))
    if _is_alike(tokens, by_tokens):
        return Rates(requests=_make_at_least(requests), tokens=by_tokens)
    return Rates(requests=requests, tokens=by_tokens)


def _make_at_least(rate: Rate) -> Rate:
    """The same as what went through, of a limit that was not met."""
    return msgspec.structs.replace(
        rate,
        is_met=False,
        style=None,
        per_window=Span(rate.per_window.low),
        per_s=Span(rate.per_s.low),
        burst=Span(rate.burst.low),
    )


def _is_alike(first: Rate, second: Rate) -> bool:
    """Whether both may be the same limit."""
    if first.style != second.style:
        return False
    pairs = [(first.per_window, second.per_window)] if first.style == "window" else [(first.per_s, second.per_s)]
    return all(_has_common_value(one, other) for one, other in pairs)


def _has_common_value(one: Span, other: Span) -> bool:
    """Whether two spans have a value in common, to a tenth."""
    ends = (one.low, one.high, other.low, other.high)
    if any(end is None for end in ends):
        return False
    return one.low * (1 - ALIKE) <= other.high and other.low * (1 - ALIKE) <= one.high  # type: ignore[operator]
