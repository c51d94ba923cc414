"""What counts as absent: some servers write the zero of a type where others leave a member out or write null."""

from collections.abc import Mapping
from typing import Final

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
