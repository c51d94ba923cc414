"""How long a server asks to wait: headers, body and text, the first usable form.

In order: `retry-after-ms`, `Retry-After` (number or HTTP date), `retryDelay` of an error's details, the
text of the error, and for 429 the reset of an exhausted `x-ratelimit` budget. A form that cannot be
used counts as absent. Nothing here decides whether to retry.
"""

import math
import re
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime

from byok_bench.wire.raw import RawHead

_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_UNITS = r"(?:ms|milliseconds?|msecs?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)"
_STEP = rf"\d{{1,15}}(?:\.\d{{1,15}})?\s?{_UNITS}(?![a-z_])"
_DURATION = re.compile(rf"{_STEP}(?:(?:\s|,\s|\sand\s)?{_STEP})*", re.ASCII | re.IGNORECASE)
_PART = re.compile(rf"(\d+(?:\.\d+)?)\s?({_UNITS})(?![a-z_])", re.ASCII | re.IGNORECASE)
_ASKED = re.compile(
    r"\b(?:try\s+again|retry)(?:\s+(?:your|the|this)\s+requests?)?(?:\s+later)?\s+(?:in|after)\s+(?:about\s+)?"
    rf"({_DURATION.pattern})",
    re.ASCII | re.IGNORECASE,
)
_BUDGETS = ("requests", "tokens")
_EPOCH_S = 1e9
"""A plain number this large in a reset header is a point in time, not a duration."""


def retry_after_s(
    head: RawHead | None, *, status: int | None, delays: Iterable[object], text: str, now: float
) -> float | None:
    """Seconds to wait, or None if the server named no usable delay.

    `status` is the status that classification uses, `delays` the `retryDelay` members of the error's
    details, `text` the server's words, `now` seconds since the epoch.
    """
    if head is not None:
        asked = _from_headers(head, now)
        if asked is not None:
            return asked
    for delay in delays:
        seconds = duration_s(delay) if isinstance(delay, str) else None
        if seconds is not None:
            return seconds
    found = _ASKED.search(text)
    if found:
        return duration_s(found[1])
    return _from_budgets(head) if head is not None and status == 429 else None


def duration_s(text: str) -> float | None:
    """`6.5s`, `120ms`, `1m2s`, `2 minutes 5 seconds` in seconds; None for anything else."""
    text = text.strip()
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(amount) * _UNIT_S[_short(unit)] for amount, unit in _PART.findall(text))


def number(text: str) -> float | None:
    """A non-negative decimal number without sign or exponent; None for anything else."""
    text = text.strip()
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def http_date_s(text: str) -> float | None:
    """Seconds since the epoch of an HTTP date, the two obsolete formats included (RFC 9110, 5.6.7)."""
    try:
        date = parsedate_to_datetime(text)
        # asctime names no zone and means UTC
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def _from_headers(head: RawHead, now: float) -> float | None:
    for value in _values(head, "retry-after-ms"):
        milliseconds = number(value)
        if milliseconds is not None:
            return milliseconds / 1000
    for value in _values(head, "retry-after"):
        seconds = number(value)
        if seconds is not None:
            return seconds
        date = http_date_s(value)
        if date is not None:
            return max(0.0, date - now)
    return None


def _from_budgets(head: RawHead) -> float | None:
    resets = []
    for budget in _BUDGETS:
        remaining = number(head.header(f"x-ratelimit-remaining-{budget}") or "")
        reset = head.header(f"x-ratelimit-reset-{budget}") or ""
        wait = duration_s(reset)
        if wait is None:
            wait = number(reset)
        if remaining == 0 and wait is not None and wait < _EPOCH_S:
            resets.append(wait)
    return max(resets, default=None)


def _values(head: RawHead, name: str) -> list[str]:
    """Each header line by itself: a joined pair would be no number and no date."""
    return [value for key, value in head.headers if key == name]


def _short(unit: str) -> str:
    unit = unit.lower()
    return "ms" if unit.startswith(("ms", "mil")) else unit[0]
