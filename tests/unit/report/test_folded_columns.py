"""Columns that hold the same nothing everywhere are told in a line."""

from support.made_run import MadeRun, plan, row

from byok_bench.report.table_text import describe_folded_columns, render_narrow_lines
from byok_bench.report.tables import list_table_lines


def test_a_column_without_a_number_is_left_out_and_told() -> None:
    """From two answers there is no interval and no p90, and a line says how many it takes."""
    made = list_table_lines(MadeRun([row(ttft_ms=9.0, e2e_ms=20.0), row(repeat=2, ttft_ms=9.5)], plan()), "latency")
    assert list(render_narrow_lines(made, "latency")[0]) == ["endpoint", "scenario", "n", "failed", "ttft_ms", "e2e_ms"]
    told = describe_folded_columns(made, "latency")
    assert told == "excluded: none · TTFT p90 needs 10 samples · E2E p90 needs 10 samples · 95 % CI needs 6 samples."


def test_a_column_that_holds_something_once_is_shown() -> None:
    """One line that was left out makes the column count."""
    made = list_table_lines(MadeRun([row(ttft_ms=9.0), row(target=1, status="left_out")], plan()), "latency")
    assert "excluded" in render_narrow_lines(made, "latency")[0]
