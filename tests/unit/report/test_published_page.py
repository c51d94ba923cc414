"""docs/published.md: printed figures are reproduced from their counts, and what is said of them holds."""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]


def load_tool() -> Any:
    """tools/published_page.py as a module."""
    spec = importlib.util.spec_from_file_location("published_page", ROOT / "tools" / "published_page.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


PAGE = load_tool()
TABLES = {table["title"]: table for table in PAGE.load_tables()}
ROWS = [(table, row) for table in TABLES.values() for row in table["rows"]]


def find(title: str, host: str) -> tuple[Any, str]:
    """The interval of a host in the table whose title begins so, and what is said of it."""
    table = next(table for name, table in TABLES.items() if name.startswith(title))
    row = next(one for one in table["rows"] if one["host"] == host)
    found = PAGE.estimate(table, row)
    return found, PAGE.decide(table, row, found)


@pytest.mark.parametrize(
    ("table", "row"),
    [(t, r) for t, r in ROWS if t["kind"] != "score" and "inexact" not in r],
    ids=lambda one: one.get("host", ""),
)
def test_a_printed_figure_is_reproduced_to_its_last_digit(table: dict[str, Any], row: dict[str, Any]) -> None:
    """From the counts beside it."""
    assert f"{100 * PAGE.estimate(table, row).value:.2f}" == f"{row['printed']:.2f}"


@pytest.mark.parametrize(("table", "row"), ROWS, ids=lambda one: one.get("host", ""))
def test_a_printed_figure_lies_in_its_interval(table: dict[str, Any], row: dict[str, Any]) -> None:
    """Also where the count is not one of a single run."""
    found = PAGE.estimate(table, row)
    printed = row["printed"] if table["kind"] == "score" else row["printed"] / 100
    assert found.low - 1e-4 <= printed <= found.high + 1e-4


STATED = [
    ("K2-Thinking: tool", "NovitaAI", 70.6, 73.8, "not decided"),
    ("K2-Thinking: tool", "Chutes", 66.7, 69.5, "below the line"),
    ("K2-0905: tool", "Groq", 67.4, 71.7, "below the line"),
    ("K2-0905: tool", "Nebius", 47.9, 53.3, "below the line"),
    ("MiniMax", "minimax-vllm", 96.6, 99.9, "not decided"),
    ("MiniMax", "openrouter-siliconflow", 88.5, 96.6, "below the line"),
    ("K2-Thinking: valid", "InfiniAI", 99.6, 99.97, ""),
    ("K2-Thinking: valid", "SGLang", 94.5, 96.4, ""),
]


@pytest.mark.parametrize(("title", "host", "low", "high", "said"), STATED)
def test_intervals_are_those_that_the_counts_give(title: str, host: str, low: float, high: float, said: str) -> None:
    """Worked out elsewhere, to a digit."""
    found, decided = find(title, host)
    assert (100 * found.low, 100 * found.high) == (pytest.approx(low, abs=0.1), pytest.approx(high, abs=0.1))
    assert decided == said


@pytest.mark.parametrize("title", ["Kimi K3", "gpt-oss"])
def test_no_two_hosts_of_a_score_differ(title: str) -> None:
    """113 tasks are ± 8.6 points; ten hosts of 100 samples are a spread without meaning."""
    (table,) = [table for name, table in TABLES.items() if name.startswith(title)]
    said = {PAGE.decide(table, row, PAGE.estimate(table, row)) for row in table["rows"]}
    assert said == {"", "not decided"}


def test_every_table_names_its_source() -> None:
    """A figure without one is hearsay."""
    assert all(table["source"].startswith("https://github.com/") for table in TABLES.values())
