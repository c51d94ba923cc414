"""Responses: read a request, write the good answer as typed events or as one response object."""

import itertools
from collections.abc import Sequence
from typing import Any

from byok_bench.backends.simulator.answer import Answer
from byok_bench.backends.simulator.ask import (
    Ask,
    Body,
    check_choice,
    check_ranges,
    flag,
    list_of,
    read_tools,
    required_model,
    text_of,
    whole_number,
)
from byok_bench.backends.simulator.refusal import mistake
from byok_bench.backends.simulator.reply import Reply, document, stream
from byok_bench.backends.simulator.response_events import events_of
from byok_bench.backends.simulator.response_object import (
    LOGPROBS,
    Item,
    check_settings,
    end_response,
    output_of,
    start_response,
)

_ROLES = ("user", "assistant", "system", "developer")
_ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}


def read(body: Body, earlier: Sequence[Item] = ()) -> Ask:
    """What a responses body asks for, `earlier` being the conversation that it goes on with. Raises Refusal."""
    items = _items(body, earlier)
    check_ranges(body)
    check_settings(body)
    tools = read_tools(
        (
            entry
            for entry in list_of(body, "tools")
            if not isinstance(entry, dict) or entry.get("type") == "function"
        ),
        "parameters",
    )
    users = [text_of(item.get("content")) for item in items if item.get("role") == "user"]
    include = list_of(body, "include")
    return Ask(
        dialect="responses",
        body=body,
        model=required_model(body),
        prompt=users[-1] if users else "",
        texts=[text_of(body.get("instructions")), *(_said(item) for item in items)],
        results=_results(items),
        tools=tools,
        choice=check_choice(_choice(body.get("tool_choice")), tools),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_schema(body.get("text")),
        top_logprobs=(body.get("top_logprobs") or 0) if LOGPROBS in include else None,
        max_tokens=whole_number(body, "max_output_tokens"),
        stream=flag(body, "stream"),
        reasoning=_reasons(body.get("reasoning")),
        items=items,
    )


def write(ask: Ask, answers: Sequence[Answer]) -> Reply:
    """The answer, as the request wants it; there is one choice only."""
    (one,) = answers
    started = start_response(ask)
    ended = end_response(started, ask, one, output_of(ask, one))
    return stream(events_of(started, ended, ask, one)) if ask.stream else document(ended)


def _items(body: Body, earlier: Sequence[Item]) -> list[Item]:
    """The conversation as items; every tool result answers a call before it."""
    given = body.get("input")
    if isinstance(given, str) and given:
        return [*earlier, {"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise mistake("'input' must be a text or an array with at least one item.", "input")
    called = [item.get("call_id") for item in earlier if item.get("type") == "function_call"]
    for position, item in enumerate(given):
        if not isinstance(item, dict) or not ("role" in item or "type" in item):
            raise mistake("Every item is an object with a type or a role.", f"input[{position}]")
        if item.get("type") == "function_call":
            called.append(item.get("call_id"))
        if item.get("type") == "function_call_output" and item.get("call_id") not in called:
            raise mistake("No tool call found for this function call output.", f"input[{position}].call_id")
        if "role" in item and item["role"] not in _ROLES:
            roles = ", ".join(_ROLES)
            raise mistake(
                f"Every message needs a role out of {roles}.", f"input[{position}].role", "invalid_value"
            )
        if "role" in item and not isinstance(item.get("content"), (str, list)):
            raise mistake("'content' must be a text or an array of parts.", f"input[{position}].content")
    return [*earlier, *given]


def _said(item: Item) -> str:
    parts = (item.get("name"), item.get("arguments"), item.get("output"))
    return " ".join([text_of(item.get("content")), *(part for part in parts if isinstance(part, str))])


def _results(items: list[Item]) -> list[str]:
    """The outputs of the function calls at the end."""
    tail = itertools.takewhile(lambda item: item.get("type") == "function_call_output", reversed(items))
    return [text_of(item.get("output")) for item in tail][::-1]


def _reasons(given: Any) -> bool:
    return isinstance(given, dict) and given.get("effort") != "none"


def _choice(value: Any) -> str:
    match value:
        case None:
            return "auto"
        case "auto" | "none" | "required":
            return str(value)
        case {"type": "function", "name": str(name)}:
            return f":{name}"
    raise mistake("'tool_choice' is none, auto, required, or names a function.", "tool_choice")


def _schema(text: Any) -> Any:
    match text:
        case None | {"format": None} | {"format": {"type": "text"}}:
            return None
        case {"format": {"type": "json_object"}}:
            return _ANY_OBJECT
        case {"format": {"type": "json_schema", "schema": dict(schema)}}:
            return schema
        case {"format": _}:
            raise mistake("'text.format' is of type text, json_object or json_schema.", "text.format")
    return None
