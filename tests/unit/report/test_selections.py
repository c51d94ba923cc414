"""Tables that are made of figures are those that are made of rows, cell by cell."""

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.made_run import MadeRun
from support.served import Served
from support.stored_rows import PLAN, make_rows, store_rows

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.report import selections
from byok_bench.report.selections import RowSelection, select_measured
from byok_bench.report.stats import compute_quantile, median, paired
from byok_bench.report.tables import list_table_lines
from byok_bench.report.verdict_cards import make_cards
from byok_bench.report.winner import choose_winner
from byok_bench.runs.own_failures import mark_caused
from byok_bench.runs.results import DETAILS, TABLES, Run
from byok_bench.runs.runner import run

NAMES = (*TABLES, *DETAILS)


def make_tables(made: Run, monkeypatch: pytest.MonkeyPatch, many: int) -> dict[str, Any]:
    """All of them, and the verdicts."""
    monkeypatch.setattr(selections, "MANY", many)
    return {name: list_table_lines(made, name) for name in NAMES} | {
        "cards": make_cards(made),
        "winner": choose_winner(made),
    }


@pytest.mark.parametrize("seed", range(3))
def test_tables_of_generated_rows_are_the_same_both_ways(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples of every outcome, open and left out, cooldowns, long gaps, words that UTF-8 has no form for."""
    rows = make_rows(seed)
    assert any(row.caused_by_us and row.http_status == 429 for row in mark_caused(PLAN, rows))
    assert any(row.caused_by_us and row.http_status != 429 for row in mark_caused(PLAN, rows))
    by_figures = make_tables(store_rows(tmp_path / "bench.sqlite", rows), monkeypatch, 0)
    assert by_figures == make_tables(MadeRun(mark_caused(PLAN, rows), PLAN), monkeypatch, 10**9)
    assert all(by_figures[name] for name in (*TABLES, "capabilities", "depth"))


def test_tables_of_a_played_run_are_the_same_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams, tools, two turns and refusals of a real server."""
    with Served() as url:
        endpoint = Endpoint(label="e", base_url=url, models=[Model("simulator-1")])
        asyncio.run(run(endpoint, ["agent", "errors"], 2, store=tmp_path / "bench.sqlite", warmup=1))
    stored = Run.open("last", tmp_path / "bench.sqlite")
    by_figures = make_tables(stored, monkeypatch, 0)
    assert by_figures == make_tables(stored, monkeypatch, 10**9)
    assert by_figures["latency"]


def test_a_drift_is_the_same_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Repeats of a half are paired with those of the other, prompt by prompt."""
    rows = [row for row in make_rows(7) if row.kind is None]
    stored = store_rows(tmp_path / "bench.sqlite", rows)
    monkeypatch.setattr(selections, "MANY", 10**9)
    few = RowSelection([row for row in rows if row.repeat])
    monkeypatch.setattr(selections, "MANY", 0)
    many: Any = select_measured(stored)
    slow, quick = few.match_repeats("ttft_ms", 4, 4), many.match_repeats("ttft_ms", 4, 4)
    assert sorted(zip(*slow, strict=True)) == sorted(zip(*(side.tolist() for side in quick), strict=True)) != []  # type: ignore[attr-defined]


def test_what_two_endpoints_answered_is_paired_the_same_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By prompt and repeat; the last one of several turns and loads counts."""
    rows = [row for row in make_rows(8) if row.repeat]
    few = RowSelection(rows)
    monkeypatch.setattr(selections, "MANY", 0)
    many: Any = select_measured(store_rows(tmp_path / "bench.sqlite", rows))
    slow, quick = (
        some.select("target", 0).match_numbers("e2e_ms", some.select("target", 1), ("prompt", "repeat"))
        for some in (few, many)
    )
    assert sorted(zip(*slow, strict=True)) == sorted(zip(*(side.tolist() for side in quick), strict=True)) != []


def test_tables_of_many_are_made_without_numpy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of rows, where the extra `report` is not installed."""
    stored = store_rows(tmp_path / "bench.sqlite", make_rows(2))
    by_figures = make_tables(stored, monkeypatch, 0)
    monkeypatch.setattr(selections, "find_spec", lambda name: None)
    assert isinstance(select_measured(Run.open("last", stored.path)), RowSelection)
    assert make_tables(Run.open("last", stored.path), monkeypatch, 0) == by_figures


NUMBERS = st.lists(st.integers(-(10**12), 10**12).map(lambda number: number / 1000), max_size=60)


@given(NUMBERS)
def test_medians_and_quantiles_of_an_array_are_those_of_its_numbers(numbers: list[float]) -> None:
    """Whatever they are."""
    array = np.array(numbers, float)
    assert median(array) == median(numbers)
    assert [compute_quantile(array, q) for q in (0.5, 0.9)] == [compute_quantile(numbers, q) for q in (0.5, 0.9)]
    assert paired(array, array[::-1]) == paired(numbers, numbers[::-1])


def test_an_array_that_holds_no_number_is_refused() -> None:
    """Its place among the sorted is named."""
    with pytest.raises(ValueError, match="finite number"):
        median(np.array([1.0, np.nan]))
