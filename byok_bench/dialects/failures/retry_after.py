"""How long a server asks to wait: headers, body and text, the first usable form.

In order: `retry-after-ms`, `Retry-After` (number or HTTP date), the members of the error that tell a delay, its text,
and for 429 the reset of an exhausted budget (`x-ratelimit-…`, `RateLimit`). A form that cannot be used counts as
absent, and a 0 gives way to a longer delay in a later form. Nothing here decides whether to retry.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from byok_bench.dialects.failures.durations import (
    DURATION,
    read_decimal,
    read_duration_s,
    read_http_date_s,
    read_wait_s,
)
from byok_bench.dialects.json_values import is_integer
from byok_bench.wire.raw_exchange import RawHead

Headers = Sequence[tuple[str, str]]

_ASKED = re.compile(
    r"(?:\b(?:try\s+again|retry)(?:\s+(?:your|the|this)\s+requests?)?(?:\s+later)?\s+(?:in|after)"
    r"|\b(?:quota|limits?|usage)\b[^.]{0,40}?\bresets?\s+(?:in|after)"
    r"|\bplease\s+wait(?:\s+for)?)"
    rf"\s+(?:about\s+)?({DURATION.pattern})",
    re.ASCII | re.IGNORECASE,
)
_ASKED_ZH = re.compile(
    r"请?(?:在|于|等待)?\s?(\d{1,9}(?:\.\d{1,9})?)\s?(毫秒|秒|分钟|小时)(?:钟|之)?后(?:再|重)?[试请发]"
)
_UNITS_ZH: Final = {"毫秒": 0.001, "秒": 1.0, "分钟": 60.0, "小时": 3600.0}
_RESET = re.compile(r"(?:x-)?rate-?limit-reset(?:-after)?(-[\w-]+)?|anthropic-ratelimit-([\w-]+)-reset", re.ASCII)
_FIELDS = re.compile(r"\b(?:remaining|r)=(\d{1,9})\s?[,;]\s?(?:reset|t)=(\d{1,9})", re.ASCII)
"""The header RateLimit of the IETF's drafts: `"api";r=0;t=55` (Hugging Face), formerly `remaining=0, reset=55`."""
_REMAINING: Final = ("x-ratelimit-remaining{}", "ratelimit-remaining{}", "x-rate-limit-remaining{}")
_MEMBERS: Final[Mapping[str, float]] = {
    "resets_in_seconds": 1.0,
    "retry_after_seconds": 1.0,
    "retry_after_s": 1.0,
    "retry_after_ms": 0.001,
    "retryAfterMs": 0.001,
    "retryAfterSeconds": 1.0,
}
"""Members of an error that hold a number: name → seconds a unit."""
_TEXT_MEMBERS: Final = ("retryDelay", "quotaResetDelay", "retry_after", "retryAfter", "retry-after")
"""Members that hold a duration, or plain seconds."""
_POINT_MEMBERS: Final = ("resets_at", "reset_at", "resetsAt", "quotaResetTimeStamp")
"""Members that hold a point in time."""


def read_delay(
    head: RawHead | None, *, status: int | None, body: Iterable[Mapping[str, Any]], text: str, now: float
) -> float | None:
    """Seconds to wait, or None if the server named no usable delay.

    `status` is the status that classification uses, `body` the objects of the error that may tell a delay, `text`
    the server's words, `now` seconds since the epoch when the answer came.
    """
    layers = list(body)
    found = list(_iterate_delays(head, status, layers, text, now))
    return next((delay for delay in found if delay > 0), 0.0 if found else None)


def iterate_delay_layers(layer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The objects of an error in which servers tell delays: itself, its details, their metadata, its own metadata."""
    details = layer.get("details")
    entries = details if isinstance(details, list) else [details]
    for one in (layer, *entries[:_DETAILS], layer.get("metadata")):
        if isinstance(one, Mapping):
            yield one
            if one is not layer and isinstance(one.get("metadata"), Mapping):
                yield one["metadata"]


_DETAILS: Final = 2_000


def _iterate_delays(
    head: RawHead | None, status: int | None, layers: Sequence[Mapping[str, Any]], text: str, now: float
) -> Iterator[float]:
    sent = [head.headers] if head is not None else []
    sent += [tuple(_iterate_inner_headers(layer)) for layer in layers]
    for headers in sent:
        yield from _read_headers(headers, now)
    for layer in layers:
        yield from _read_members(layer, now)
    yield from _read_delay_words(text)
    if status == 429:
        for headers in sent:
            yield from _read_budgets(headers, now)


def _iterate_inner_headers(layer: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Headers of an upstream answer that a gateway wrote into the error (OpenRouter)."""
    headers = layer.get("headers")
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        if isinstance(value, str) or is_integer(value):
            yield str(name).lower(), str(value)


def _read_headers(headers: Headers, now: float) -> Iterator[float]:
    for value in _list_header_values(headers, "retry-after-ms"):
        milliseconds = read_decimal(value)
        if milliseconds is not None:
            yield milliseconds / 1000
    for value in _list_header_values(headers, "retry-after"):
        seconds = read_decimal(value)
        date = read_http_date_s(value) if seconds is None else None
        if seconds is not None:
            yield seconds
        elif date is not None:
            yield max(0.0, date - now)


def _read_members(layer: Mapping[str, Any], now: float) -> Iterator[float]:
    for name in _TEXT_MEMBERS:
        value = layer.get(name)
        seconds = read_duration_s(value) if isinstance(value, str) else None
        if seconds is None and name != "retryDelay":
            seconds = _read_plain_number(value)
        if seconds is not None:
            yield seconds
    for name, unit in _MEMBERS.items():
        seconds = _read_plain_number(layer.get(name))
        if seconds is not None:
            yield seconds * unit
    for name in _POINT_MEMBERS:
        value = layer.get(name)
        point = read_wait_s(str(value), now) if isinstance(value, str | int | float) and value is not True else None
        if point is not None and read_duration_s(str(value)) is None:
            yield point


def _read_plain_number(value: object) -> float | None:
    """A number of its own or as text."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    return read_decimal(str(value))


def _read_delay_words(text: str) -> Iterator[float]:
    found = _ASKED.search(text)
    seconds = read_duration_s(found[1]) if found else None
    if seconds is not None:
        yield seconds
    chinese = _ASKED_ZH.search(text)
    if chinese:
        yield float(chinese[1]) * _UNITS_ZH[chinese[2]]


def _read_budgets(headers: Headers, now: float) -> Iterator[float]:
    """The longest reset among the budgets that are used up; one that names no budget needs no count of what is left."""
    fields = [found for value in _list_header_values(headers, "ratelimit") for found in _FIELDS.findall(value)]
    resets = [float(reset) for left, reset in fields if int(left) == 0]
    for name, value in headers:
        found = _RESET.fullmatch(name)
        if not found:
            continue
        budget = found[1] or (f"-{found[2]}" if found[2] else "")
        left = _find_remaining(headers, budget, is_anthropic=found[2] is not None)
        wait = read_wait_s(value, now)
        if wait is not None and (left == 0 or (left is None and not budget)):
            resets.append(wait)
    if resets:
        yield max(resets)


def _find_remaining(headers: Headers, budget: str, *, is_anthropic: bool) -> float | None:
    """What a budget has left; None if that is not told."""
    names = [f"anthropic-ratelimit{budget}-remaining"] if is_anthropic else [one.format(budget) for one in _REMAINING]
    told = [read_decimal(value) for name in names for value in _list_header_values(headers, name)]
    return next((value for value in told if value is not None), None)


def _list_header_values(headers: Headers, name: str) -> list[str]:
    """Each header line by itself: a joined pair would be no number and no date."""
    return [value for key, value in headers if key == name]
