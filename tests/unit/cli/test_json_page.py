"""docs/json.md: each document has the fields that the page lists, and no other."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from byok_bench.cli.main import build_app

PAGE = Path(__file__).parents[3] / "docs/json.md"
NOBODY = ("--base-url", "http://127.0.0.1:1/v1", "--model", "m")
COMMANDS = {
    "run, report, demo": ["run", *NOBODY, "-s", "plain-answer", "--repeats", "1"],
    "report --findings": ["report", "last", "--findings"],
    "run --dry-run": ["run", *NOBODY, "-s", "plain-answer", "--dry-run"],
    "check": ["check", *NOBODY],
    "send": ["send", *NOBODY, "--prompt", "Hello"],
    "models": ["models", *NOBODY],
    "endpoints list": ["endpoints", "list"],
    "runs list": ["runs", "list"],
    "judge": ["judge", "http://127.0.0.1:1/v1"],
    "checks show": ["checks", "show", "stream.utf8"],
}
OF_A_RUN = ("report --findings", "runs list")
ELSEWHERE = {"compare", "serve"}
"""They need answers, or a server that goes on."""


def read_page() -> dict[str, list[str]]:
    """Section → the fields of its table."""
    sections = re.split(r"^## ", PAGE.read_text("utf-8"), flags=re.MULTILINE)[1:]
    return {one.partition("\n")[0]: re.findall(r"^\| (\w+) \|", one, re.MULTILINE)[1:] for one in sections}


def test_the_page_tells_every_document_that_is_played_here() -> None:
    """And those that cannot be."""
    assert set(read_page()) == COMMANDS.keys() | ELSEWHERE


@pytest.mark.parametrize("section", COMMANDS)
def test_a_document_has_the_fields_of_the_page(section: str) -> None:
    """All of them, in any order, whatever became of the request."""
    if section in OF_A_RUN:
        CliRunner().invoke(build_app(), COMMANDS["run, report, demo"])
    shown = CliRunner().invoke(build_app(), [*COMMANDS[section], "--json"])
    assert json.loads(shown.stdout).keys() == set(read_page()[section])
