"""The built-in tools about cities: three questions, answered from memory, the same arguments the same way."""

from collections.abc import Mapping
from typing import Any, Final

from byok_bench.errors import PlanError
from byok_bench.scenarios.tools import Tool, build_object_schema

_CLIMATE: Final = ("sunny", "cloudy", "raining", "windy")
_UTC_OFFSETS: Final = {"berlin": 1, "london": 0, "new york": -5, "paris": 1, "tokyo": 9}
_POPULATION: Final = {"berlin": 3_700_000, "london": 8_900_000, "paris": 2_100_000, "tokyo": 14_000_000}


def find_tools(names: tuple[str, ...]) -> dict[str, Tool]:
    """The named tools in that order; PlanError for a name that is not in the box."""
    unknown = [name for name in names if name not in TOOLS]
    if unknown:
        raise PlanError(f"no tool named {unknown[0]!r}; there are {', '.join(TOOLS)}", code="unknown_tool")
    return {name: TOOLS[name] for name in names}


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


_CITY: Final = {"type": "string", "description": "Name of the city"}
TOOLS: Final = {
    tool.name: tool
    for tool in (
        Tool(
            name="get_weather",
            description="Get the current weather of a city",
            parameters=build_object_schema(city=_CITY),
            answer=_answer_weather,
        ),
        Tool(
            name="get_time",
            description="Get the current local time of a city",
            parameters=build_object_schema(city=_CITY),
            answer=_answer_time,
        ),
        Tool(
            name="get_population",
            description="Get the number of people who live in a city",
            parameters=build_object_schema(city=_CITY),
            answer=_answer_population,
        ),
    )
}
"""Every tool that a scenario can name without bringing it."""
