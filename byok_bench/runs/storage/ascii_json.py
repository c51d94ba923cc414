"""JSON in ASCII: what text holds that UTF-8 has no form for (a server's lone surrogate) survives as its escape."""

import json
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")
_SURROGATE: Final = b"\\ud"
"""How the escape of one begins."""


def to_ascii(value: Any) -> bytes:
    """A struct, or any JSON-ready value."""
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode("ascii")


def from_ascii(raw: bytes, kind: type[T]) -> T:
    """The value that was dumped. Raises msgspec.ValidationError or ValueError."""
    return msgspec.convert(json.loads(raw), kind)


def to_ascii_fast(value: msgspec.Struct) -> bytes:
    """The same of a struct that holds no NaN, which has no form here: a fraction of the time where all is ASCII."""
    try:
        plain = msgspec.json.encode(value)
    except UnicodeEncodeError:
        return to_ascii(value)
    return plain if plain.isascii() else to_ascii(value)


def from_ascii_fast(raw: bytes, kind: type[T]) -> T:
    """The same of a struct whose members all have types: a fraction of the time where there is no surrogate."""
    if _SURROGATE not in raw:
        with suppress(msgspec.DecodeError):  # NaN and Infinity are no JSON for it
            return msgspec.json.decode(raw, type=kind)
    return from_ascii(raw, kind)
