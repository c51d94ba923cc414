"""The public surface: one table in byok_bench/__init__.py, light to import, and the same for type checkers."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import byok_bench as bb

ROOT = Path(__file__).parents[2]
PACKAGE = Path(bb.__file__)
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
HEAVY = ("pandas", "altair", "ipywidgets", "anywidget", "httpx", "xllamacpp")


def list_typed_homes() -> dict[str, str]:
    """What a type checker reads, in the form of the table."""
    tree = ast.parse(PACKAGE.read_text("utf-8"))
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("byok_bench."):
            home = (node.module or "").removeprefix("byok_bench.")
            for alias in node.names:
                name = alias.asname or alias.name
                found[name] = home if name == alias.name else f"{home}:{alias.name}"
        elif isinstance(node, ast.Assign) and isinstance(node.value, ast.Name) and node.value.id in found:
            # A renamed import is no re-export to a type checker.
            found[ast.unparse(node.targets[0])] = found.pop(node.value.id)
    return found


def test_type_checkers_read_the_table_too() -> None:
    """A name in one alone would be missing at run time, or be Any."""
    assert list_typed_homes() == bb._HOMES


@pytest.mark.parametrize("name", bb.__all__)
def test_every_name_is_there_and_described(name: str) -> None:
    """It resolves, `dir` lists it, and it says what it is."""
    assert name in dir(bb)
    assert (getattr(bb, name).__doc__ or "").strip()


def test_what_is_not_there_is_an_attribute_error() -> None:
    """Names that come later are no stubs."""
    with pytest.raises(AttributeError, match="WatchView"):
        _ = bb.WatchView


def test_importing_loads_nothing_heavy() -> None:
    """Tables, plots and forms load their libraries when they are asked for."""
    code = f"import sys, byok_bench as bb; dir(bb); print(*(name for name in {HEAVY} if name in sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert printed.stdout.split() == []


def test_every_name_is_on_the_page() -> None:
    """What is promised can be read in one place; the generator's own check holds the rest."""
    page = (ROOT / "docs" / "reference.md").read_text("utf-8")
    assert [line for line in page.splitlines() if line.startswith("## ")] == [f"## bb.{name}" for name in bb.__all__]


def test_every_parameter_of_a_run_is_explained() -> None:
    """It has many, and a number without its unit is a trap."""
    told = re.findall(r"^\* `(\w+)`: ", inspect.getdoc(bb.run) or "", re.MULTILINE)
    assert told == list(inspect.signature(bb.run).parameters)


@pytest.mark.parametrize(
    "page", [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md"], ids=lambda path: path.name
)
def test_pages_take_the_public_names_alone(page: Path) -> None:
    """What a page shows can be typed as it stands: of the package it imports `bb`, and every `bb.x` is there."""
    for block in PYTHON_BLOCK.findall(page.read_text("utf-8")):
        imports = [line for line in block.splitlines() if re.match(r"\s*(from|import) byok_bench\b", line)]
        assert set(imports) <= {"import byok_bench as bb"}
        assert set(re.findall(r"\bbb\.(\w+)", block)) <= set(bb.__all__)
