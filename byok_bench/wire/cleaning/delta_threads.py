"""Which strings of a stream belong together: those of one choice, one tool call, one item, in the order they came.

A reader puts together what has one place in the answer, so a text may come in turns with another one. Needed where
a key is looked for that a server spread over a stream; the dialects read answers in another way, from whole events.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final, NamedTuple

from byok_bench.wire.bodies import bounded_json

_PLACES: Final = ("index", "output_index", "content_index", "summary_index", "item_id")
"""Members that say of which choice, call, item or part an object is."""
Thread = tuple[object, ...]
"""The way to a string from the top of its event, with the places on it."""


class Piece(NamedTuple):
    """One string of a stream."""

    member: str
    at: int
    """Offset of its text in the body."""
    text: bytes
    """As JSON wrote it."""


def split_threads(whole: bytes, pieces: Sequence[Piece]) -> Iterator[tuple[Thread, Piece]]:
    """Each piece with its thread; pieces of a line that is no event of theirs are left out.

    `pieces`: all strings of the body whose member is one of theirs, in order.
    """
    members = {piece.member for piece in pieces}
    for line, inside in _iterate_lines(whole, pieces):
        value = bounded_json.decode_json(line[line.find(b"{") :])
        threads = [] if isinstance(value, bounded_json.Malformed) else list(_iterate_threads(value, (), members))
        if len(threads) == len(inside):
            yield from zip(threads, inside, strict=True)


def _iterate_lines(whole: bytes, pieces: Sequence[Piece]) -> Iterator[tuple[bytes, list[Piece]]]:
    """The lines that hold pieces, each with its own."""
    at = 0
    while at < len(pieces):
        start = whole.rfind(b"\n", 0, pieces[at].at) + 1
        found = whole.find(b"\n", start)
        stop = len(whole) if found < 0 else found
        inside = []
        while at < len(pieces) and pieces[at].at < stop:
            inside.append(pieces[at])
            at += 1
        yield whole[start:stop], inside


def _iterate_threads(value: Any, way: Thread, members: set[str]) -> Iterator[Thread]:
    """The thread of every string that is one of the members, in the order of the text."""
    if isinstance(value, dict):
        place = tuple(str(value[name]) for name in _PLACES if name in value)
        for name, inner in value.items():
            here = (*way, place, name)
            if isinstance(inner, str):
                if name in members:
                    yield here
            else:
                yield from _iterate_threads(inner, here, members)
    elif isinstance(value, list):
        for inner in value:
            yield from _iterate_threads(inner, way, members)
