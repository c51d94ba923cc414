"""Where a field of a TOML text stands."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.runs.planning.toml_lines import find_line

TEXT = '''first = 1
"quoted key" = 2

[table]  # a comment
inner = """
hidden = 1
"""
after = { a = 1, b = 2 }
a.b = 3
[[list]]
name = "one"
[[list]]
name = "two"
[list.below]
deep = true
'''


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("first",), 1), (("quoted key",), 2), (("table",), 4), (("table", "inner"), 5), (("table", "hidden"), 4),
        (("table", "after"), 8), (("table", "after", "b"), 8), (("table", "a", "b"), 9), (("list",), 10),
        (("list", 0, "name"), 11), (("list", 1), 12), (("list", 1, "name"), 13), (("list", 1, "other"), 12),
        (("list", 0, "models", 3), 10), (("nothing",), 1), ((), 1),
    ],
)  # fmt: skip
def test_a_field_is_found_or_what_is_around_it(place: tuple[Any, ...], line: int) -> None:
    """Text inside a string is no field."""
    assert find_line(TEXT, place) == line


NAMES = st.text("abcdefgh_-", min_size=1, max_size=6)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, st.integers(), min_size=1), min_size=1))
def test_every_field_of_every_table_is_found(tables: dict[str, dict[str, int]]) -> None:
    """However many there are, the line is the one where it stands."""
    lines = [
        line for table, fields in tables.items() for line in (f"[{table}]", *(f"{k} = {v}" for k, v in fields.items()))
    ]
    text = "\n".join(lines)
    assert tomllib.loads(text) == tables
    for table, fields in tables.items():
        start = lines.index(f"[{table}]")
        assert find_line(text, (table,)) == start + 1
        assert [find_line(text, (table, name)) for name in fields] == [
            start + 2 + position for position in range(len(fields))
        ]
