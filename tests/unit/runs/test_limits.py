"""What recorded requests say of limits, by times written out by hand: spans, delays, and widths."""

import pytest
from msgspec.structs import replace
from support.chat_records import chunk, exchange, stream

from byok_bench.runs.limits.concurrency import Wave, choose_safe_wave
from byok_bench.runs.limits.drains import Drain, DrainRecord, Recovery
from byok_bench.runs.limits.header_truth import judge_budgets, judge_delays
from byok_bench.runs.limits.rates import Span, count_one, count_tokens, estimate_rate, tell_rates_apart
from byok_bench.runs.limits.shots import Shot


def shot(
    at_s: float, *, until_s: float | None = None, limited: bool = False, tokens: int = 100, **headers: str
) -> Shot:
    """A request that was decided on 10 ms after it was written."""
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    if limited:
        body = b'{"error":{"message":"Rate limit reached.","type":"requests","code":"rate_limit_exceeded"}}'
        made = exchange(body, headers={"content-type": "application/json", **fields}, status=429)
    else:
        said = stream(
            chunk({"content": "one"}), chunk(finish="stop"), chunk(choices=[], usage={"total_tokens": tokens})
        )
        made = exchange(said, headers={"content-type": "text/event-stream", **fields})
    phases = made.raw.phases
    phases.written, phases.head = int(at_s * 1e9), int((at_s + 0.01) * 1e9)
    phases.end = int((until_s or at_s + 0.01) * 1e9)
    return Shot(exchange=made)


def refused(at_s: float, **headers: str) -> Shot:
    """A 429."""
    return shot(at_s, limited=True, **headers)


def window(told: str = "", **headers: str) -> DrainRecord:
    """Four requests in ten seconds, asked twice a second: openings at 10 and 20 s."""
    asked = {"retry_after": told} if told else {}
    first = Drain(shots=(shot(7), shot(8), refused(8.5, **asked)))
    opening = Recovery(refused=first.shots[-1], polls=(refused(9.5, **asked), shot(10.5)))
    second = Drain(shots=(shot(11), shot(11.5), shot(12, **headers), refused(12.5, **asked)))
    closing = Recovery(refused=second.shots[-1], polls=(refused(19.5, **asked), shot(20.5)))
    return DrainRecord(drains=(first, second), recoveries=(opening, closing))


def bucket() -> DrainRecord:
    """Six at once, then one a second."""
    drains = [Drain(shots=(*(shot(0.1 * at) for at in range(6)), refused(0.6)))]
    recoveries = []
    for at in range(1, 11):
        recoveries.append(Recovery(refused=drains[-1].shots[-1], polls=(refused(at + 0.1), shot(at + 0.7))))
        drains.append(Drain(shots=(refused(at + 0.75),)))
    return DrainRecord(drains=tuple(drains), recoveries=tuple(recoveries))


def test_a_window_is_counted_from_one_opening_to_the_refusal() -> None:
    """The poll that was let in is the first of four; the first drain saw the end of an earlier window."""
    found = estimate_rate(window(), count_one)
    assert (found.style, found.per_window) == ("window", Span(4.0, 4.0))
    assert found.window_s.has(10.0)
    assert not found.window_s.has(11.1)


def test_a_drain_that_took_half_the_time_between_two_openings_may_have_seen_two_windows() -> None:
    """The span says so: from half of what went through in half the time, to all of it."""
    record = window()
    slow = Drain(shots=(shot(11), shot(12), shot(13), refused(14.9)))
    found = estimate_rate(replace(record, drains=(record.drains[0], slow)), count_one)
    assert found.per_window == Span(2.0, 4.0)
    assert found.window_s.has(5.0)
    assert found.window_s.has(10.0)


def test_tokens_of_a_window_are_known_to_one_request() -> None:
    """What did not fit would have taken as much as the others."""
    assert estimate_rate(window(), count_tokens).per_window == Span(400.0, 499.0)


def test_a_bucket_is_known_by_what_flows_in() -> None:
    """Ten in ten seconds, give or take one; it held six, less what flowed in meanwhile."""
    found = estimate_rate(bucket(), count_one)
    assert found.style == "bucket"
    assert found.per_minute.has(60.0)
    assert not found.per_minute.has(80.0)
    assert found.burst.has(6.0)
    assert not found.burst.has(7.1)


def test_what_was_never_refused_is_at_least_half_of_what_went_through() -> None:
    """A window may have ended in between."""
    found = estimate_rate(DrainRecord(drains=(Drain(shots=tuple(map(shot, range(5)))),), recoveries=()), count_one)
    assert (found.is_met, found.per_window, found.passed) == (False, Span(3.0), 5.0)


def test_as_many_large_requests_as_small_ones_met_the_limit_of_requests() -> None:
    """Of tokens it is known what went through."""
    rates = tell_rates_apart(window(), window())
    assert (rates.requests.is_met, rates.tokens.is_met, rates.tokens.per_window) == (True, False, Span(400.0))


def test_small_requests_alone_do_not_tell_which_limit_they_met() -> None:
    """Nor do large ones that ended before they could."""
    few = DrainRecord(drains=(Drain(shots=(shot(30, tokens=100),)),), recoveries=())
    assert not tell_rates_apart(window(), None).are_told_apart
    assert not tell_rates_apart(window(), few).are_told_apart
    beyond = DrainRecord(drains=(Drain(shots=(shot(30, tokens=600),)),), recoveries=())
    assert tell_rates_apart(window(), beyond).are_told_apart


def test_fewer_large_requests_than_small_ones_met_the_limit_of_tokens() -> None:
    """Three in place of four."""
    large = window()
    opening = replace(large.recoveries[0], polls=(shot(10.5, tokens=900),))
    drains = (large.drains[0], Drain(shots=(shot(11, tokens=900), shot(11.5, tokens=900), refused(12))))
    rates = tell_rates_apart(window(), DrainRecord(drains=drains, recoveries=(opening, large.recoveries[1])))
    assert (rates.requests.is_met, rates.requests.per_window) == (True, Span(4.0, 4.0))
    assert (rates.tokens.is_met, rates.tokens.per_window) == (True, Span(2700.0, 3599.0))


@pytest.mark.parametrize(
    ("told", "truth", "said"),
    [
        ("", "absent", "4 refusals told no delay"),
        ("0.9", "false", "and 6.99 s later it refused again"),
        ("25", "false", "Retry-After told 25 s, and 2.01 s later it let in"),
    ],
)
def test_a_delay_is_believed_only_if_it_was_so(told: str, truth: str, said: str) -> None:
    """Too short if it refused again after it, too long if it let in before."""
    found = judge_delays([window(told)])
    assert (found.truth, said in found.sentence) == (truth, True), found.sentence


def test_a_delay_in_whole_seconds_may_be_rounded_up() -> None:
    """Two seconds were told, and it opened after 1.1 s."""
    first = refused(8.5, retry_after="2")
    recovery = Recovery(refused=first, polls=(shot(9.6),))
    record = DrainRecord(drains=(Drain(shots=(first,)), Drain(shots=())), recoveries=(recovery,))
    assert judge_delays([record]).truth == "true"


@pytest.mark.parametrize(
    ("limit", "left", "truth"), [("4", "0", "true"), ("8", "0", "false"), ("4", "4", "false"), ("24", "0", "true")]
)
def test_told_budgets_are_held_against_what_was_let_in(limit: str, left: str, truth: str) -> None:
    """A window of four in ten seconds may be told as four, or as 24 a minute; before a refusal nothing is left."""
    told = {"x_ratelimit_limit_requests": limit, "x_ratelimit_remaining_requests": left}
    record = window(**told)
    found = judge_budgets([record], tell_rates_apart(record, record), width=1)
    assert found.truth == truth, found.sentence


def wave(width: int, seconds: float, limited: int = 0) -> Wave:
    """A wave that took so long."""
    shots = [shot(0, until_s=seconds) for _ in range(width - limited)]
    return Wave(width=width, shots=(*shots, *(refused(0) for _ in range(limited))))


WAVES = (wave(1, 1.0), wave(2, 1.0), wave(4, 1.05), wave(8, 2.0), wave(16, 2.0, limited=8))


@pytest.mark.parametrize(("allowed_per_s", "width"), [(None, 4), (100.0, 4), (1.5, 2), (0.2, 1)])
def test_the_safe_width_gives_nearly_all_and_no_more_than_is_allowed(allowed_per_s: float | None, width: int) -> None:
    """Four give as much as eight, which take twice as long; a limit over time needs fewer."""
    found = choose_safe_wave(WAVES, allowed_per_s)
    assert found is not None
    assert found.width == width


def test_answers_under_way_at_a_time_are_counted_by_their_times() -> None:
    """A wave whose first answer was over before the last was sent is narrower than it was meant."""
    made = Wave(width=3, shots=(shot(0, until_s=1), shot(0.5, until_s=2), shot(1.5, until_s=3)))
    assert (made.admitted, made.overlap) == (3, 2)
