"""Markup that models write around calls and reasoning, as data in markers.toml. Loaded and validated once.

Nothing here asks for a model's or a server's name: whatever a text holds is held against every form.
"""

import functools
import re
import tomllib
from importlib.resources import files

import msgspec


class Marker(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One family's markup around a call, or around reasoning."""

    name: str
    open: tuple[str, ...]
    """Texts that begin it; never empty."""
    close: tuple[str, ...]
    source: str
    """Where the form is documented or was seen."""

    @property
    def forms(self) -> tuple[str, ...]:
        """All texts that it is known by."""
        return (*self.open, *self.close)


class ControlTokens(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Control tokens of one family's chat template."""

    name: str
    forms: tuple[str, ...]
    source: str


class RawReasoningMember(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member of a request by which its sender asks for reasoning inside the text."""

    member: str
    values: tuple[str | bool, ...]
    source: str


class Markers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    version: int
    call: tuple[Marker, ...]
    think: tuple[Marker, ...]
    token: tuple[ControlTokens, ...]
    asked: tuple[RawReasoningMember, ...]


@functools.cache
def load_markers() -> Markers:
    """The markers of the package. Raises msgspec.ValidationError if the file has another form."""
    text = (files("byok_bench.checks") / "markers.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Markers)


@functools.cache
def load_call_forms() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of every form of a call, the longest first, and the family of each form."""
    return _make_pattern({form: one.name for one in load_markers().call for form in one.forms})


@functools.cache
def load_token_forms() -> tuple[re.Pattern[str], dict[str, str]]:
    """A pattern of every control token, and the family of each."""
    return _make_pattern({form: one.name for one in load_markers().token for form in one.forms})


def _make_pattern(families: dict[str, str]) -> tuple[re.Pattern[str], dict[str, str]]:
    longest_first = sorted(families, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, longest_first))), families
