"""Plan files: what is taken, what is refused and how it is said."""

from pathlib import Path

import pytest

from byok_bench.errors import PlanError
from byok_bench.runs.plan_file import arguments, inline_endpoints, read_plan

GOOD = """
version = 1
endpoints = ["one", "two"]
scenarios = ["agent", "mine.toml"]
repeats = 3
concurrency = [1, 4]
seed = 7
profile = "local"

[timeouts]
total = 30

[[endpoint]]
label = "inline"
base_url = "http://127.0.0.1:8080/v1"
models = ["a", "b"]
key = "env:SOME_KEY"

[gates]
anything = "is read elsewhere"
"""


def written(tmp_path: Path, text: str = GOOD) -> Path:
    """A plan file."""
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return path


def test_a_plan_says_what_run_is_given(tmp_path: Path) -> None:
    """Only what stands in the file is given; paths are relative to it."""
    path = written(tmp_path)
    plan = read_plan(path)
    given = arguments(plan, path)
    assert plan.endpoints == ["one", "two"]
    assert given.pop("timeouts").total == 30
    assert given == {
        "scenarios": ["agent", tmp_path / "mine.toml"],
        "repeats": 3,
        "concurrency": [1, 4],
        "seed": 7,
        "profile": "local",
    }


def test_an_endpoint_can_stand_in_the_plan(tmp_path: Path) -> None:
    """With its key as a reference."""
    (endpoint,) = inline_endpoints(read_plan(written(tmp_path)))
    assert endpoint.label == "inline"
    assert [model.name for model in endpoint.models] == ["a", "b"]
    assert str(endpoint.key) == "env:SOME_KEY"


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        ("version = 1", "version = 9", "version 9"),
        ("version = 1", "", "version"),
        ("repeats = 3", 'repeats = "many"', "$.repeats"),
        ("repeats = 3", "repaets = 3", "repaets"),
        ("total = 30", "total = 0", "total"),
        ("repeats = 3", "repeats = = 3", "line"),
        ("models = [", "model = [", "model"),
    ],
)
def test_a_broken_plan_names_file_and_field(tmp_path: Path, line: str, instead: str, says: str) -> None:
    """Whoever wrote the file is told where to look."""
    assert line in GOOD
    path = written(tmp_path, GOOD.replace(line, instead))
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


def test_a_key_in_a_plan_is_refused_without_being_shown(tmp_path: Path) -> None:
    """Plans are checked into repositories."""
    path = written(tmp_path, GOOD.replace("env:SOME_KEY", "sk-proj-abcdefghijklmnopqrstuvwxyz0123"))
    with pytest.raises(PlanError, match="inline") as caught:
        inline_endpoints(read_plan(path))
    assert "abcdefghijklm" not in str(caught.value)


def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No traceback for a typo in a file name."""
    with pytest.raises(PlanError, match=r"nothing\.toml"):
        read_plan(tmp_path / "nothing.toml")
