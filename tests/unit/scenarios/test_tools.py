"""Tools of scenarios: deterministic, and deaf to nonsense."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.errors import PlanError
from byok_bench.scenarios.environments.cities import TOOLS, find_tools
from byok_bench.scenarios.tools import run_tool


@pytest.mark.parametrize("name", TOOLS)
def test_the_same_call_gets_the_same_answer(name: str) -> None:
    """An answer depends on the arguments alone."""
    first, second = (run_tool(name, '{"city": "Berlin"}', TOOLS) for _ in range(2))
    assert first == second
    assert json.loads(first)["city"] == "Berlin"


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        ("get_weather", "{", "not JSON"),
        ("get_weather", '"Berlin"', "not a JSON object"),
        ("get_weather", "{}", "KeyError"),
        ("get_weather", "", "KeyError"),
        ("get_weather", '{"city": 3}', "ValueError"),
        ("get_weather", '{"city": " "}', "ValueError"),
        ("get_wether", '{"city": "Berlin"}', "no tool named"),
    ],
)
def test_a_call_that_cannot_be_carried_out_is_answered_with_an_error(name: str, arguments: str, says: str) -> None:
    """A bad call is answered, as an agent would, so that the next turn can be seen."""
    assert says in json.loads(run_tool(name, arguments, TOOLS))["error"]


@given(st.text(), st.text(alphabet=st.characters(exclude_categories=())))
def test_no_call_raises(name: str, arguments: str) -> None:
    """Whatever a model sends, there is a text to send back."""
    assert isinstance(run_tool(name, arguments, TOOLS), str)
    assert isinstance(run_tool("get_time", arguments, TOOLS), str)


def test_a_tool_that_is_not_in_the_box_is_named() -> None:
    """A scenario with a misspelt tool is refused by the tool's name."""
    with pytest.raises(PlanError, match="get_wether"):
        find_tools(("get_time", "get_wether"))
