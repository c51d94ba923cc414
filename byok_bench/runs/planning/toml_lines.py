"""Where a field stands in a TOML text: errors about a value name the line that a person has to change.

The parsers tell the line of what is no TOML, and nothing of values; so the text is read here for headers and keys
alone. What cannot be found stands at the line of the table around it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

Place = tuple[str | int, ...]
"""Names of tables and fields from the outside in; the number of an entry behind the name of a list."""
_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([^\]]+?)\s*\]")
_KEY: Final = re.compile(r"""\s*([A-Za-z0-9_.\-"' ]+?)\s*=""")
_INLINE: Final = re.compile(r"""[{,]\s*["']?([A-Za-z0-9_\-]+)["']?\s*=""")


def find_line(text: str, place: Sequence[str | int]) -> int:
    """The line, counted from 1, of a field or table; of the nearest thing around it that is found."""
    found = _find_places(text)
    wanted = tuple(place)
    while wanted:
        if wanted in found:
            return found[wanted]
        wanted = wanted[:-1]
    return 1


def _find_places(text: str) -> dict[Place, int]:
    """Everything that has a name, with its line."""
    found: dict[Place, int] = {}
    lists: Counter[Place] = Counter()
    table: Place = ()
    quoted = ""
    for number, line in enumerate(text.split("\n"), start=1):
        if quoted:
            quoted = "" if quoted in line else quoted
            continue
        if header := _HEADER.match(line):
            table = _enter(_split_names(header[2]), lists, is_entry=header[1] == "[[")
        elif key := _KEY.match(line):
            field = (*table, *_split_names(key[1]))
            found.setdefault(field, number)
            for inner in _INLINE.findall(line):
                found.setdefault((*field, inner), number)
            quoted = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
        for depth in range(1, len(table) + 1):
            found.setdefault(table[:depth], number)
    return found


def _enter(names: Place, lists: Counter[Place], *, is_entry: bool) -> Place:
    """The table that a header begins: within a list, that of its last entry so far."""
    table: Place = ()
    for position, name in enumerate(names, start=1):
        table = (*table, name)
        if is_entry and position == len(names):
            lists[table] += 1
        if lists[table]:
            table = (*table, lists[table] - 1)
    return table


def _split_names(dotted: str) -> Place:
    return tuple(name.strip().strip("\"'") for name in dotted.split("."))
