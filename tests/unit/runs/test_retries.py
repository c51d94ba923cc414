"""Which failures are tried again, and after which delay."""

import random

import pytest

from byok_bench.runs.planning.retries import Retries, choose_retry_delay
from byok_bench.wire.failures import Failure

DICE = random.Random(0)


def broken(*, retryable: bool = True, after: float | None = None) -> Failure:
    """A failure that may be tried again, or not."""
    return Failure(kind="overloaded", phase="headers", message="x", retryable=retryable, retry_after_s=after)


@pytest.mark.parametrize(
    ("failure", "attempt", "retries", "why"),
    [
        (None, 1, Retries(attempts=3), "answered"),
        (broken(retryable=False), 1, Retries(attempts=3), "not retryable"),
        (broken(), 1, Retries(), "no retries asked for"),
        (broken(), 3, Retries(attempts=3), "attempts used up"),
        (broken(after=60), 1, Retries(attempts=3), "asked to wait 60 s"),
    ],
)
def test_a_result_is_final_with_its_reason(failure: Failure | None, attempt: int, retries: Retries, why: str) -> None:
    """No further attempt follows, and the row can say why."""
    delay, said = choose_retry_delay(failure, attempt, retries, DICE)
    assert delay is None
    assert why in said


def test_the_servers_own_delay_is_kept() -> None:
    """A server that names a delay is not asked earlier."""
    assert choose_retry_delay(broken(after=2.5), 1, Retries(attempts=2), DICE) == (2.5, "asked for")


def test_without_one_the_delay_doubles() -> None:
    """Delays of our own grow, and are spread over half of their length."""
    retries = Retries(attempts=9, first_delay_s=1.0)
    for attempt, most in ((1, 1.0), (2, 2.0), (3, 4.0)):
        delay, _ = choose_retry_delay(broken(), attempt, retries, DICE)
        assert delay is not None
        assert most / 2 <= delay <= most
