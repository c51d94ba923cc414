"""What JSON values stand for, as servers write them: numbers (a bool is none), and absence.

Some servers write the zero of a type where others leave a member out or write null.
"""

from collections.abc import Mapping
from typing import Final, TypeGuard

_NESTING: Final = 8


def is_absent(value: object, nesting: int = _NESTING) -> bool:
    """Whether a value says nothing: null, an empty text, 0, false, or an object or array of nothing but these.

    What is nested deeper than that is taken to say something.
    """
    if isinstance(value, Mapping):
        value = list(value.values())
    if not isinstance(value, list):
        return not value
    return not value or (nesting > 0 and all(is_absent(one, nesting - 1) for one in value))


def is_integer(value: object) -> TypeGuard[int]:
    """Whether a value is an integer of a size that a code has."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**9


def to_error_status(value: object) -> int | None:
    """400 to 599, as a number or as a string of it; None for anything else."""
    if isinstance(value, str) and value.isascii() and value.strip().isdecimal() and len(value) < 8:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value not in range(400, 600):
        return None
    return int(value)
