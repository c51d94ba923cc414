"""Values that many exchanges have alike, held once: of a million exchanges they are most of the bytes."""

from collections.abc import Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SharedValues:
    """One object of those that are equal."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Any] = {}

    def find(self, value: T, key: Hashable = None) -> T:
        """The first one that was equal, or had the same key; for a value that has no hash."""
        found: T = self._known.setdefault(value if key is None else key, value)
        return found
