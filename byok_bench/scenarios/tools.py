"""Tool: a function that a model may ask for, and how a call of it is answered.

What a model sends as arguments is data: a call that cannot be carried out is answered with an error text, as an
agent would, and never raises. Whether the arguments were good is judged elsewhere (expectations, checks).
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

LONGEST_SEARCHED: Final = 10_000
"""Characters of an argument that a regular expression looks at."""


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A function that a model may ask for."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments."""
    answer: Callable[[Mapping[str, Any]], Any]
    """Arguments → result, JSON or text; raises KeyError, TypeError or ValueError for arguments it cannot use."""


class BadArguments(ValueError):
    """The arguments of a call are no JSON object; the message says what they are."""


def run_tool(name: str, arguments: str, offered: Mapping[str, Tool]) -> str:
    """The text of the tool message for one call; a JSON object with `error` where it cannot be carried out."""
    tool = offered.get(name)
    if tool is None:
        return to_result_text({"error": f"no tool named {name!r}"})
    try:
        return to_result_text(tool.answer(read_arguments(arguments)))
    except BadArguments as error:
        return to_result_text({"error": str(error)})
    except (KeyError, TypeError, ValueError) as error:
        return to_result_text({"error": f"cannot use these arguments: {type(error).__name__}"})


def read_arguments(arguments: str) -> dict[str, Any]:
    """The arguments of a call. Raises BadArguments."""
    try:
        values = msgspec.json.decode(arguments.encode("utf-8", "replace") or b"{}")
    except (msgspec.DecodeError, RecursionError):
        raise BadArguments("the arguments are not JSON") from None
    if not isinstance(values, dict):
        raise BadArguments("the arguments are not a JSON object")
    return values


def to_result_text(value: Any) -> str:
    """A tool's result as the text of a message: a text as it is, all else as JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def is_fitting(values: Mapping[str, Any], patterns: Mapping[str, str]) -> bool:
    """Whether each named argument is there and its text holds what the regular expression looks for."""
    return all(
        name in values and re.search(pattern, to_result_text(values[name])[:LONGEST_SEARCHED]) is not None
        for name, pattern in patterns.items()
    )


def build_object_schema(optional: Mapping[str, Any] | None = None, **required: dict[str, Any]) -> dict[str, Any]:
    """The JSON Schema of arguments that have these members and no others."""
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }
