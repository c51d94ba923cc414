"""`byok-bench scenarios`: what it lists, shows, proves and writes."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from byok_bench.cli.main import build_app
from byok_bench.scenarios.scenario_file import read_scenario_file

BROKEN = """
version = 2
name = "mine"
title = "Mine"
[[samples]]
name = "one"
messages = [{ role = "user", content = "Say Paris." }]
expect = [{ what = "text_contains", any_of = ["Paris"] }, { what = "answered" }]
solution = [{ text = "Lyon" }]
[[samples.mistake]]
caught_by = "text_contains"
turns = [{ text = "" }]
"""


def invoke(*words: str) -> tuple[int, str]:
    """Exit code and stdout."""
    result = CliRunner().invoke(build_app(), ["scenarios", *words])
    return result.exit_code, result.stdout


@pytest.mark.parametrize(
    "words",
    [("tools/*",), ("--group", "tools"), ("all", "--tag", "agent", "--group", "tools")],
    ids=["glob", "group", "tag"],
)
def test_a_list_holds_what_was_asked_for_and_its_cost(words: tuple[str, ...]) -> None:
    """By glob, by group, by tag; with the sum."""
    code, text = invoke("list", *words)
    assert code == 0
    assert "tools/forced-tool" in text
    assert "text/plain-answer" not in text
    assert "in all" in text
    document = json.loads(invoke("list", *words, "--json")[1])
    assert {one["group"] for one in document} == {"tools"}
    assert all(one["cost"]["requests_at_most"] >= 1 for one in document)


def test_nothing_to_list_is_wrong_usage() -> None:
    """A tag that nothing bears is told, and so is a name."""
    assert invoke("list", "--tag", "nothing")[0] == 2
    assert CliRunner().invoke(build_app(), ["scenarios", "list", "tols/*"]).exception is not None


def test_a_scenario_is_shown_with_what_it_asks_and_expects() -> None:
    """Prompt, expectations and mistakes, for people and for programs."""
    code, text = invoke("show", "tool-round-trip")
    assert code == 0
    assert "user: What is the weather in Tokyo?" in text
    assert "mistake, caught by answered" in text
    assert json.loads(invoke("show", "tool-round-trip", "--json")[1])["scenario"]["max_rounds"] == 2
    assert invoke("show", "tools/*")[0] == 2


def test_a_file_that_proves_nothing_falls_short(tmp_path: Path) -> None:
    """A solution that misses, and a mistake that two expectations catch: exit code 1, one line each form."""
    path = tmp_path / "mine.toml"
    path.write_text(BROKEN)
    code, text = invoke("check", str(path))
    assert code == 1
    assert "the solution misses its own expectations: text_contains" in text
    assert "mistake 1 must miss text_contains and nothing else" in text
    document = json.loads(invoke("check", str(path), "--json")[1])
    assert len(document["proofs"]) == 12
    assert document["lacks"] == []


def test_new_writes_a_file_that_is_good_at_once(tmp_path: Path) -> None:
    """Of prompts that somebody has; and does not write over another."""
    source, path = tmp_path / "prompts.txt", tmp_path / "mine.toml"
    source.write_text("Name a bird\nName a colour\n")
    code, text = invoke("new", "mine", "--from", str(source), "--out", str(path), "--json")
    assert code == 0
    assert json.loads(text) == {"version": 2, "path": str(path), "name": "mine", "samples": 2}
    assert len(read_scenario_file(path).samples) == 2
    assert invoke("check", str(path))[0] == 0
    assert invoke("new", "mine", "--out", str(path))[0] == 2
    assert invoke("new", "mine", "--out", str(path), "--force")[0] == 0
