"""Request bodies that probes share: a tool every model knows how to call, and histories that hold calls."""

from collections.abc import Sequence
from typing import Any, Final

from byok_bench.dialects.output import Output

Body = dict[str, Any]
RESULT: Final = "41.7"
"""What the tool answers: a number that no model would guess."""
CALL_IDS: Final = ("callPari1", "callOslo2")
"""In the form that every server takes: Mistral demands 9 alphanumerics."""


def make_probe_tool(name: str, description: str, parameter: str, meaning: str) -> Body:
    """A tool with one required string parameter."""
    schema = {
        "type": "object",
        "properties": {parameter: {"type": "string", "description": meaning}},
        "required": [parameter],
        "additionalProperties": False,
    }
    return {"type": "function", "function": {"name": name, "description": description, "parameters": schema}}


WEATHER: Final = make_probe_tool(
    "get_temperature", "Current temperature of a city in Celsius.", "city", "Name of the city"
)
CLOCK: Final = make_probe_tool("get_local_time", "Current local time of a city.", "city", "Name of the city")


def build_question(text: str, **fields: Any) -> Body:
    """A request with one user message, at temperature 0."""
    return {"messages": [{"role": "user", "content": text}], "temperature": 0, "max_tokens": 160, **fields}


def build_call_request(choice: Any, *, stream: bool = False, tools: Sequence[Body] = (WEATHER,)) -> Body:
    """A request that a tool answers, with a tool_choice."""
    text = "What is the temperature in Paris now? Use the tool."
    return build_question(text, tools=list(tools), tool_choice=choice, stream=stream)


def make_named_choice(tool: Body) -> Body:
    """tool_choice that names one function."""
    return {"type": "function", "function": {"name": tool["function"]["name"]}}


def make_history_call(identity: str, city: str = "Paris") -> Body:
    """One tool call as it stands in a history."""
    arguments = f'{{"city": "{city}"}}'
    return {
        "id": identity,
        "type": "function",
        "function": {"name": "get_temperature", "arguments": arguments},
    }


def make_tool_result(identity: str, text: str = RESULT) -> Body:
    """The tool message that answers a call."""
    return {"role": "tool", "tool_call_id": identity, "content": text}


def build_history(calls: Sequence[Body], results: Sequence[Body], **assistant: Any) -> Body:
    """A request whose history holds calls and their results; `assistant` overrides members of that message."""
    question = {"role": "user", "content": "What is the temperature in Paris now? Use the tool."}
    message = {"role": "assistant", "content": None, "tool_calls": list(calls), **assistant}
    return {"messages": [question, message, *results], "tools": [WEATHER], "temperature": 0, "max_tokens": 80}


def make_echo(output: Output, **extra: Any) -> Body:
    """An assistant message that says again what the server said."""
    calls = [
        {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
        for one in output.tool_calls
    ]
    message: Body = {"role": "assistant", "content": output.text or None, **extra}
    return {**message, "tool_calls": calls} if calls else message
