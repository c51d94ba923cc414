"""The benchmark of large result files runs as `make bench-store` runs it, on a small one."""

from pathlib import Path

import pytest

from benchmarks import store, store_filling
from byok_bench.report import selections
from byok_bench.report.tables import list_table_lines
from byok_bench.runs.results import DETAILS, TABLES, Run


def test_a_small_file_is_made_asked_and_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some thousand exchanges: all are judged, the tables are full, every line of the section is there."""
    monkeypatch.setattr(store, "FOLDER", tmp_path / "store")
    monkeypatch.setattr(store_filling, "REPEATS", 1)
    monkeypatch.setattr(selections, "MANY", 1000)
    made = store.make_file(2000, 60)
    run = Run.open("last", tmp_path / "store" / "bench.sqlite")
    assert made.exchanges == run.states.total() >= 2000
    assert made.gaps > 60 * made.exchanges
    assert [name for name in TABLES if not list_table_lines(run, name)] == []
    answer = store.ask("latency", times=1)
    section = store.render(
        made, dict.fromkeys((*TABLES, *DETAILS, *store.LIMITS), answer), {"duckdb": {"latency": 1, "streaming": 2}}
    )
    assert [line.count("|") for line in section.splitlines() if line.startswith("| table")] == [5] * 18
    assert "| duckdb | 1.00 | 2.00 |" in section
