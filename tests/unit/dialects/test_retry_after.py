import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.error_cases import body_of, head_of, table

from byok_bench.dialects.failures.classification import classify_error_answer
from byok_bench.dialects.failures.durations import (
    read_decimal,
    read_duration_s,
    read_http_date_s,
    read_wait_s,
)
from byok_bench.wire.raw_exchange import RawHead


@pytest.mark.parametrize("case", table("delays"))
def test_the_first_usable_form_gives_the_delay(case: dict[str, Any]) -> None:
    """Headers, details, text and budgets are asked in order, and what is unusable counts as absent."""
    failure = classify_error_answer(head_of(case), body_of(case))
    assert failure.retry_after_s == (None if case["delay"] is None else pytest.approx(case["delay"]))


@given(st.integers(0, 99), st.integers(0, 59), st.integers(0, 59), st.integers(0, 999))
def test_a_duration_is_the_sum_of_its_parts(hours: int, minutes: int, seconds: int, rest: int) -> None:
    """Hours, minutes, seconds and milliseconds add up, however they are written."""
    expected = pytest.approx(hours * 3600 + minutes * 60 + seconds + rest / 1000)
    assert read_duration_s(f"{hours}h{minutes}m{seconds}.{rest:03}s") == expected
    assert read_duration_s(f"{hours}h{minutes}m{seconds}s{rest}ms") == expected
    assert read_duration_s(f"{hours} hours, {minutes} minutes and {seconds} seconds {rest} milliseconds") == expected


@given(st.text())
def test_any_text_is_a_delay_or_none(text: str) -> None:
    """No text makes a parser raise, and what they give is finite and not negative."""
    for read in (read_duration_s, read_decimal):
        value = read(text)
        assert value is None or (math.isfinite(value) and value >= 0)
    date = read_http_date_s(text)
    assert date is None or math.isfinite(date)


@given(
    st.lists(
        st.sampled_from(["Sun,", "Sun", "06", "Nov", "6", "1994", "99999", "08:49:37", "25:61", "GMT", "-", "+9999"]),
        max_size=7,
    )
)
def test_any_pieces_of_a_date_are_a_date_or_none(pieces: list[str]) -> None:
    """Half a date, or one in a wrong order, does not raise."""
    date = read_http_date_s(" ".join(pieces))
    assert date is None or math.isfinite(date)


def test_a_number_too_large_for_a_float_is_no_number() -> None:
    """Digits without end are not an infinite delay."""
    assert read_decimal("9" * 400) is None


def test_a_stored_answer_is_judged_by_its_own_clock() -> None:
    """Without the time of receipt the date that the server wrote says when a reset was told."""
    headers = (("date", "Tue, 07 Oct 2025 13:56:40 GMT"), ("x-ratelimit-reset", "1759845420"))
    head = RawHead(status=429, http="1.1", headers=headers, received_s=None)
    assert classify_error_answer(head, b"{}").retry_after_s == pytest.approx(20)


def test_the_time_of_receipt_stands_before_the_servers_date() -> None:
    """A clock of a server that is wrong makes no delay wrong."""
    headers = (("date", "Tue, 07 Oct 2025 13:00:00 GMT"), ("x-ratelimit-reset", "1759845420"))
    head = RawHead(status=429, http="1.1", headers=headers, received_s=1759845400)
    assert classify_error_answer(head, b"{}").retry_after_s == pytest.approx(20)


@given(st.text(), st.floats(0, 2e9))
def test_any_text_is_a_wait_or_none(text: str, now: float) -> None:
    """Whatever stands in a reset header, a wait is finite and not negative."""
    value = read_wait_s(text, now)
    assert value is None or (math.isfinite(value) and value >= 0)
