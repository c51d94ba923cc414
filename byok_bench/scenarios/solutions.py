"""What a perfect agent answers, and mistakes that look plausible: a script for each sample, played by the simulator."""

from typing import Any, Literal

import msgspec


class ScriptedCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One tool call of a scripted answer."""

    name: str
    arguments: dict[str, Any] = {}
    arguments_text: str | None = None
    """The arguments as they are sent, in place of `arguments`: what is no JSON can be said so."""
    filled: dict[str, int] = {}
    """Argument → words of prose that it holds."""


class ScriptedRefusal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The request is answered with an error."""

    status: int = 400
    message: str = "The request was refused."
    code: str | None = None


class ScriptedAnswer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One answer of the model."""

    text: str = ""
    words: int | None = None
    """The text is prose of so many words."""
    reasoning: str = ""
    calls: tuple[ScriptedCall, ...] = ()
    finish_reason: str | None = None
    """In chat's words; None: what fits the answer."""
    refusal: ScriptedRefusal | None = None
    fault: str | None = None
    """A rule that the answer breaks on its way, by id."""
    choices: int | None = None
    """As many choices as this, whatever was asked for."""
    ignores: tuple[Literal["logprobs"], ...] = ()
    """Members of the request that are not obeyed."""
    completion_tokens: int | None = None
    cached_tokens: int | None = None
    """What the usage says, in place of the truth."""


class Mistake(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A run of answers that misses exactly one expectation."""

    caught_by: str
    """Label of the expectation that must be unmet: its `name`, else its `what`."""
    turns: tuple[ScriptedAnswer, ...]
    goes_on: bool = False
    """After these answers it goes on as the solution does from there."""
    about: str = ""
