"""What headers tell of budgets: the limit, what is left of it, and when it is full again, of requests and of tokens."""

import re
from collections.abc import Mapping
from typing import Final

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.failures.durations import read_decimal, read_wait_s

_NAME = re.compile(
    r"(?:x-)?rate-?limit-(?P<what>limit|remaining|reset)(?:-(?P<kind>requests|tokens))?"
    r"|anthropic-ratelimit-(?P<kind2>requests|tokens)-(?P<what2>limit|remaining|reset)",
    re.ASCII,
)
"""As OpenAI and many others write it; the same without a kind, which is of requests; Anthropic's."""
DELAYS: Final = ("retry-after-ms", "retry-after")


class ToldBudget(msgspec.Struct, frozen=True, kw_only=True):
    """Of requests or of tokens; None for what is not told."""

    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None
    """From now on."""


def read_budgets(exchange: Exchange) -> Mapping[str, ToldBudget]:
    """`requests` and `tokens` → what the headers of an answer tell; empty without any."""
    head = exchange.raw.head
    found: dict[str, dict[str, float]] = {}
    for name, value in head.headers if head is not None else ():
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        kind = match["kind"] or match["kind2"] or "requests"
        what = match["what"] or match["what2"]
        now = (head.received_s if head is not None else None) or 0.0
        number = read_wait_s(value, now) if what == "reset" else read_decimal(value)
        if number is not None:
            found.setdefault(kind, {}).setdefault("reset_s" if what == "reset" else what, number)
    return {kind: ToldBudget(**values) for kind, values in found.items()}


def read_left_tokens(exchange: Exchange) -> float | None:
    """Tokens that the headers of an answer tell to be left; None without any."""
    told = read_budgets(exchange).get("tokens")
    return told.remaining if told is not None else None


def has_delay_header(exchange: Exchange) -> bool:
    """Whether a refusal has Retry-After, in one of its forms."""
    head = exchange.raw.head
    return head is not None and any(head.get_header(name) is not None for name in DELAYS)
