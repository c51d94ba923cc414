"""Rule pages: one for each rule, as the generator writes it, from a wheel or a checkout."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest
import typer
from typer.testing import CliRunner

from byok_bench.checks import rule_pages
from byok_bench.checks.registry import load_catalogue
from byok_bench.cli import checks

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def make_docs() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "tools" / "make_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    checks.add_command(app)
    return app


def run(app: typer.Typer, *arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["checks", *arguments])
    return result.exit_code, result.stdout, result.stderr


def test_the_committed_pages_are_what_the_generator_writes(make_docs: ModuleType) -> None:
    """A page that was edited by hand, or forgotten after a rule changed, is found."""
    assert make_docs.main(["--check"]) == 0


def test_a_page_without_its_rule_is_found(make_docs: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check fails if a page differs, and says which."""
    whole = make_docs.rule_page
    monkeypatch.setattr(
        make_docs,
        "rule_page",
        lambda rule, cases: whole(rule, cases) + ("x" if rule.id == "stream.bom" else ""),
    )
    assert make_docs.main(["--check"]) == 1


@pytest.mark.parametrize("rule", [one.id for one in load_catalogue()])
def test_every_rule_has_a_page_with_both_sorts_of_examples(rule: str) -> None:
    """A reader finds what is reported, what is not, why, and who was seen."""
    text = rule_pages.load_rule_page(rule)
    assert text.startswith(f"# {rule}: ")
    assert all(part in text for part in ("**Rule.**", "**Why.**", "**Seen in.**"))
    reported, _, spared = text.partition("\n## Not reported\n")
    assert "\n### " in reported
    assert "\n### " in spared


def test_a_packaged_page_comes_before_a_written_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed wheel has no docs folder: its pages lie beside the module."""
    (tmp_path / "stream.bom.md").write_text("packaged", "utf-8")
    monkeypatch.setattr(rule_pages, "PACKAGED", tmp_path)
    assert rule_pages.load_rule_page("stream.bom") == "packaged"
    with pytest.raises(KeyError):
        rule_pages.load_rule_page("no.such")


def test_show_prints_the_page(app: typer.Typer) -> None:
    """The command's output is the page, byte for byte."""
    assert run(app, "show", "stream.truncated")[:2] == (0, rule_pages.load_rule_page("stream.truncated"))


def test_show_as_json_holds_facts_and_page(app: typer.Typer) -> None:
    """One JSON document with id, severity and the same page."""
    code, out, _ = run(app, "show", "tool.index-gap", "--json")
    found = json.loads(out)
    assert code == 0
    assert (found["id"], found["severity"], found["seen_in"]) == (
        "tool.index-gap",
        "warn",
        ["vllm-project/vllm#50782"],
    )
    assert found["page"] == rule_pages.load_rule_page("tool.index-gap")


def test_a_misspelt_id_is_answered_with_near_ones(app: typer.Typer) -> None:
    """Wrong usage: exit code 2, nothing on stdout, and the id that was meant."""
    code, out, err = run(app, "show", "stream.truncate")
    assert (code, out) == (2, "")
    assert "stream.truncated" in err


def test_list_names_every_rule_once(app: typer.Typer) -> None:
    """One line a rule for people, one document for programs; a group narrows both."""
    every = [one.id for one in load_catalogue()]
    assert [line.split()[0] for line in run(app, "list")[1].splitlines()] == every
    assert [one["id"] for one in json.loads(run(app, "list", "--json")[1])] == every
    chosen = run(app, "list", "--group", "models")[1].splitlines()
    assert [line.split()[0] for line in chosen] == [one for one in every if one.startswith("models.")]


def test_an_unknown_group_is_answered_with_the_known_ones(app: typer.Typer) -> None:
    """Wrong usage names what can be used."""
    code, _, err = run(app, "list", "--group", "streams")
    assert code == 2
    assert "framing" in err
