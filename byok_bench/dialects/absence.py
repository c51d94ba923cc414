"""What counts as absent: some servers write the zero of a type where others leave a member out or write null."""

from collections.abc import Mapping


def is_absent(value: object) -> bool:
    """Whether a value says nothing: null, an empty text, 0, false, or an object or array of nothing but these."""
    if isinstance(value, Mapping):
        return all(map(is_absent, value.values()))
    return all(map(is_absent, value)) if isinstance(value, list) else not value
