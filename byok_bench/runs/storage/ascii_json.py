"""JSON in ASCII: what text holds that UTF-8 has no form for (a server's lone surrogate) survives as its escape."""

import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")


def to_ascii(value: Any) -> bytes:
    """A struct, or any JSON-ready value."""
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode("ascii")


def from_ascii(raw: bytes, kind: type[T]) -> T:
    """The value that was dumped. Raises msgspec.ValidationError or ValueError."""
    return msgspec.convert(json.loads(raw), kind)
