"""What servers say when something fails, as data: codes and words in word_lists.toml, each line with its source.

A line has a meaning; which kind of failure a meaning makes, and in which order meanings are looked for, is in
kind_rules.py. Codes are compared whole and without case. Words are looked for in the text of an error, lower case;
`…` in them stands for at most 80 characters.
"""

import re
import tomllib
from collections.abc import Collection, Iterator
from functools import cached_property
from importlib.resources import files
from typing import Final, Literal, get_args

import msgspec

from byok_bench.dialects.failures.error_body import ErrorBody

GAP: Final = "…"
_GAP_CHARACTERS: Final = 80
_LANGUAGES: Final = frozenset({"en", "zh", "ja", "ko", "de", "es", "fr", "pt", "ru"})
SOURCE: Final = re.compile(r"https://\S+\.\S+/?\S*|[\w.-]+/[\w.-]+#\d+|[\w.-]+/[\w.-]+: \S.*", re.ASCII)
NO_STATUS: Final = "none"
"""In `at`: an error inside a stream that names no status."""

Meaning = Literal[
    "content-filter", "context-length", "credit", "over-limit", "unknown-model", "unsupported", "permission",
    "wrong-key", "model-failed", "route", "other-thing", "client-mistake", "limited", "rate-limit", "overloaded",
    "timeout", "invalid-request",
]  # fmt: skip


class WordLine(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of the data: codes and words that one public source shows."""

    means: Meaning
    source: str
    """Where it can be read: an address, `owner/name#number`, or `owner/name: path`."""
    codes: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    language: str = "en"
    """Of the words."""
    at: tuple[int | Literal["none"], ...] = ()
    """Statuses at which the words count; those of the rule if there are none."""


class Phrase:
    """Words to look for."""

    def __init__(self, words: str, at: frozenset[int | None] | None) -> None:
        self.words = words
        self.at = at
        """Statuses at which they count, None for no status; None for those of the rule."""
        self._parts = words.split(GAP)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        gap = f".{{0,{_GAP_CHARACTERS}}}?"
        return re.compile(gap.join(map(re.escape, self._parts)), re.DOTALL)

    def is_in(self, text: str) -> bool:
        """Whether a lower-case text holds them."""
        if not all(part in text for part in self._parts):
            return False
        return len(self._parts) == 1 or self._pattern.search(text) is not None


class WordEntries:
    """All codes and words of one meaning."""

    def __init__(self, codes: frozenset[str] = frozenset(), phrases: tuple[Phrase, ...] = ()) -> None:
        self.codes: Final = codes
        self.phrases: Final = phrases

    def select_codes(self) -> "WordEntries":
        """Its codes without its words."""
        return WordEntries(codes=self.codes)

    def select_words(self) -> "WordEntries":
        """Its words without its codes."""
        return WordEntries(phrases=self.phrases)

    def has_code(self, body: ErrorBody) -> bool:
        """Whether an error has one of the codes."""
        return not self.codes.isdisjoint(body.names)

    def has_words(self, text: str, status: int | None, at: Collection[int | None] | None = None) -> bool:
        """Whether a text has some of the words, at a status where they count. `at`: where they do by default."""
        for phrase in self.phrases:
            counted = at if phrase.at is None else phrase.at
            if (counted is None or status in counted) and phrase.is_in(text):
                return True
        return False


class WordListError(ValueError):
    """The data breaks its own rules; says which line and how."""


def read_word_lines(text: str) -> list[WordLine]:
    """The lines of a file of words, checked; ListError for the first that is wrong."""

    class File(msgspec.Struct, forbid_unknown_fields=True):
        line: list[WordLine]

    try:
        lines = msgspec.convert(tomllib.loads(text), File).line
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise WordListError(str(error)) from None
    known: set[tuple[object, ...]] = set()
    for number, line in enumerate(lines, 1):
        problem = next(_find_line_problems(line, known), None)
        if problem is not None:
            raise WordListError(f"line {number} ({line.means}, {line.source}): {problem}")
    return lines


def load_word_lists() -> dict[Meaning, WordEntries]:
    """Entries by meaning, read from the package."""
    lines = read_word_lines((files("byok_bench.dialects.failures") / "word_lists.toml").read_text(encoding="utf-8"))
    return {meaning: _make_entries([line for line in lines if line.means == meaning]) for meaning in get_args(Meaning)}


def _make_entries(lines: Collection[WordLine]) -> WordEntries:
    return WordEntries(
        frozenset(code.lower() for line in lines for code in line.codes),
        tuple(Phrase(words, _read_line_statuses(line)) for line in lines for words in line.words),
    )


def _read_line_statuses(line: WordLine) -> frozenset[int | None] | None:
    return frozenset(None if one == NO_STATUS else one for one in line.at) if line.at else None


def _find_line_problems(line: WordLine, known: set[tuple[object, ...]]) -> Iterator[str]:
    if not SOURCE.fullmatch(line.source):
        yield "the source is no address, no owner/name#number and no owner/name: path"
    if line.language not in _LANGUAGES:
        yield f"the language {line.language!r} is not known"
    if not line.codes and not line.words:
        yield "it holds no codes and no words"
    for words in line.words:
        if words != words.lower() or words != words.strip():
            yield f"{words!r} is not lower case, or has blanks around it"
        if not all(part.strip() for part in words.split(GAP)):
            yield f"{words!r} begins or ends with a gap"
        if len(words) < _find_least_characters(line.language):
            yield f"{words!r} is too short to mean one thing"
    for code in line.codes:
        if not code.strip() or " " in code:
            yield f"{code!r} is no code"
    for text in (*line.codes, *line.words):
        key = (line.means, text in line.codes, text.lower(), line.at)
        if key in known:
            yield f"{text!r} is listed twice"
        known.add(key)


def _find_least_characters(language: str) -> int:
    """Three signs of Chinese, Japanese or Korean say as much as a Latin word."""
    return 2 if language in ("zh", "ja", "ko") else 6


WORD_LISTS: Final = load_word_lists()
"""Entries by meaning."""
