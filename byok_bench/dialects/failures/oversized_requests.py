"""Requests that are larger than a whole limit: waiting fills the budget, and the request still does not fit."""

import re
from typing import Final

from byok_bench.dialects.failures.word_lists import WORD_LISTS

_COUNT: Final = r"\D{0,4}?(\d[\d,_]{0,14})"
_PAIRS: Final = (
    re.compile(rf"\blimit\b{_COUNT}\b.{{0,60}}?\brequested\b{_COUNT}", re.ASCII | re.DOTALL),
    re.compile(rf"\bmax(?:imum)?\b{_COUNT}\b.{{0,60}}?\brequested\b{_COUNT}", re.ASCII | re.DOTALL),
)
"""Limit first, then what was asked for."""
_NOTHING_ALLOWED: Final = re.compile(r"\bquota\b[^\n]{0,200}?\blimit: ?0(?![\d.,]\d|\d)", re.ASCII)
"""Google's words for a plan without the model: the quota is none, whatever the delay beside it says."""


def is_over_whole_limit(text: str, status: int | None) -> bool:
    """Whether a lower-case error text says that the request asks for more than a limit allows at all."""
    if WORD_LISTS["over-limit"].has_words(text, status) or _NOTHING_ALLOWED.search(text):
        return True
    found = (pair.search(text) for pair in _PAIRS)
    return any(_to_number(one[2]) > _to_number(one[1]) for one in found if one)


def _to_number(digits: str) -> int:
    return int(digits.replace(",", "").replace("_", ""))
