"""Numbers that JSON values stand for; a bool is none."""

from typing import TypeGuard


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
