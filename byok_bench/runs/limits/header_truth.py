"""Whether what a server tells of its limits is true: Retry-After by when it let in again, budgets by what it let in."""

from collections.abc import Iterator, Sequence
from typing import Final, Literal

import msgspec

from byok_bench.runs.limits.drains import DrainRecord, Recovery
from byok_bench.runs.limits.rates import Rate, Rates, count_one, count_tokens
from byok_bench.runs.limits.shots import Shot
from byok_bench.runs.limits.told_budgets import has_delay_header, read_budgets

Truth = Literal["true", "false", "absent", "unknown"]
SPARE_SHARE: Final = 0.1
SPARE_S: Final = 0.02
"""A time that is told may be off by this share of it, and by so many seconds more."""
WHOLE_S: Final = 1.0
"""… and one in whole seconds was rounded up."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is told, and whether it holds."""

    truth: Truth
    sentence: str
    shots: tuple[Shot, ...] = ()


def judge_delays(records: Sequence[DrainRecord]) -> Told:
    """Retry-After, or the delay that a refusal tells in another form, of every refusal before a recovery."""
    recoveries = [recovery for record in records for recovery in record.recoveries]
    refusals = [shot for recovery in recoveries for shot in recovery.limited]
    told = [shot for shot in refusals if shot.told_wait_s is not None]
    if not refusals:
        return Told(truth="unknown", sentence="no refusal over time was met")
    if not told:
        return Told(truth="absent", sentence=f"{len(refusals)} refusals told no delay", shots=(refusals[0],))
    name = (
        "Retry-After"
        if any(has_delay_header(shot.exchange) for shot in told)
        else "the delay in other headers or words"
    )
    short = [pair for recovery in recoveries if (pair := _find_short(recovery))]
    if short:
        first, later = max(short, key=lambda pair: pair[1].sent_ns - pair[0].decided_ns)
        passed = (later.sent_ns - first.decided_ns) / 1e9
        said = f"{name} told {first.told_wait_s:.3g} s, and {passed:.3g} s later it refused again"
        return Told(truth="false", sentence=said, shots=(first, later))
    long = [pair for recovery in recoveries if (pair := _find_long(recovery))]
    if long:
        first, later = max(long, key=lambda pair: pair[0].told_wait_s or 0)
        passed = (later.decided_ns - first.sent_ns) / 1e9
        said = f"{name} told {first.told_wait_s:.3g} s, and {passed:.3g} s later it let in"
        return Told(truth="false", sentence=said, shots=(first, later))
    opened = [recovery for recovery in recoveries if recovery.admitted is not None]
    if not opened:
        return Told(truth="unknown", sentence=f"{name} was told, and nothing was let in again", shots=(told[0],))
    shown = [shot for shot in (opened[0].refused, opened[0].admitted) if shot is not None]
    return Told(truth="true", sentence=f"{name} was right in {len(told)} refusals", shots=tuple(shown))


def _find_short(recovery: Recovery) -> tuple[Shot, Shot] | None:
    """A refusal, and a later one after the time that it told."""
    limited = recovery.limited
    for at, first in enumerate(limited):
        told = first.told_wait_s
        for later in limited[at + 1 :]:
            if told is not None and later.sent_ns - first.decided_ns > (told + _find_spare(told)) * 1e9:
                return first, later
    return None


def _find_long(recovery: Recovery) -> tuple[Shot, Shot] | None:
    """A refusal, and the request that was let in before the time that it told was over."""
    admitted = recovery.admitted
    for first in recovery.limited:
        told = first.told_wait_s
        if told is None or admitted is None:
            continue
        spare = _find_spare(told) + (WHOLE_S if told.is_integer() else 0)
        if admitted.decided_ns - first.sent_ns < (told - spare) * 1e9:
            return first, admitted
    return None


def _find_spare(told_s: float) -> float:
    return SPARE_SHARE * told_s + SPARE_S


def judge_budgets(records: Sequence[DrainRecord], rates: Rates, width: int) -> Told:
    """x-ratelimit-*: the limits that they tell against those that were found, and what was left before a refusal.

    `width`: requests that were under way at a time, by which what is left may be behind.
    """
    shots = [shot for record in records for shot in record.shots]
    telling = [shot for shot in shots if read_budgets(shot.exchange)]
    if not shots:
        return Told(truth="unknown", sentence="no request was answered")
    if not telling:
        return Told(truth="absent", sentence="no header tells of a budget", shots=tuple(shots[:1]))
    if not rates.are_told_apart:
        said = "which of the budgets was met is not known"
        return Told(truth="unknown", sentence=said, shots=(telling[-1],))
    wrong = [*_iterate_wrong_limits(telling[-1], rates), *_iterate_wrong_rests(records, rates, width)]
    if wrong:
        return Told(truth="false", sentence="; ".join(said for said, _ in wrong), shots=tuple(one for _, one in wrong))
    if not any(rate.is_met and kind in read_budgets(telling[-1].exchange) for kind, rate in _list_rates(rates)):
        said = "headers tell of budgets, of which none was met"
        return Told(truth="unknown", sentence=said, shots=(telling[-1],))
    limits = [
        f"{one.limit:g} {kind}" for kind, one in read_budgets(telling[-1].exchange).items() if one.limit is not None
    ]
    return Told(truth="true", sentence=f"headers tell {' and '.join(limits)}, as it is", shots=(telling[-1],))


def _list_rates(rates: Rates) -> list[tuple[str, Rate]]:
    return [("requests", rates.requests), ("tokens", rates.tokens)]


def _iterate_wrong_limits(shot: Shot, rates: Rates) -> Iterator[tuple[str, Shot]]:
    told = read_budgets(shot.exchange)
    for kind, rate in _list_rates(rates):
        limit = told[kind].limit if kind in told else None
        known = [span for span in (rate.per_window, rate.per_minute, rate.burst) if span.low or span.high]
        if limit is not None and known and not any(span.has(limit) for span in known):
            found = rate.per_window if rate.style != "bucket" else rate.burst
            yield f"headers tell {limit:g} {kind}, and it is {found}", shot


def _iterate_wrong_rests(records: Sequence[DrainRecord], rates: Rates, width: int) -> Iterator[tuple[str, Shot]]:
    """What the last answer before a refusal tells to be left has to be less than those under way took."""
    for kind, rate in _list_rates(rates):
        if not rate.is_met:
            continue
        weigh = count_one if kind == "requests" else count_tokens
        record = next((one for one in records if set(rate.shots) & set(one.shots)), None)
        for drain in record.drains if record is not None else ():
            last = drain.admitted[-1] if drain.admitted and drain.limited else None
            told = read_budgets(last.exchange).get(kind) if last is not None else None
            left = told.remaining if told is not None else None
            if left is not None and left > (width + 1) * max(weigh(shot) for shot in drain.admitted):
                yield f"headers told {left:g} {kind} to be left before a refusal", drain.admitted[-1]
                return
