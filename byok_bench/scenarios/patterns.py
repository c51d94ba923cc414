"""Regular expressions that others wrote: those of scenario files are Python's, those of JSON Schemas ECMAScript's.

None of them may end a judgement: what cannot be compiled is found when a file is read, and what Python has no word for
is not judged.
"""

import functools
import re
from typing import Final

_FLAWS: Final = (re.error, OverflowError, RecursionError)
"""What `re.compile` raises: no expression, a repetition beyond all numbers, groups within groups without end."""
_ECMA_GROUP: Final = re.compile(r"\(\?<(?=[A-Za-z_])")
_ECMA_ALONE: Final = re.compile(r"\\[pPuc]|\[\^?\]")
"""What ECMAScript has and Python has not: classes of Unicode, code points in braces, control letters, empty classes."""


def find_pattern_problem(pattern: str) -> str | None:
    """Why a text is no regular expression of Python; None if it is one."""
    try:
        re.compile(pattern)
    except _FLAWS as error:
        return f"{_shorten(pattern)!r} is no regular expression: {error}"
    return None


@functools.lru_cache(256)
def read_schema_pattern(pattern: str) -> re.Pattern[str] | None:
    """A `pattern` of a JSON Schema as Python has it; None if it has no word for it."""
    for text in (pattern, _ECMA_GROUP.sub("(?P<", pattern)):
        try:
            return re.compile(text)
        except _FLAWS:
            continue
    return None


def is_schema_pattern(pattern: object) -> bool:
    """Whether it can be a regular expression of ECMAScript."""
    if not isinstance(pattern, str):
        return False
    return read_schema_pattern(pattern) is not None or _ECMA_ALONE.search(pattern) is not None


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:79]}…"
