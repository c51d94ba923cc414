"""Of a long run rows are read one after the other: whatever is made of them is what all of them at once give."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.stored_rows import make_rows, store_rows

from byok_bench.report import batched_files, selections
from byok_bench.report.comparison_lines import list_differences
from byok_bench.report.evidence import list_failures
from byok_bench.report.export import write_csv
from byok_bench.report.gates.verdicts import gate
from byok_bench.report.html import render_report_page
from byok_bench.report.run_history import estimate_run
from byok_bench.report.vendor.comparison import list_vendor_lines
from byok_bench.report.vendor.ranking import list_ranking_lines
from byok_bench.runs import results, stored_rows
from byok_bench.runs.results import Run

RULES = [
    {"metric": "ttft_ms.p90", "max": 200},
    {"metric": "itl_ms", "max": 2},
    {"metric": "outcome.ok", "min": 0.5},
    {"metric": "failures", "max": 3},
    {"metric": "findings.severity.error.share", "max": 0.1},
]


def render_files(write: Callable[[Run, Path], list[Path]], run: Run, folder: Path) -> dict[str, bytes]:
    """Name → content."""
    return {path.name: path.read_bytes() for path in write(run, folder)}


READERS: dict[str, Callable[[Run, Path], Any]] = {
    "rows": lambda run, _: list(run.iterate_rows()),
    "one row": lambda run, _: [run.find_row(id_) for id_ in (1, 200, 10**6)],
    "gates": lambda run, _: gate(run, {"version": 1, "rule": RULES}),
    "comparison": lambda run, _: list_differences(run, run, a="one", b="two"),
    "vendor": lambda run, _: list_vendor_lines(run),
    "ranking": lambda run, _: list_ranking_lines(run),
    "failures": lambda run, _: list_failures(run),
    "history": lambda run, _: estimate_run(run, "two", "ttft_ms"),
    "page": lambda run, _: render_report_page(run),
    "csv": lambda run, folder: render_files(write_csv, run, folder),
}


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one run."""
    return store_rows(tmp_path_factory.mktemp("kept") / "bench.sqlite", make_rows(1)).path


@pytest.fixture
def in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of any length is a long one, and is read a few rows at a time."""
    for module, name, value in (
        (results, "MANY", 0), (selections, "MANY", 0), (stored_rows, "AT_ONCE", 37), (stored_rows, "OPEN_BLOCKS", 1),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(batched_files.iterate_batches, "__defaults__", (50,))


@pytest.mark.parametrize("name", READERS)
def test_a_long_run_is_read_as_a_short_one_is(
    name: str, kept: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Rows, gates, comparisons, the page and exports are the same."""
    at_once = READERS[name](Run.open("last", kept), tmp_path / "at once")
    request.getfixturevalue("in_steps")
    long = Run.open("last", kept)
    assert READERS[name](long, tmp_path / "in steps") == at_once
    assert long._rows == []
