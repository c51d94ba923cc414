"""Durations and points in time as servers write them: `6.5s`, `1m2s`, seconds or ms of the epoch, dates.

No clock and no headers in here. What cannot be read is None.
"""

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_NUMBER = re.compile(r"\d+(?:\.\d*)?|\.\d+", re.ASCII)
_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_UNITS = r"(?:ms|milliseconds?|msecs?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?)"
_STEP = rf"\d{{1,15}}(?:\.\d{{1,15}})?\s?{_UNITS}(?![a-z_])"
DURATION = re.compile(rf"{_STEP}(?:(?:\s|,\s|\sand\s)?{_STEP})*", re.ASCII | re.IGNORECASE)
_PART = re.compile(rf"(\d+(?:\.\d+)?)\s?({_UNITS})(?![a-z_])", re.ASCII | re.IGNORECASE)
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII | re.IGNORECASE)
_EPOCH_S = 1e9
"""A plain number this large is a point in time, not a duration."""
_EPOCH_MS = 1e12
_FARTHEST_S = 45 * 86_400.0
"""Budgets are of a month at most: a point in time farther away is a mistake of a clock."""


def read_duration_s(text: str) -> float | None:
    """`6.5s`, `120ms`, `1m2s`, `2 minutes 5 seconds` in seconds; None for anything else."""
    text = text.strip()
    if not DURATION.fullmatch(text):
        return None
    return sum(float(amount) * _UNIT_S[_shorten_unit(unit)] for amount, unit in _PART.findall(text))


def read_decimal(text: str) -> float | None:
    """A non-negative decimal number without sign or exponent; None for anything else."""
    text = text.strip()
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def read_http_date_s(text: str) -> float | None:
    """Seconds since the epoch of an HTTP date, the two obsolete formats included (RFC 9110, 5.6.7)."""
    try:
        date = parsedate_to_datetime(text)
        # asctime names no zone and means UTC
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def read_iso_date_s(text: str) -> float | None:
    """Seconds since the epoch of a date of RFC 3339 with its zone; without one it may be any hour."""
    text = text.strip()
    if not _ISO_DATE.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper()).timestamp()
    except (ValueError, OverflowError):
        return None


def read_wait_s(text: str, now: float) -> float | None:
    """How long a reset in any form is away: a duration, plain seconds, a point in time (epoch in s or ms, a date).

    `now` in seconds since the epoch. A point in the past is 0, one farther away than any budget is None.
    """
    duration = read_duration_s(text)
    if duration is not None:
        return duration
    value = read_decimal(text)
    if value is not None and value < _EPOCH_S:
        return value
    point = read_iso_date_s(text) if value is None else (value / 1000 if value >= _EPOCH_MS else value)
    return None if point is None or point - now > _FARTHEST_S else max(0.0, point - now)


def _shorten_unit(unit: str) -> str:
    unit = unit.lower()
    return "ms" if unit.startswith(("ms", "mil")) else unit[0]
