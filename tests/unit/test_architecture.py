"""docs/ARCHITECTURE.md: the functions that it names are there, and call each other in the order that it tells."""

import ast
import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from byok_bench.backends.simulator.server import Simulator
from byok_bench.cli.terminal_tables import print_tables
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.send import send
from byok_bench.runs.judging import make_row
from byok_bench.runs.storage.ledger import ExchangeState
from tests.support.made_run import MadeRun
from tests.support.made_run import plan as make_a_plan
from tests.support.simulated import body_for

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "byok_bench"
PAGE = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
_CALLED = re.compile(r"`([\w/]+\.py)`: `([\w.]+)`")
_ANSWER = re.compile(r"^\| (.+) \| `([\w/]+\.(?:py|toml))` \| `([\w.-]+)` \|$", re.MULTILINE)


def chapter(title: str) -> str:
    """The text under a heading."""
    return PAGE.partition(f"## {title}")[2].partition("\n## ")[0]


WAY = _CALLED.findall(chapter("A chunk's way"))
ANSWERS = _ANSWER.findall(chapter("In which file lives"))


def defined(path: Path) -> set[str]:
    """What a module defines: functions, classes, methods with their class, constants; of a word list, its meanings."""
    text = path.read_text("utf-8")
    if path.suffix == ".toml":
        return set(re.findall(r'^means = "([\w-]+)"', text, re.MULTILINE))
    found = set()
    for node in ast.parse(text).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{one.name}"
                for one in node.body
                if isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef)
            }
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
    return found


@pytest.mark.parametrize(("question", "file", "name"), ANSWERS, ids=[one[0] for one in ANSWERS])
def test_what_is_asked_for_lives_in_the_named_file(question: str, file: str, name: str) -> None:
    """The file is there, and defines the name."""
    assert name in defined(PACKAGE / file), f"{question}: {file} holds no {name}"


def test_ten_questions_are_answered() -> None:
    """A row that is written otherwise would not be looked at."""
    assert len(ANSWERS) == 10


async def test_a_chunk_goes_the_way_that_is_told() -> None:
    """An answer whose call has no index is received, judged and shown: functions are called as told."""
    called: dict[tuple[str, str], None] = {}

    def note(frame: FrameType, event: str, argument: Any) -> None:
        path = frame.f_code.co_filename
        if event == "call" and path.startswith(str(PACKAGE)):
            called.setdefault((path[len(str(PACKAGE)) + 1 :], frame.f_code.co_qualname))

    async with Simulator(faults=["tool.index-missing"], ttft_ms=0, gap_ms=0) as server:
        sys.setprofile(note)
        try:
            show(await send(server.endpoint, body_for("chat", "tools"), profile="local"))
        finally:
            sys.setprofile(None)
    assert [one for one in called if one in WAY] == WAY


def show(exchange: Exchange) -> None:
    """The row of an exchange, as the table of streams in a terminal."""
    plan = make_a_plan(("one",))
    state = ExchangeState(
        id=1, key="k", first_key="k", turn=1, target=0, stage=0, scenario="plain-answer", sample="capital", repeat=1,
        status="done", attempt=1, owner=None, kind=None, phase=None, final="",
    )  # fmt: skip
    row = make_row(plan, state, exchange)
    assert [found.severity for found in row.findings] == ["error"]
    print_tables(MadeRun([row], plan), ["streaming"])


PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_PLACE = re.compile(
    r"`((?:byok_bench|tests|tools|benchmarks|docs|notebooks|[a-z_]+)/[\w/.-]+\.(?:py|toml|md|css|js|csv))`"
)
FOREIGN = ("src/", "starlette/")
"""Paths in the repositories of others."""


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_files_that_a_page_names_are_there(page: Path) -> None:
    """From the root, or from the package."""
    named = {one for one in _PLACE.findall(page.read_text("utf-8")) if not one.startswith(FOREIGN)}
    assert not {one for one in named if not (ROOT / one).exists() and not (PACKAGE / one).exists()}


_INSIDE = re.compile(r"^Inside: (.+?)\.$", re.MULTILINE | re.DOTALL)


def inner_modules() -> dict[str, Path]:
    """Module → its room, of those that the room's `__init__` calls inside."""
    found = {}
    for init in PACKAGE.rglob("__init__.py"):
        room = init.parent
        for said in _INSIDE.findall(ast.get_docstring(ast.parse(init.read_text("utf-8"))) or ""):
            files = room.glob("*.py") if said == "every module" else [room / f"{one}.py" for one in said_names(said)]
            found |= {".".join(file.relative_to(ROOT).with_suffix("").parts): room for file in files}
    return found


def said_names(text: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`(\w+)`", text)


def imported(path: Path) -> set[str]:
    """Every module of the package that a file may import, wherever the import stands."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.ImportFrom)]
    return {name for node in nodes for one in node.names for name in (node.module or "", f"{node.module}.{one.name}")}


def test_what_a_room_calls_inside_is_there() -> None:
    """A name that was left behind would hold nobody."""
    gone = [name for name in inner_modules() if not (ROOT / (name.replace(".", "/") + ".py")).is_file()]
    assert len(inner_modules()) > 50
    assert gone == []


def test_nothing_reaches_past_a_room() -> None:
    """What an `__init__` calls inside is imported by its own room alone; all else of it is what the room offers."""
    inner = inner_modules()
    reaching = {
        (str(path.relative_to(PACKAGE)), name)
        for path in PACKAGE.rglob("*.py")
        for name in imported(path) & inner.keys()
        if inner[name] not in path.parents
    }
    assert reaching == set()
