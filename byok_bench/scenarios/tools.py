"""Tools that an agent scenario may offer: deterministic, in memory, same arguments → same answer.

What a model sends as arguments is data: a call that cannot be carried out is answered with an error text, as an
agent would, and never raises. Whether the arguments were good is judged elsewhere (expectations.py, checks).
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from byok_bench.errors import PlanError

_CLIMATE: Final = ("sunny", "cloudy", "raining", "windy")
_UTC_OFFSETS: Final = {"berlin": 1, "london": 0, "new york": -5, "paris": 1, "tokyo": 9}
_POPULATION: Final = {"berlin": 3_700_000, "london": 8_900_000, "paris": 2_100_000, "tokyo": 14_000_000}


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function that a model may ask for."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments."""
    answer: Callable[[Mapping[str, Any]], dict[str, Any]]
    """Arguments → result; raises KeyError, TypeError or ValueError for arguments it cannot use."""


def run_tool(name: str, arguments: str, offered: Mapping[str, Tool]) -> str:
    """The text of the tool message for one call, JSON; an `error` member where the call cannot be carried out."""
    tool = offered.get(name)
    if tool is None:
        return _to_json_text({"error": f"no tool named {name!r}"})
    try:
        values = msgspec.json.decode(arguments.encode("utf-8", "replace") or b"{}")
    except (msgspec.DecodeError, RecursionError):
        return _to_json_text({"error": "the arguments are not JSON"})
    if not isinstance(values, dict):
        return _to_json_text({"error": "the arguments are not a JSON object"})
    try:
        return _to_json_text(tool.answer(values))
    except (KeyError, TypeError, ValueError) as error:
        return _to_json_text({"error": f"cannot use these arguments: {type(error).__name__}"})


def find_tools(names: tuple[str, ...]) -> dict[str, Tool]:
    """The named tools in that order; PlanError for a name that is not in the box."""
    unknown = [name for name in names if name not in TOOLS]
    if unknown:
        raise PlanError(f"no tool named {unknown[0]!r}; there are {', '.join(TOOLS)}", code="unknown_tool")
    return {name: TOOLS[name] for name in names}


def _to_json_text(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()


def _read_city(values: Mapping[str, Any]) -> str:
    city = values["city"]
    if not isinstance(city, str) or not city.strip():
        raise ValueError("city must be a name")
    return city.strip()


def _answer_weather(values: Mapping[str, Any]) -> dict[str, Any]:
    city = _read_city(values)
    mark = sum(city.lower().encode())
    return {"city": city, "sky": _CLIMATE[mark % len(_CLIMATE)], "temperature_c": 5 + mark % 25}


def _answer_time(values: Mapping[str, Any]) -> dict[str, Any]:
    city = _read_city(values)
    hour = (12 + _UTC_OFFSETS.get(city.lower(), 0)) % 24
    return {"city": city, "local_time": f"{hour:02d}:00"}


def _answer_population(values: Mapping[str, Any]) -> dict[str, Any]:
    city = _read_city(values)
    return {"city": city, "population": _POPULATION.get(city.lower(), 100_000)}


def _build_object_schema(**properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_CITY: Final = {"type": "string", "description": "Name of the city"}
TOOLS: Final = {
    tool.name: tool
    for tool in (
        Tool(
            name="get_weather",
            description="Get the current weather of a city",
            parameters=_build_object_schema(city=_CITY),
            answer=_answer_weather,
        ),
        Tool(
            name="get_time",
            description="Get the current local time of a city",
            parameters=_build_object_schema(city=_CITY),
            answer=_answer_time,
        ),
        Tool(
            name="get_population",
            description="Get the number of people who live in a city",
            parameters=_build_object_schema(city=_CITY),
            answer=_answer_population,
        ),
    )
}
"""Every tool that a scenario can name."""
