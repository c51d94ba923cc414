"""Plan files: what is taken, what is refused and how it is said."""

from pathlib import Path

import pytest

from byok_bench.errors import PlanError
from byok_bench.runs.planning.plan_file import list_inline_endpoints, make_run_arguments, read_plan

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
    given = make_run_arguments(plan, path)
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
    (endpoint,) = list_inline_endpoints(read_plan(written(tmp_path)))
    assert endpoint.label == "inline"
    assert [model.name for model in endpoint.models] == ["a", "b"]
    assert str(endpoint.key) == "env:SOME_KEY"


REFUSED: dict[str, tuple[str, str, int | None, str]] = {
    "another version": ("version = 1", "version = 9", None, "version 9"),
    "no version": ("version = 1", "", 1, "a plan begins with the line `version = 1`"),
    "an unknown scenario": (
        'scenarios = ["agent", "mine.toml"]', 'scenarios = ["quick", "plain-anser"]', 4, "did you mean 'plain-answer'?",
    ),
    "no scenario": ('scenarios = ["agent", "mine.toml"]', "scenarios = []", 4, "which means the set agent"),
    "a text for a number": ("repeats = 3", 'repeats = "many"', 5, "$.repeats"),
    "a typo": ("repeats = 3", "repaets = 3", 5, "no field 'repaets'; did you mean 'repeats'?"),
    "a typo in a table": (
        "total = 30", "total = 30\nconect = 3", 12,
        "[timeouts] of a plan has no field 'conect'; did you mean 'connect'?",
    ),
    "a typo in an inline table": (
        "[timeouts]\ntotal = 30", "timeouts = {total = 30, conect = 3}", 10, "did you mean 'connect'?",
    ),
    "a typo in a dotted key": ("[timeouts]\ntotal = 30", "timeouts.conect = 3", 10, "did you mean 'connect'?"),
    "a typo of an endpoint": (
        "base_url =", "base_ulr =", 15, "[endpoint] of a plan has no field 'base_ulr'; did you mean 'base_url'?",
    ),
    "nothing like it": ("seed = 7", "colour = 7", 7, "it has version, endpoints"),
    "a typo of gates": (
        "[timeouts]", "[gates]\nundecide = 0\n[timeouts]", 11,
        "[gates] of a plan has no field 'undecide'; did you mean 'undecided'?",
    ),
    "gates without rules": ("[timeouts]", "[gates]\nagainst = 'x'\n[timeouts]", 10, "gates name no rules"),
    "a clock of 0 s": ("total = 30", "total = 0", 10, "total"),
    "no TOML": ("repeats = 3", "repeats = = 3", None, "line 5"),
    "no repeat": ("repeats = 3", "repeats = 0", 5, "repeats must be from 1"),
    "no attempt": ("repeats = 3", "attempts = 0", 5, "attempts must be 1 or more"),
    "too many processes": ("repeats = 3", "processes = 65", 5, "processes must be from 1 to 64"),
    "an unknown profile": ('profile = "local"', 'profile = "foo"', 8, "profile is 'foo'"),
    "none at once": ("concurrency = [1, 4]", "concurrency = 0", 6, "concurrency must be"),
    "unknown arrivals": ("concurrency = [1, 4]", 'rate = 1\narrivals = "bursty"', 7, "'bursty'"),
    "arrivals without a rate": ("seed = 7", 'arrivals = "constant"', 7, "arrivals are those of a rate"),
    "a ramp without a rate": ("seed = 7", "ramp_to = 3", 7, "ramp_to needs a rate"),
    "a rate beside a concurrency": ("seed = 7", "rate = 3", 6, "concurrency and rate exclude each other"),
    "a model that is no text": ('models = ["a", "b"]', "models = [1]", 16, "the models of a plan are a list"),
    "no models": ('models = ["a", "b"]', "", 13, "endpoint 'inline' of the plan: models: is missing"),
    "a typo of a model": (
        'models = ["a", "b"]', 'models = [{ name = "a", dorp = ["seed"] }]', 16, "did you mean 'drop'?",
    ),
    "a model's field that cannot be": (
        'models = ["a", "b"]', 'models = [{ name = "a", drop = ["model"] }]', 16, "without model there is no request",
    ),
    "a typo in an endpoint's tls": (
        'models = ["a", "b"]', 'models = ["a"]\ntls.ca = "x"', 17, "[endpoint.tls] of a plan",
    ),
    "an unknown schema": (
        "models = [", 'schema = "soap"\nmodels = [', 16, "endpoint 'inline' of the plan: schema: ",
    ),
    "a key itself": ("env:SOME_KEY", "some-key-0123456789", 17, "a key itself does not belong here"),
    "no endpoint table": ("[[endpoint]]", "[endpoint]", 13, "$.endpoint"),
}  # fmt: skip
"""What stands in the plan, what stands there instead, the line that is named, and what is said."""


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_plan_names_file_line_and_field(tmp_path: Path, name: str) -> None:
    """Whoever wrote the file is told where to look, and what was meant; nothing in it is ignored."""
    there, instead, line, says = REFUSED[name]
    assert there in GOOD
    path = written(tmp_path, GOOD.replace(there, instead, 1))
    with pytest.raises(PlanError) as caught:
        read_plan(path)
    told = str(caught.value)
    assert told.startswith(f"{path}, line {line}: " if line else f"{path}: ")
    assert says in told


def test_what_is_not_text_is_said_to_be_no_plan(tmp_path: Path) -> None:
    """A picture, or a notebook."""
    path = tmp_path / "plan.toml"
    path.write_bytes(b"\xff\xd8\xff")
    with pytest.raises(PlanError, match="not UTF-8"):
        read_plan(path)
    path.write_text('{"cells": []}')
    with pytest.raises(PlanError, match="not TOML"):
        read_plan(path)


def test_a_key_in_a_plan_is_refused_without_being_shown(tmp_path: Path) -> None:
    """Plans are checked into repositories."""
    path = written(tmp_path, GOOD.replace("env:SOME_KEY", "sk-proj-abcdefghijklmnopqrstuvwxyz0123"))
    with pytest.raises(PlanError, match="inline") as caught:
        list_inline_endpoints(read_plan(path))
    assert "abcdefghijklm" not in str(caught.value)


def test_a_plan_that_is_not_there_is_named(tmp_path: Path) -> None:
    """No traceback for a typo in a file name."""
    with pytest.raises(PlanError, match=r"nothing\.toml"):
        read_plan(tmp_path / "nothing.toml")
