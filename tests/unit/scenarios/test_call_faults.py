"""The three classes of calls that are not valid."""

import pytest

from byok_bench.dialects.output import ToolCall
from byok_bench.scenarios.call_faults import list_call_faults
from byok_bench.scenarios.environments.cities import find_tools

OFFERED = find_tools(("get_weather",))


@pytest.mark.parametrize(
    ("name", "arguments", "fault"),
    [
        ("get_weather", '{"city": "Paris"}', None),
        ("get_wether", '{"city": "Paris"}', "unknown_name"),
        ("get_wether", "{", "unknown_name"),
        ("get_weather", '{"city": "Par', "invalid_json"),
        ("get_weather", '{"town": "Paris"}', "schema_mismatch"),
        ("get_weather", '"Paris"', "schema_mismatch"),
        ("get_weather", "", "schema_mismatch"),
    ],
)
def test_a_call_has_the_first_fault_that_fits(name: str, arguments: str, fault: str | None) -> None:
    """The name before the JSON, the JSON before the schema; no arguments are an empty object."""
    found = list_call_faults([ToolCall(id="i", name=name, arguments=arguments)], OFFERED)
    assert found == ((fault,) if fault else ())
