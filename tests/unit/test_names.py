"""The check of names finds what docs/NAMES.md forbids, and the package is free of it."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names() -> ModuleType:
    """tools/check_names.py as a module."""
    spec = importlib.util.spec_from_file_location("check_names", ROOT / "tools" / "check_names.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ODD = {
    "a participle": ("def judged(x): ...", "judged does not begin with a verb"),
    "a noun": ("def usage_of(x): ...", "usage_of does not begin with a verb"),
    "a private one": ("def _kept(x): ...", "_kept does not begin with a verb"),
    "a method": ("class A:\n    def told(self): ...", "told does not begin with a verb"),
    "a predicate as property": (
        "class A:\n    @property\n    def finished(self): ...",
        "property finished is a participle",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_a_name_against_the_grammar_is_found(names: ModuleType, tmp_path: Path, name: str) -> None:
    """With its file and line."""
    text, said = ODD[name]
    path = ROOT / "byok_bench" / "made_up.py"
    definitions = [one for node in names.ast.parse(text).body for one in names._list_in(node, path, "")]
    assert said in " ".join(names.find_odd_functions(definitions))


FINE = [
    "def find_run(x): ...",
    "def is_finished(x): ...",
    "def to_json(x): ...",
    '@check("tool.index-gap", WARN, applies_to="chat")\ndef index_gap(seen): ...',
    "class A:\n    @property\n    def usage(self): ...",
]


@pytest.mark.parametrize("text", FINE)
def test_a_name_by_the_grammar_is_left_alone(names: ModuleType, text: str) -> None:
    """Verb phrases, predicates, conversions, rules and nouns of properties."""
    path = ROOT / "byok_bench" / "made_up.py"
    definitions = [one for node in names.ast.parse(text).body for one in names._list_in(node, path, "")]
    assert list(names.find_odd_functions(definitions)) == []


def test_one_name_in_two_modules_is_found(names: ModuleType) -> None:
    """Unless a protocol says so."""
    tree = names.ast.parse("def find_x(): ...").body[0]
    twins = [one for path in ("a.py", "b.py") for one in names._list_in(tree, ROOT / "byok_bench" / path, "")]
    assert "find_x stands in" in " ".join(names.find_twins(twins))


def test_the_package_keeps_to_the_grammar(names: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    """What `python tools/check_names.py` prints: nothing."""
    assert (names.main(), capsys.readouterr().out) == (0, "")
