"""Whether a server's counts of the fixed texts can be those of a tokenizer: as public ones count, and the same template
around each. No sending in here.

A template adds the same number of tokens to every text, so counts less one offset have to lie within what public
tokenizers make of the texts, with room for one that is not among them.
"""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from byok_bench.checks.capabilities.identity import FIXED_TEXTS

ROOM: Final = 0.25
"""Share below the lowest and above the highest public count that another tokenizer may have."""
LONGEST_TEMPLATE: Final = 100
"""Tokens around a text that are no hidden prompt: the longest template of public models that adds a system prompt of
its own, gpt-oss', has about 70."""


class PublicTokenizer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one makes of the fixed texts."""

    name: str
    counts: tuple[int, ...]
    """In the order of FIXED_TEXTS."""
    source: str

    def __post_init__(self) -> None:
        if len(self.counts) != len(FIXED_TEXTS):
            raise ValueError(f"tokenizer {self.name!r} has {len(self.counts)} counts for {len(FIXED_TEXTS)} texts")


class CountFit(msgspec.Struct, frozen=True, kw_only=True):
    """How the counts of a server fit."""

    tokenizer: str
    """That counts exactly so but for the template; empty if none does."""
    template_tokens: tuple[int, int] | None
    """Fewest and most tokens around each text; None if no template makes the counts fit."""
    odd_text: int | None
    """Place of the text whose count is farthest off; None if all fit."""


@cache
def load_tokenizers() -> tuple[PublicTokenizer, ...]:
    """The public tokenizers, in the order of the file."""
    document = tomllib.loads((files("byok_bench.report") / "public_counts.toml").read_text(encoding="utf-8"))
    return msgspec.convert(document["tokenizer"], tuple[PublicTokenizer, ...])


def match_counts(counts: Sequence[int]) -> CountFit:
    """What the counts of the fixed texts, in their order, can be."""
    for known in load_tokenizers():
        offsets = {count - own for count, own in zip(counts, known.counts, strict=True)}
        if len(offsets) == 1 and (offset := offsets.pop()) >= 0:
            return CountFit(tokenizer=known.name, template_tokens=(offset, offset), odd_text=None)
    spans = [_find_span(place) for place in range(len(FIXED_TEXTS))]
    fewest = max(0, *(count - high for count, (_, high) in zip(counts, spans, strict=True)))
    most = min(count - low for count, (low, _) in zip(counts, spans, strict=True))
    if fewest <= most:
        return CountFit(tokenizer="", template_tokens=(fewest, most), odd_text=None)
    around = sorted(count - (low + high) / 2 for count, (low, high) in zip(counts, spans, strict=True))
    middle = max(0.0, around[len(around) // 2])
    return CountFit(tokenizer="", template_tokens=None, odd_text=_find_odd(counts, spans, middle))


def _find_span(place: int) -> tuple[int, int]:
    """Fewest and most tokens of a text, with room for tokenizers that are not known here."""
    known = [one.counts[place] for one in load_tokenizers()]
    return int(min(known) * (1 - ROOM)), int(max(known) * (1 + ROOM)) + 1


def _find_odd(counts: Sequence[int], spans: Sequence[tuple[int, int]], offset: float) -> int:
    """The text that is farthest outside of its span, as a share of it."""

    def measure_distance(place: int) -> float:
        low, high = spans[place]
        own = counts[place] - offset
        return max(low - own, own - high) / high

    return max(range(len(counts)), key=measure_distance)
