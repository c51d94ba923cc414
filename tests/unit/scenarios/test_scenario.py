"""Scenario files: what is taken, what is refused and how it is said."""

from pathlib import Path

import msgspec
import pytest

from byok_bench.errors import PlanError
from byok_bench.scenarios.scenario import Scenario, find_scenarios, load_library, read_scenario_file

GOOD = """
version = 1
name = "mine"
title = "Mine"
tools = ["get_time"]
[request]
tool_choice = "get_time"
[[samples]]
name = "one"
messages = [{ role = "user", content = "What time is it in Paris?" }]
expect = [{ what = "tool_called" }]
"""


def test_the_library_has_the_agent_prompts_and_the_error_scenarios() -> None:
    """Six agent prompts and three error scenarios come with the package."""
    known = load_library()
    agent = [name for name, scenario in known.items() if not scenario.wants_failure]
    errors = [name for name, scenario in known.items() if scenario.wants_failure]
    assert agent == [
        "forced-tool",
        "long-stream",
        "plain-answer",
        "structured-output",
        "tool-choice",
        "tool-round-trip",
    ]
    assert errors == ["bad-key", "over-long-context", "unknown-model"]
    assert all(sample.expect for scenario in known.values() for sample in scenario.samples)


@pytest.mark.parametrize(
    ("line", "instead", "says"),
    [
        ("version = 1", "version = 2", "version 2"),
        ("version = 1", "", "version"),
        ('title = "Mine"', "title = 3", "$.title"),
        ('title = "Mine"', 'titel = "Mine"', "titel"),
        ("get_time", "get_tme", "get_tme"),
        ('tool_choice = "get_time"', 'tool_choice = "sometimes"', "sometimes"),
        ('what = "tool_called"', 'what = "tool_caled"', "tool_caled"),
        ('role = "user"', 'role = "usr"', "usr"),
        ("[[samples]]", "[[sample]]", "sample"),
        ("messages = [{", "messages = [{{", "line"),
        ('name = "mine"', 'name = "a/b"', "a/b"),
        ('tools = ["get_time"]', 'tools = ["get_time"]\nmax_turns = 0', "max_turns"),
        ("[[samples]]", f"[[samples]]{GOOD.partition('[[samples]]')[2]}[[samples]]", "same name"),
    ],
)
def test_a_broken_scenario_names_file_and_field(tmp_path: Path, line: str, instead: str, says: str) -> None:
    """Whoever wrote the file is told where to look."""
    path = tmp_path / "mine.toml"
    assert line in GOOD
    path.write_text(GOOD.replace(line, instead))
    with pytest.raises(PlanError) as caught:
        read_scenario_file(path)
    assert "mine.toml" in str(caught.value)
    assert says in str(caught.value)


def test_a_scenario_is_found_by_name_set_path_and_value(tmp_path: Path) -> None:
    """The four ways to name a scenario lead to the same one, once."""
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    mine = read_scenario_file(path)
    assert find_scenarios([path, str(path), mine]) == (mine,)
    assert [s.name for s in find_scenarios("errors")] == ["bad-key", "over-long-context", "unknown-model"]
    assert find_scenarios(["plain-answer", "plain-answer", "all"])[0].name == "plain-answer"
    assert len(find_scenarios("all")) == len(load_library())
    assert find_scenarios(load_library()) == find_scenarios("all")


def test_two_different_scenarios_cannot_share_a_name(tmp_path: Path) -> None:
    """Rows are told apart by the name alone."""
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    mine = read_scenario_file(path)
    with pytest.raises(PlanError, match="two different scenarios"):
        find_scenarios([mine, msgspec.structs.replace(mine, title="Other")])


@pytest.mark.parametrize("wanted", ["plain-anser", "missing.toml", []])
def test_a_scenario_that_is_not_there_is_refused(wanted: str) -> None:
    """A typo does not run something else, or nothing."""
    with pytest.raises(PlanError):
        find_scenarios(wanted)


def test_a_scenario_survives_being_stored() -> None:
    """What is stored with a run is the scenario, expectations included."""
    for scenario in load_library().values():
        assert msgspec.convert(msgspec.to_builtins(scenario), Scenario) == scenario
