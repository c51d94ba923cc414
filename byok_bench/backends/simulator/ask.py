"""Ask: what a request wants, the same for all dialects. Read from a body by the dialect modules.

The checks here are those every dialect shares; a violation raises Refusal.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from byok_bench.backends.simulator.refusal import make_bad_request

Body = dict[str, Any]
_TOKEN = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class Tool:
    """A function that is offered."""

    name: str
    description: str
    parameters: Mapping[str, Any]


@dataclass
class Ask:
    """One request for an answer."""

    dialect: str
    body: Body
    model: str
    prompt: str
    """Text of the last message of the user."""
    texts: list[str]
    """All text that counts as prompt."""
    results: list[str]
    """Tool results after the last answer, in order; empty if the user spoke last."""
    tools: list[Tool] = field(default_factory=list)
    choice: str = "auto"
    """`auto`, `none`, `required`, or the name of a function after a colon."""
    parallel: bool = True
    """Whether an answer may hold several calls."""
    calls: int = 1
    """How often to make each call that is due."""
    schema: Mapping[str, Any] | None = None
    """JSON Schema that the text must obey."""
    stops: list[str] = field(default_factory=list)
    """Where the text has to end."""
    top_logprobs: int | None = None
    """How many likely tokens are wanted beside each; None: no logprobs at all."""
    max_tokens: int | None = None
    n: int = 1
    stream: bool = False
    include_usage: bool = False
    reasoning: bool = False
    """Think aloud before the answer."""
    items: list[dict[str, Any]] = field(default_factory=list)
    """Responses: the conversation so far, this request's input included."""

    @functools.cached_property
    def prompt_tokens(self) -> int:
        """Words and punctuation marks of the prompt; at least 1."""
        return max(1, sum(len(_TOKEN.findall(text)) for text in self.texts))

    @property
    def named_tool(self) -> str | None:
        """The function that tool_choice names."""
        return self.choice[1:] if self.choice.startswith(":") else None


def read_json_body(raw: bytes) -> Body:
    """The body as a JSON object. Raises Refusal."""
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        raise make_bad_request("We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise make_bad_request("The body must be a JSON object.")
    return body


def collect_text(content: Any) -> str:
    """All text in a content: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    found = [part.get("text", part.get("content")) for part in parts if isinstance(part, dict)]
    return " ".join(text if isinstance(text, str) else collect_text(text) for text in found)


def read_required_model(body: Body) -> str:
    """The model asked for."""
    model = body.get("model")
    if not isinstance(model, str) or not model:
        raise make_bad_request("You must provide a model parameter.", "model")
    return model


def read_flag(body: Body, name: str) -> bool:
    """A boolean member; absent and null are false."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise make_bad_request(f"'{name}' must be a boolean.", name)
    return bool(value)


def read_positive_integer(body: Body, *names: str, at_most: int | None = None) -> int | None:
    """The first of these members that is given: an integer of at least 1."""
    for name in names:
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or value < 1 or (at_most and value > at_most):
            limit = f" and at most {at_most}" if at_most else ""
            raise make_bad_request(f"'{name}' must be an integer of at least 1{limit}.", name)
        return value
    return None


def read_bounded_count(body: Body, name: str, at_most: int) -> int | None:
    """An integer from 0 on."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= at_most:
        raise make_bad_request(f"'{name}' must be an integer from 0 to {at_most}.", name)
    return value


def read_stop_sequences(value: Any, name: str, at_most: int | None = None) -> list[str]:
    """Stop sequences: texts that are not empty."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise make_bad_request(f"'{name}' must hold texts that are not empty.", name)
    if at_most and len(value) > at_most:
        raise make_bad_request(f"'{name}' may hold at most {at_most} texts.", name, "array_above_max_length")
    return value


def check_sampling_ranges(body: Body) -> None:
    """Sampling parameters are numbers within their ranges."""
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1)):
        value = body.get(name)
        if value is None:
            continue
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not low <= value <= high:
            raise make_bad_request(f"'{name}' must be a number between {low} and {high}.", name)


def read_tools(entries: Iterable[Any], schema_field: str) -> list[Tool]:
    """The functions of a tools list, each with a name."""
    tools = []
    for position, entry in enumerate(entries):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            raise make_bad_request("Every tool needs a name.", f"tools[{position}]")
        parameters = entry.get(schema_field)
        if parameters is not None and not isinstance(parameters, dict):
            raise make_bad_request("The parameters of a tool are a JSON Schema object.", f"tools[{position}]")
        if parameters and parameters.get("type", "object") != "object":
            raise make_bad_request(f"The parameters of '{name}' must be of type object.", f"tools[{position}]")
        description = entry.get("description")
        if description is not None and not isinstance(description, str):
            raise make_bad_request("The description of a tool is a text.", f"tools[{position}]")
        if not isinstance(entry.get("strict"), bool | None):
            raise make_bad_request("'strict' of a tool is a boolean.", f"tools[{position}]")
        tools.append(Tool(name, description or "", parameters or {"type": "object"}))
    return tools


def read_list_member(body: Body, name: str) -> list[Any]:
    """A member that is a list if it is there."""
    value = body.get(name)
    if value is not None and not isinstance(value, list):
        raise make_bad_request(f"'{name}' must be an array.", name)
    return value or []


def check_tool_choice(choice: str, tools: list[Tool]) -> str:
    """A tool_choice that can be obeyed."""
    if choice.startswith(":") and choice[1:] not in {tool.name for tool in tools}:
        raise make_bad_request(f"'tool_choice' names '{choice[1:]}', which is not among the tools.", "tool_choice")
    if choice == "required" and not tools:
        raise make_bad_request("'tool_choice' is only allowed when 'tools' are given.", "tool_choice")
    return choice
