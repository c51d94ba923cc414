"""What a model's own word for its end means in chat's words, as data in native_reasons.toml."""

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

import msgspec


class Reason(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The words of one meaning."""

    means: Literal["length", "tool_calls", "stop", "content_filter"]
    words: tuple[str, ...]
    """In lower case."""
    source: str


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    version: int
    reason: tuple[Reason, ...]


@functools.cache
def load_reason_meanings() -> Mapping[str, str]:
    """Word in lower case → the finish_reason that it stands for."""
    text = (files("byok_bench.checks") / "native_reasons.toml").read_text(encoding="utf-8")
    return {word: one.means for one in msgspec.convert(tomllib.loads(text), _File).reason for word in one.words}
