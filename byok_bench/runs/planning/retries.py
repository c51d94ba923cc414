"""Which failures are tried again, and when.

A benchmark tries nothing again by default: a failure is a result. With `attempts` above one, a failure that says it
is retryable is tried again after the delay that the server asked for, else after a doubling one. Every attempt is
kept in the store; the last one counts.
"""

import random

import msgspec

from byok_bench.errors import PlanError
from byok_bench.wire.failures import Failure


class Retries(msgspec.Struct, frozen=True, kw_only=True):
    """How often and how patiently."""

    attempts: int = 1
    """Requests at most for one answer; 1 is no retry."""
    first_delay_s: float = 0.5
    """Delay before the second attempt where the server names none; doubles each time."""
    longest_delay_s: float = 30.0
    """A longer delay, asked for or computed, is not waited for: the failure is final."""

    def __post_init__(self) -> None:
        if self.attempts < 1:
            raise PlanError(f"attempts must be 1 or more, not {self.attempts}", code="bad_plan")


def choose_retry_delay(
    failure: Failure | None, attempt: int, retries: Retries, dice: random.Random
) -> tuple[float | None, str]:
    """(seconds to wait, why) for another attempt; (None, why the result is final) if there is none.

    `attempt` counts from 1. A delay of our own is spread over 50–100 % of its value, so that clients part.
    """
    if failure is None:
        return None, "answered"
    if not failure.retryable:
        return None, "not retryable"
    if attempt >= retries.attempts:
        return None, "attempts used up" if retries.attempts > 1 else "no retries asked for"
    asked = failure.retry_after_s
    delay = asked if asked is not None else retries.first_delay_s * 2 ** (attempt - 1) * dice.uniform(0.5, 1.0)
    if delay > retries.longest_delay_s:
        return None, f"asked to wait {delay:.0f} s, longer than {retries.longest_delay_s:.0f} s"
    return delay, "asked for" if asked is not None else "backoff"
