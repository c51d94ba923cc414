"""Responses: read a request, write the good answer as typed events or as one response object."""

import itertools
from collections.abc import Sequence
from typing import Any

from byok_bench.backends.simulator.answer import Answer
from byok_bench.backends.simulator.ask import (
    Ask,
    Body,
    check_sampling_ranges,
    check_tool_choice,
    collect_text,
    read_flag,
    read_list_member,
    read_positive_integer,
    read_required_model,
    read_tools,
)
from byok_bench.backends.simulator.dialects.response_events import list_response_events
from byok_bench.backends.simulator.dialects.response_object import (
    INCLUDE_LOGPROBS,
    Item,
    build_output_items,
    check_settings,
    end_response,
    start_response,
)
from byok_bench.backends.simulator.refusal import make_bad_request
from byok_bench.backends.simulator.reply import Reply, make_json_reply, make_stream_reply

_ROLES = ("user", "assistant", "system", "developer")
_ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}


def read_ask(body: Body, earlier: Sequence[Item] = ()) -> Ask:
    """What a responses body asks for, `earlier` being the conversation that it goes on with. Raises Refusal."""
    items = _read_items(body, earlier)
    check_sampling_ranges(body)
    check_settings(body)
    tools = read_tools(
        (
            entry
            for entry in read_list_member(body, "tools")
            if not isinstance(entry, dict) or entry.get("type") == "function"
        ),
        "parameters",
    )
    users = [collect_text(item.get("content")) for item in items if item.get("role") == "user"]
    include = read_list_member(body, "include")
    return Ask(
        dialect="responses",
        body=body,
        model=read_required_model(body),
        prompt=users[-1] if users else "",
        texts=[collect_text(body.get("instructions")), *(_join_item(item) for item in items)],
        results=_collect_results(items),
        tools=tools,
        choice=check_tool_choice(_read_tool_choice(body.get("tool_choice")), tools),
        parallel=body.get("parallel_tool_calls") is not False,
        schema=_read_schema(body.get("text")),
        top_logprobs=(body.get("top_logprobs") or 0) if INCLUDE_LOGPROBS in include else None,
        max_tokens=read_positive_integer(body, "max_output_tokens"),
        stream=read_flag(body, "stream"),
        reasoning=_is_reasoning_wanted(body.get("reasoning")),
        items=items,
    )


def write_reply(ask: Ask, answers: Sequence[Answer]) -> Reply:
    """The answer, as the request wants it; there is one choice only."""
    (one,) = answers
    started = start_response(ask)
    ended = end_response(started, ask, one, build_output_items(ask, one))
    return make_stream_reply(list_response_events(started, ended, ask, one)) if ask.stream else make_json_reply(ended)


def _read_items(body: Body, earlier: Sequence[Item]) -> list[Item]:
    """The conversation as items; every tool result answers a call before it."""
    given = body.get("input")
    if isinstance(given, str) and given:
        return [*earlier, {"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise make_bad_request("'input' must be a text or an array with at least one item.", "input")
    called = [item.get("call_id") for item in earlier if item.get("type") == "function_call"]
    for position, item in enumerate(given):
        if not isinstance(item, dict) or not ("role" in item or "type" in item):
            raise make_bad_request("Every item is an object with a type or a role.", f"input[{position}]")
        if item.get("type") == "function_call":
            called.append(item.get("call_id"))
        if item.get("type") == "function_call_output" and item.get("call_id") not in called:
            raise make_bad_request("No tool call found for this function call output.", f"input[{position}].call_id")
        if "role" in item and item["role"] not in _ROLES:
            roles = ", ".join(_ROLES)
            raise make_bad_request(
                f"Every message needs a role out of {roles}.", f"input[{position}].role", "invalid_value"
            )
        if "role" in item and not isinstance(item.get("content"), (str, list)):
            raise make_bad_request("'content' must be a text or an array of parts.", f"input[{position}].content")
    return [*earlier, *given]


def _join_item(item: Item) -> str:
    parts = (item.get("name"), item.get("arguments"), item.get("output"))
    return " ".join([collect_text(item.get("content")), *(part for part in parts if isinstance(part, str))])


def _collect_results(items: list[Item]) -> list[str]:
    """The outputs of the function calls at the end."""
    tail = itertools.takewhile(lambda item: item.get("type") == "function_call_output", reversed(items))
    return [collect_text(item.get("output")) for item in tail][::-1]


def _is_reasoning_wanted(given: Any) -> bool:
    return isinstance(given, dict) and given.get("effort") != "none"


def _read_tool_choice(value: Any) -> str:
    match value:
        case None:
            return "auto"
        case "auto" | "none" | "required":
            return str(value)
        case {"type": "function", "name": str(name)}:
            return f":{name}"
    raise make_bad_request("'tool_choice' is none, auto, required, or names a function.", "tool_choice")


def _read_schema(text: Any) -> Any:
    match text:
        case None | {"format": None} | {"format": {"type": "text"}}:
            return None
        case {"format": {"type": "json_object"}}:
            return _ANY_OBJECT
        case {"format": {"type": "json_schema", "schema": dict(schema)}}:
            return schema
        case {"format": _}:
            raise make_bad_request("'text.format' is of type text, json_object or json_schema.", "text.format")
    return None
