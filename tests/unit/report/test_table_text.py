"""How cells are written."""

from typing import Any

import pytest

from byok_bench.report.table_text import is_number, render_cell, render_interval


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (0.034, "0.03"),
        (1.2345, "1.23"),
        (12.345, "12.3"),
        (1234.5, "1234"),
        (-12.34, "-12.3"),
        (7, "7"),
        (0, "0"),
        (None, "NA"),
        ("", ""),
        ("text", "text"),
    ],
)
def test_a_number_has_three_digits_and_a_missing_one_is_na(cell: Any, text: str) -> None:
    """NA, and never 0, where a number could not be had."""
    assert render_cell(cell) == text


def test_an_interval_is_written_whole_or_not_at_all() -> None:
    """Half an interval says nothing."""
    assert render_interval(1.0, 2.5) == "1.00–2.50"
    assert render_interval(1.0, None) == "NA"


@pytest.mark.parametrize(
    ("cells", "number"),
    [(["1.0", "NA"], True), (["-3", "4"], True), (["a", "1"], False), ([], False), (["", "1"], False)],
)
def test_columns_of_numbers_line_up(cells: list[str], number: bool) -> None:
    """Text does not."""
    assert is_number(cells) is number
