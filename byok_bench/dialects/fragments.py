"""Text that arrives in fragments: joined when asked for, and known to be one JSON object without parsing
it at every fragment. The work grows with the text, however it is cut and however often it is asked.
"""

import re
from collections.abc import Mapping
from typing import Final

from byok_bench.wire.bodies import bounded_json

_BRIEF: Final = 60
_DIGITS: Final = 9
_SPACE: Final = " \t\r\n"
_MARKS: Final = re.compile(r'\\.|\\\Z|["{}\[\]]', re.DOTALL)


def join_surrogates(text: str) -> str:
    """A surrogate pair that was split over two fragments as one character; a lone half as U+FFFD."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def read_member_text(value: object, member: str) -> str:
    """A member of an object that is a whole text, and no fragment of one; empty if it is none."""
    found = value.get(member) if isinstance(value, Mapping) else None
    return join_surrogates(found) if isinstance(found, str) else ""


def to_integer(value: object) -> int | None:
    """The integer that a value is, or is in another dress: a string of digits, a float without a fraction."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _DIGITS:
        return int(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 10**_DIGITS:
        return int(value)
    return value if type(value) is int else None


def render_value(value: object) -> str:
    """A server's value for a message of ours: one line, not long, whatever the length of a text."""
    shown = repr(value[: _BRIEF + 1] if isinstance(value, str) else value)
    return shown if len(shown) <= _BRIEF else f"{shown[: _BRIEF - 1]}…"


class Fragments:
    """Text under construction."""

    def __init__(self) -> None:
        self.length = 0
        """Characters so far."""
        self._parts: list[str] = []
        self._joined = ""
        self._scanned = 0
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._closed = False
        self._spoilt = False
        self._is_object: bool | None = None

    def add(self, fragment: str) -> None:
        """Append."""
        if fragment:
            self._parts.append(fragment)
            self.length += len(fragment)

    def __str__(self) -> str:
        if len(self._joined) != self.length:
            self._joined = "".join(self._parts)
        return self._joined

    def is_equal_to(self, text: str) -> bool:
        """Whether this is the whole text so far."""
        return len(text) == self.length and str(self) == text

    @property
    def is_object(self) -> bool:
        """Whether the text so far is one complete JSON object."""
        for part in self._parts[self._scanned :]:
            self._scan(part)
        self._scanned = len(self._parts)
        if not self._closed or self._spoilt:
            return False
        if self._is_object is None:
            self._is_object = isinstance(bounded_json.decode_json(str(self)), dict)
        return self._is_object

    def _scan(self, part: str) -> None:
        """Follow strings and brackets until the outermost one closes; all but white space after that spoils."""
        if self._closed:
            self._spoilt = self._spoilt or bool(part.strip(_SPACE))
            return
        start, self._escaped = int(self._escaped), False
        for found in _MARKS.finditer(part, start):
            mark = found[0]
            if mark == "\\":
                self._escaped = True
            elif mark == '"':
                self._in_string = not self._in_string
            elif len(mark) == 1 and not self._in_string:
                self._depth += 1 if mark in "{[" else -1
                if self._depth <= 0:
                    self._closed = True
                    self._spoilt = bool(part[found.end() :].strip(_SPACE))
                    return
