"""Fill: a long text of a stated length, made from a seed, with facts at stated depths. The text is fill_text.py's."""

from typing import Literal

import msgspec

FillKind = Literal["prose", "code", "rows"]
"""prose: sentences that repeat no more than sentences do; code: Python functions; rows: JSON objects, one a line."""


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A sentence that is hidden in the fill."""

    at: float
    """Depth: 0 the beginning, 1 the end."""
    text: str
    answer: str
    """What an answer that knows the fact holds."""


class Fill(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Generated context; the same settings give the same text."""

    tokens: int
    """About how long, at four characters a token."""
    kind: FillKind = "prose"
    seed: int = 0
    break_at: float | None = None
    """A sentence of its own stands at this depth: the text is the same before it and shifted behind it."""
    place: Literal["user", "system"] = "user"
    """Before the text of the opening's last user message, or of its system message."""
    facts: tuple[Fact, ...] = ()
