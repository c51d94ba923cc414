"""Token counts of a chat answer: a usage object → Usage.

Numeric strings and integral floats are counts in another dress; anything else that is no integer from 0 on
is dropped. Running totals are replaced, never added: the last object is the one that is read.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple, TypeGuard

from byok_bench.dialects.output import Usage

COUNTS: Final = ("prompt_tokens", "completion_tokens", "total_tokens")


class CountNames(NamedTuple):
    """How a dialect calls its token counts."""

    prompt: str
    completion: str
    total: str | None
    """None: it has no total."""
    prompt_parts: str
    """Member that holds parts of the prompt, such as cached tokens."""
    completion_parts: str

    @property
    def counts(self) -> tuple[str, ...]:
        """The counts themselves."""
        return tuple(name for name in (self.prompt, self.completion, self.total) if name is not None)


COUNT_NAMES: Final = {
    "chat": CountNames(*COUNTS, "prompt_tokens_details", "completion_tokens_details"),
    "responses": CountNames(
        "input_tokens", "output_tokens", "total_tokens", "input_tokens_details", "output_tokens_details"
    ),
    "messages": CountNames("input_tokens", "output_tokens", None, "input_tokens_details", "output_tokens_details"),
}
"""Dialect → its names. In Messages input read from a cache is counted beside input_tokens, and is no part of it."""
_LARGEST: Final = 2**63 - 1
_DIGITS: Final = re.compile(r"\s*[0-9]{1,18}\s*", re.ASCII)


def to_token_count(value: object) -> int | None:
    """A token count; None if the value is none."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if is_token_count(value) and value <= _LARGEST else None


def find_token_count(usage: Mapping[str, Any], *names: str) -> int | None:
    """The count under the first of these names that has one: some servers use another dialect's."""
    return next((found for name in names if (found := to_token_count(usage.get(name))) is not None), None)


def is_token_count(value: object) -> TypeGuard[int]:
    """Whether a value is what the wire format asks for: a JSON integer from 0 on."""
    return type(value) is int and value >= 0


def read_chat_usage(value: Mapping[str, Any]) -> Usage:
    """The counts of a usage object."""
    prompt, completion = value.get("prompt_tokens_details"), value.get("completion_tokens_details")
    return Usage(
        **{name: to_token_count(value.get(name)) for name in COUNTS},
        cached_tokens=to_token_count(prompt.get("cached_tokens")) if isinstance(prompt, dict) else None,
        reasoning_tokens=to_token_count(completion.get("reasoning_tokens")) if isinstance(completion, dict) else None,
        cost=read_cost(value.get("cost")),
    )


def read_cost(value: object) -> float | None:
    """What a server charged; None if the value is no amount, as one below 0 is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < _LARGEST else None
