"""Silent fallback: does the same model answer as on an earlier day? Evidence with its exchanges, and no proof.

Another tokenizer, or another name in the answers, is seen in one number or word. Another answer at temperature 0 and
another speed may have other causes: a new build, another machine, a full one.
"""

from collections.abc import Iterator
from datetime import datetime
from statistics import median
from typing import Final

import msgspec

from byok_bench.endpoints.model_record import ModelRecord

TWICE: Final = 2.0
"""A speed that changed by this factor is told."""


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One trait that changed."""

    what: str
    """`model name`, `tokenizer`, `prompt template`, `greedy answer`, `speed`."""
    is_strong: bool
    """It is hard to explain otherwise than by another model."""
    said: str
    """Before and now, in words."""
    exchange_ids: tuple[str, ...] = ()
    """The exchanges that show it, before and now, as far as they are kept."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What two records of one model say beside each other."""

    before: datetime
    now: datetime
    differences: tuple[Difference, ...]

    @property
    def is_suspicious(self) -> bool:
        """Whether it looks like another model."""
        return any(one.is_strong for one in self.differences)

    @property
    def sentence(self) -> str:
        """What it comes to, in one line."""
        day = describe_day(self.before, self.now)
        if not self.differences:
            return f"Looks like the same model as on {day}."
        named = "; ".join(f"{one.what} differs: {one.said}" for one in self.differences)
        opening = "Looks like another model than" if self.is_suspicious else "Not quite as"
        return f"{opening} on {day}: {named}."


def compare_records(before: ModelRecord, now: ModelRecord) -> Comparison | None:
    """What changed; None where the records are of different models, dialects or addresses, and say nothing."""
    if (before.origin, before.schema, before.model) != (now.origin, now.schema, now.model):
        return None
    return Comparison(before=before.at, now=now.at, differences=tuple(_iterate_differences(before, now)))


def describe_day(at: datetime, now: datetime) -> str:
    """`14 Nov`, with the year where it is another."""
    day = f"{at.day} {at:%b}"
    return day if at.year == now.year else f"{day} {at.year}"


def _iterate_differences(before: ModelRecord, now: ModelRecord) -> Iterator[Difference]:
    old, new = before.traits, now.traits
    if old.served_model and new.served_model and old.served_model != new.served_model:
        said = f"{old.served_model} then, {new.served_model} now"
        yield _make_difference("model name", True, said, "model.served", before, now)
    if counted := _describe_counts(old.prompt_tokens, new.prompt_tokens):
        what, said = counted
        yield _make_difference(what, what == "tokenizer", said, "model.tokenizer", before, now)
    if old.greedy_text is not None and new.greedy_text is not None and old.greedy_text != new.greedy_text:
        said = f"from word {_count_common_words(old.greedy_text, new.greedy_text) + 1} on"
        yield _make_difference("greedy answer", False, said, "model.greedy", before, now)
    if old.tokens_per_s and new.tokens_per_s:
        slower, faster = sorted((old.tokens_per_s, new.tokens_per_s))
        if faster >= TWICE * slower:
            said = f"{old.tokens_per_s:.0f} tokens/s then, {new.tokens_per_s:.0f} now"
            yield _make_difference("speed", False, said, "streaming", before, now)


def _describe_counts(old: tuple[int, ...], new: tuple[int, ...]) -> tuple[str, str] | None:
    """The same offset for every text is the prompt's frame; anything else is another tokenizer."""
    if not old or len(old) != len(new) or old == new:
        return None
    offsets = [after - before for before, after in zip(old, new, strict=True)]
    if len(set(offsets)) == 1:
        return "prompt template", f"every text counts {offsets[0]:+d} tokens"
    usual = median(offsets)
    changed = sum(offset != usual for offset in offsets)
    return (
        "tokenizer",
        f"{' '.join(map(str, old))} tokens then, {' '.join(map(str, new))} now ({changed} of {len(old)} texts)",
    )


def _count_common_words(one: str, other: str) -> int:
    words, others = one.split(), other.split()
    pairs = zip(words, others, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(words), len(others)))


def _make_difference(
    what: str, is_strong: bool, said: str, name: str, before: ModelRecord, now: ModelRecord
) -> Difference:
    behind = [record.found[name].exchange_id for record in (before, now) if name in record.found]
    return Difference(
        what=what, is_strong=is_strong, said=said, exchange_ids=tuple(one for one in behind if one is not None)
    )
