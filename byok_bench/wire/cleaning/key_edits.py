"""Where keys stand in the body of a good answer: as they are, as JSON escapes them, or spread over streamed events.

Bytes in, edits out; what is done with them is in records.py. Only keys that the caller names are looked for, and
only exactly: an answer that happens to look like a key is an answer. Rules: docs/secrets.md.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import AnyStr, Final, NamedTuple

from byok_bench.redact import REDACTED, redact
from byok_bench.redact.decoded_views import iterate_unescaped_views, merge_spans
from byok_bench.wire.cleaning.delta_threads import Piece, split_threads

SHORTEST_SECRET: Final = 3
"""Shorter texts are no secrets: they would be found everywhere."""
_MARK: Final = REDACTED.encode()
_ESCAPED: Final = re.compile(rb"\\u00[2-7]")
"""How JSON may write any character of a key; `"`, `/` and the backslash also have a short form."""
_SHORT_ESCAPES: Final = frozenset('"/\\')
_DELTA: Final = re.compile(
    rb'"(content|reasoning_content|reasoning|refusal|text|delta|arguments|partial_json|thinking)"'
    rb':[ \t]*"((?:[^"\\\r\n]++|\\.)*+)"'
)
"""Members whose strings the dialects put together, event by event."""
_SEVERAL: Final = re.compile(rb'"(?:index|output_index|content_index|summary_index)":[ \t]*[1-9]')
"""An answer of several choices, calls or items, whose strings may come by turns."""
_ITEM: Final = re.compile(rb'"item_id":[ \t]*"([^"]*)"')
_ERROR: Final = re.compile(rb'"error(?!":[ \t]*null)')


class KeyEdit(NamedTuple):
    """Bytes `start` to `stop` are to be replaced."""

    start: int
    stop: int
    put: bytes


def find_whole_key_edits(whole: bytes, secrets: Sequence[str]) -> list[KeyEdit]:
    """What takes every secret out that stands in one piece; lines that tell of an error are redacted as a text."""
    spans = [*_iterate_plain(whole, secrets), *_iterate_escaped(whole, secrets)]
    return _merge_edits([*(KeyEdit(*span, _MARK) for span in spans), *_redact_error_lines(whole, secrets)])


def find_split_key_edits(whole: bytes, secrets: Sequence[str]) -> list[KeyEdit]:
    """What takes secrets out that only the strings of several events, put together, hold. Costs more than the rest."""
    found = [Piece(match[1].decode(), match.start(2), match[2]) for match in _DELTA.finditer(whole)]
    threads: dict[object, list[Piece]] = {}
    for piece in found:
        threads.setdefault(piece.member, []).append(piece)
    if _SEVERAL.search(whole) or len(set(_ITEM.findall(whole))) > 1:
        for thread, piece in split_threads(whole, found):
            threads.setdefault(thread, []).append(piece)
    edits: list[KeyEdit] = []
    for pieces in threads.values():
        together = b"".join(piece.text for piece in pieces)
        for start, stop in merge_spans([*_iterate_plain(together, secrets), *_iterate_escaped(together, secrets)]):
            edits += _spread_edit(pieces, start, stop)
    return _merge_edits(edits)


def _iterate_plain(whole: bytes, secrets: Iterable[str]) -> Iterator[tuple[int, int]]:
    for secret in secrets:
        sought = secret.encode()
        for start in _iterate_starts(whole, sought):
            yield start, start + len(sought)


def _iterate_escaped(whole: bytes, secrets: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where a secret stands with some of its characters escaped, once or, inside of tool arguments, twice."""
    has_escapes = b"\\" in whole and (
        any(not _SHORT_ESCAPES.isdisjoint(secret) for secret in secrets) or _ESCAPED.search(whole) is not None
    )
    if not has_escapes:
        return
    for view in iterate_unescaped_views(whole.decode("latin-1")):
        for secret in secrets:
            for start in _iterate_starts(view.text, secret):
                yield view.locate_origin(start, start + len(secret))


def _iterate_starts(whole: AnyStr, sought: AnyStr) -> Iterator[int]:
    start = whole.find(sought)
    while start >= 0:
        yield start
        start = whole.find(sought, start + 1)


def _redact_error_lines(whole: bytes, secrets: Sequence[str]) -> Iterator[KeyEdit]:
    """Errors inside of a good answer: servers echo keys there in every disguise."""
    stop = 0
    while found := _ERROR.search(whole, stop):
        start, end = whole.rfind(b"\n", 0, found.start()) + 1, whole.find(b"\n", found.start())
        stop = len(whole) if end < 0 else end
        line = whole[start:stop].decode("utf-8", "surrogateescape")
        clean = redact(line, secrets)
        if clean != line:
            yield KeyEdit(start, stop, clean.encode("utf-8", "surrogateescape"))


def _spread_edit(pieces: Sequence[Piece], start: int, stop: int) -> Iterator[KeyEdit]:
    """The edits that replace start..stop of the joined pieces: a mark in the first piece, nothing in the others."""
    offset, put = 0, _MARK
    for _, at, text in pieces:
        first, last = max(start, offset), min(stop, offset + len(text))
        if first < last:
            yield KeyEdit(at + first - offset, at + last - offset, put)
            put = b""
        offset += len(text)


def _merge_edits(edits: list[KeyEdit]) -> list[KeyEdit]:
    """In order, none overlapping: those that share a byte become one, and the longest says what is put there."""
    apart: list[KeyEdit] = []
    for edit in sorted(edits, key=lambda one: (one.start, -one.stop)):
        if apart and edit.start < apart[-1].stop:
            apart[-1] = apart[-1]._replace(stop=max(edit.stop, apart[-1].stop))
        else:
            apart.append(edit)
    return apart
