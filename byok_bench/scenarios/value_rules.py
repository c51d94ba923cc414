"""Values of a scenario that no request could hold, or that mean nothing: dates, infinities, counts below zero.

Each problem is a sentence that begins with the path.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any, Final

import msgspec

from byok_bench.scenarios.fill import Fill
from byok_bench.scenarios.misfits import suggest_name
from byok_bench.scenarios.scenario import DIALECTS, CancelAfter, Limits, Request, Scenario, Spoil

_TIMES: Final = (date, datetime, time)
_MOST_WORDS: Final = 1_000_000
_BOUNDS: Final[Mapping[str, tuple[int, int]]] = {
    "needs_window_tokens": (1, 10**9), "pad_bytes": (1, 10**9), "times": (1, 10**9), "choices": (1, 128),
    "delay": (0, 1_000), "words": (0, _MOST_WORDS), "completion_tokens": (0, 10**9), "cached_tokens": (0, 10**9),
    "max_rounds": (1, 1_000), "max_turns": (1, 1_000),
}  # fmt: skip
"""Member → the least and the most that it can be, wherever the format has it: what is made of it is made in memory."""
_OF_OTHERS: Final = frozenset(
    {"parameters", "result", "arguments", "store", "files", "answer_schema", "extra", "members", "equals", "holds",
     "value", "filled", "pattern"}
)  # fmt: skip
"""Members that hold what the author likes, by names that are none of the format's."""


def find_value_problems(scenario: Scenario) -> Iterator[str]:
    """What of a scenario cannot be written as JSON, or is below what it counts."""
    plain = msgspec.to_builtins(scenario, builtin_types=_TIMES)
    yield from _walk(plain, "", is_ours=True)


def _walk(value: Any, place: str, *, is_ours: bool) -> Iterator[str]:
    if isinstance(value, _TIMES):
        yield f"{place}: a date is nothing that JSON knows; write it as text, in quotation marks"
    elif isinstance(value, float) and not math.isfinite(value):
        yield f"{place}: {value} is no number that JSON knows"
    elif isinstance(value, dict):
        for name, one in value.items():
            where = f"{place}.{name}".strip(".")
            if is_ours and isinstance(one, int) and (problem := _find_bound(name, one)):
                yield f"{where} {problem}"
            if is_ours and name == "filled" and isinstance(one, dict):
                counts = [count for count in one.values() if isinstance(count, int) and not 0 <= count <= _MOST_WORDS]
                yield from (f"{where}: {count} is no number of words from 0 to {_MOST_WORDS}" for count in counts)
            yield from _walk(one, where, is_ours=is_ours and name not in _OF_OTHERS)
    elif isinstance(value, list | tuple):
        for number, one in enumerate(value):
            yield from _walk(one, f"{place}[{number}]", is_ours=is_ours)


def _find_bound(name: str, value: int) -> str:
    """What is wrong with a count; empty if nothing is, or it has no bounds."""
    least, most = _BOUNDS.get(name, (value, value))
    if value < least:
        return f"must be at least {least}, not {value}"
    return f"must be at most {most}, not {value}" if value > most else ""


def find_fill_problems(fill: Fill | None, place: str) -> Iterator[str]:
    """Length, depths, and facts that can be told from the text around them."""
    if fill is None:
        return
    if not 1 <= fill.tokens <= 10_000_000:
        yield f"{place}.tokens must be from 1 to 10000000"
    depths = [fact.at for fact in fill.facts] + ([] if fill.break_at is None else [fill.break_at])
    if any(not 0 <= depth <= 1 for depth in depths):
        yield f"{place}: a depth is from 0, the beginning, to 1, the end"
    for number, fact in enumerate(fill.facts):
        if not fact.text.strip() or not fact.answer.strip():
            yield f"{place}.facts[{number}]: a fact needs a text, and an answer that it is known by"


def find_limit_problems(limits: Limits, place: str) -> Iterator[str]:
    """A limit of nothing would end every sample before it began."""
    for name in limits.__struct_fields__:
        value = getattr(limits, name)
        if value is not None and value <= 0:
            yield f"{place}.{name} must be more than 0, not {value:g}"


def find_cancel_problems(request: Request, place: str) -> Iterator[str]:
    """When an answer is cut off."""
    after = request.cancel_after
    if after is None:
        return
    given = [(name, value) for name in CancelAfter.__struct_fields__ if (value := getattr(after, name)) is not None]
    if len(given) != 1:
        yield f"request.cancel_after wants one of deltas and ms ({place})"
        return
    ((name, value),) = given
    if value <= 0:
        yield f"request.cancel_after.{name} must be more than 0, not {value:g} ({place})"
    if name == "deltas" and not request.stream:
        yield f"request.cancel_after: an answer that is no stream has no deltas; give ms, or stream = true ({place})"


def find_dialect_problems(named: Mapping[str, Any], field: str, place: str) -> Iterator[str]:
    """Members that are laid over the body of one dialect."""
    known = [*DIALECTS, "all"]
    for name in named:
        if name not in known:
            yield f"{field}.{name}: there is no such dialect{suggest_name(name, known)} ({place})"


def find_spoil_problems(spoil: Spoil | None, place: str) -> Iterator[str]:
    """What is wrong on purpose still has to be a request."""
    if spoil is None:
        return
    yield from find_dialect_problems(spoil.members, "spoil.members", place)
    if spoil.method is not None and not (spoil.method.isascii() and spoil.method.isalpha()):
        yield f"spoil.method: {spoil.method!r} is no method of HTTP ({place})"
