"""docs/metrics.md defines every column that a table can have."""

import re
from pathlib import Path

import pytest
from support.detailed_run import make_detailed_run
from support.made_run import MadeRun, plan, row

from byok_bench.report.columns import COLUMNS, INTERVALS
from byok_bench.report.compare import compare
from byok_bench.report.frames import make_table_frame
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.results import DETAILS, TABLES

PAGE = (Path(__file__).parents[3] / "docs/metrics.md").read_text(encoding="utf-8")
RUN = MadeRun([row("forced-tool", ttft_ms=1.0, e2e_ms=2.0)], plan(loads=(ClosedLoad(), ClosedLoad(concurrency=2))))
DETAILED = make_detailed_run()


def defined(section: str) -> set[str]:
    """Column names in the first cells of the tables of a section and of the common one."""
    parts = re.split(r"^#{2,3} ", PAGE, flags=re.MULTILINE)
    chosen = [part for part in parts if part.startswith((section, "Columns of every table"))]
    assert len(chosen) == 2
    cells = re.findall(r"^\| ([^|]+) \|", "\n".join(chosen), flags=re.MULTILINE)
    return {name.strip() for cell in cells for name in cell.split(",")}


@pytest.mark.parametrize("name", [*TABLES, *DETAILS])
def test_every_column_of_a_table_is_defined(name: str) -> None:
    """A number that nobody can look up is no measurement."""
    columns = set(make_table_frame(DETAILED, name).columns)
    assert columns
    assert columns <= defined(name)


@pytest.mark.parametrize("name", [*TABLES, *DETAILS])
def test_every_column_says_in_a_line_what_it_is(name: str) -> None:
    """In the report and in notebooks, under the pointer; bounds are shown as an interval."""
    columns = set(make_table_frame(DETAILED, name).columns)
    assert columns | {interval for *_, interval in INTERVALS.values()} <= set(COLUMNS)


UNITS = {"_per_s": "tokens/s", "_ms": "ms", "_s": "s", "_percent": "%"}


@pytest.mark.parametrize("key", COLUMNS)
def test_a_key_is_snake_case_and_ends_with_its_unit(key: str) -> None:
    """For programs; a comparison's numbers have the unit of their metric, and an interval that of its median."""
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", key)
    unit = next((unit for end, unit in UNITS.items() if key.endswith(end)), "")
    assert COLUMNS[key].unit == unit or key in ("a", "b", "difference", "low", "high", "interval")


def test_every_column_of_a_comparison_is_defined() -> None:
    """The same for differences."""
    columns = set(compare(RUN, RUN).columns)
    assert columns <= defined("compare")
    assert columns <= set(COLUMNS)
