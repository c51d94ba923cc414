"""Text as pandas, files and terminals can hold it. The store keeps what servers said as it came."""

import re
from typing import Final, TypeVar

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
T = TypeVar("T")


def replace_surrogates(value: T) -> T:
    """The same value, with U+FFFD for each lone surrogate in its text: UTF-8 has no form for one."""
    cleaned: object = value
    if isinstance(value, str) and not value.isascii():
        cleaned = _SURROGATE.sub("\N{REPLACEMENT CHARACTER}", value)
    elif isinstance(value, dict):
        cleaned = {replace_surrogates(name): replace_surrogates(item) for name, item in value.items()}
    elif isinstance(value, (list, tuple)):
        cleaned = type(value)(replace_surrogates(item) for item in value)
    return cleaned  # type: ignore[return-value]


def to_printable_line(text: str) -> str:
    """On one line, without the controls that a terminal or a page would obey."""
    return "".join(_to_printable_character(character) for character in replace_surrogates(text))


def _to_printable_character(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() else "\N{REPLACEMENT CHARACTER}"


def describe_count(number: int, thing: str) -> str:
    """`1 sample`, `2 samples`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
