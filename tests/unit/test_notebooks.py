"""What is committed of a notebook: its cells, and the outputs of checked cells alone."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import byok_bench as bb

NOTEBOOKS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))
CHECKED = "nbval-check-output"
LONGEST_CELL = 12


def read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text())
    return document


def code_cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in read(path)["cells"] if cell["cell_type"] == "code"]


def is_checked(cell: dict[str, Any]) -> bool:
    return CHECKED in cell["metadata"].get("tags", [])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_only_checked_cells_keep_their_output(path: Path) -> None:
    """An output that nobody compares grows stale, and may hold what should not be kept."""
    assert [cell["source"] for cell in code_cells(path) if cell["outputs"] and not is_checked(cell)] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_checked_cell_has_an_output_to_compare(path: Path) -> None:
    """Without a stored output nbval compares nothing and says nothing."""
    assert [cell["source"] for cell in code_cells(path) if is_checked(cell) and not cell["outputs"]] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_was_run_from_top_to_bottom(path: Path) -> None:
    """Counts are 1…n; nbval skips the comparison of a cell without a count."""
    cells = code_cells(path)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_widget_state_is_committed(path: Path) -> None:
    """Widget state can hold what somebody typed."""
    assert "widgets" not in read(path)["metadata"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_tells_before_it_does(path: Path) -> None:
    """The first cell says the question and the cost; settings stand in one tagged cell; no cell is long."""
    cells = read(path)["cells"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    assert cells[0]["cell_type"] == "markdown"
    assert len(tagged) == 1
    assert max(len(cell["source"]) for cell in code_cells(path)) <= LONGEST_CELL


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_code_cell_is_introduced(path: Path) -> None:
    """What a cell is for stands above it."""
    kinds = [cell["cell_type"] for cell in read(path)["cells"]]
    assert ("code", "code") not in set(pairwise(kinds))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_no_endpoint_of_ones_own_is_asked_unless_it_is_named(path: Path) -> None:
    """Running a notebook again must not cost anything: a book is read with the setting that names endpoints."""
    text = "\n".join("".join(cell["source"]) for cell in code_cells(path))
    asks = [line for line in text.splitlines() if "form.ready" in line or "EndpointBook.open()" in line]
    assert all(".choose(MINE)" in line for line in asks)
    assert not asks or "MINE = []" in text


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_whoever_names_endpoints_of_ones_own_says_what_they_owe(path: Path) -> None:
    """A notebook that asks them without testing them would pass with a dead endpoint."""
    cells = ["".join(cell["source"]) for cell in code_cells(path)]
    settings = [cell for cell in cells if "MINE = []" in cell]
    assert all('DEMAND = "answers"' in cell for cell in settings)
    tests = [cell for cell in cells if "bb.find_unmet(run, MINE, DEMAND)" in cell and "assert not unmet" in cell]
    assert len(tests) == len(settings)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_needs_the_public_names_alone(path: Path) -> None:
    """Nothing deeper of the package is promised, so a notebook that people copy from takes nothing deeper."""
    text = "\n".join("".join(cell["source"]) for cell in code_cells(path))
    mentions = [line for line in text.splitlines() if "byok_bench" in line]
    assert mentions == ["import byok_bench as bb"]
    assert set(re.findall(r"\bbb\.(\w+)", text)) <= set(bb.__all__)
