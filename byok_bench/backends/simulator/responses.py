"""Responses: read a request, write the good answer as typed events or as one response object."""

import itertools
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

from byok_bench.backends.simulator.answer import Answer, Call
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
from byok_bench.backends.simulator.reply import Event, Reply, document, stream

Item = dict[str, Any]
_NO_ANNOTATIONS: Item = {"annotations": []}
_ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}


def read(body: Body) -> Ask:
    """What a responses body asks for. Raises Refusal for a client's mistake."""
    items = _items(body)
    check_ranges(body)
    tools = read_tools(
        (
            entry
            for entry in list_of(body, "tools")
            if not isinstance(entry, dict) or entry.get("type") == "function"
        ),
        "parameters",
    )
    users = [text_of(item.get("content")) for item in items if item.get("role") == "user"]
    instructions = body.get("instructions")
    return Ask(
        dialect="responses",
        body=body,
        model=required_model(body),
        prompt=users[-1] if users else "",
        texts=[text_of(instructions), *(_said(item) for item in items)],
        results=_results(items),
        tools=tools,
        choice=check_choice(_choice(body.get("tool_choice")), tools),
        schema=_schema(body.get("text")),
        max_tokens=whole_number(body, "max_output_tokens"),
        stream=flag(body, "stream"),
        reasoning=isinstance(body.get("reasoning"), dict),
    )


def write(ask: Ask, answers: Sequence[Answer]) -> Reply:
    """The answer, as the request wants it; there is one choice only."""
    (one,) = answers
    response = _response(ask, one)
    items = _output(one)
    if not ask.stream:
        return document(_ended(response, ask, one, items))
    events = list(_events(response, ask, one, items))
    for number, event in enumerate(events):
        event.data["sequence_number"] = number
        event.name = event.data["type"]
    return stream(events)


def _items(body: Body) -> list[Item]:
    """The input as items; every tool result answers a call before it."""
    given = body.get("input")
    if isinstance(given, str) and given:
        return [{"role": "user", "content": given}]
    if not isinstance(given, list) or not given:
        raise mistake("'input' must be a text or an array with at least one item.", "input")
    called: list[Any] = []
    for position, item in enumerate(given):
        if not isinstance(item, dict) or not ("role" in item or "type" in item):
            raise mistake("Every item is an object with a type or a role.", f"input[{position}]")
        if item.get("type") == "function_call":
            called.append(item.get("call_id"))
        if item.get("type") == "function_call_output" and item.get("call_id") not in called:
            raise mistake("No tool call found for this function call output.", f"input[{position}].call_id")
        if "role" in item and not isinstance(item.get("content"), (str, list)):
            raise mistake("'content' must be a text or an array of parts.", f"input[{position}].content")
    return given


def _said(item: Item) -> str:
    parts = (item.get("name"), item.get("arguments"), item.get("output"))
    return " ".join([text_of(item.get("content")), *(part for part in parts if isinstance(part, str))])


def _results(items: list[Item]) -> list[str]:
    """The outputs of the function calls at the end."""
    tail = itertools.takewhile(lambda item: item.get("type") == "function_call_output", reversed(items))
    return [text_of(item.get("output")) for item in tail][::-1]


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


def _response(ask: Ask, one: Answer) -> Item:
    """The response object before anything was said."""
    return {
        "id": f"resp_{secrets.token_hex(16)}",
        "object": "response",
        "created_at": int(time.time()),
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "instructions": ask.body.get("instructions"),
        "model": ask.model,
        "output": [],
        "parallel_tool_calls": True,
        "tool_choice": ask.body.get("tool_choice") or "auto",
        "tools": ask.body.get("tools") or [],
        "usage": None,
    }


def _ended(response: Item, ask: Ask, one: Answer, items: list[Item]) -> Item:
    """The response object when all is said."""
    cut = one.stop == "length"
    return {
        **response,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": items,
        "usage": {
            "input_tokens": ask.prompt_tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": one.tokens,
            "output_tokens_details": {"reasoning_tokens": len(one.thoughts)},
            "total_tokens": ask.prompt_tokens + one.tokens,
        },
    }


def _output(one: Answer) -> list[Item]:
    """The finished items: reasoning, message, calls."""
    items: list[Item] = []
    if one.thoughts:
        part = {"type": "reasoning_text", "text": one.thought}
        items.append(
            {"id": f"rs_{secrets.token_hex(8)}", "type": "reasoning", "summary": [], "content": [part]}
        )
    if one.texts:
        part = {"type": "output_text", "text": one.text, **_NO_ANNOTATIONS}
        message = {"type": "message", "status": "completed", "role": "assistant", "content": [part]}
        items.append({"id": f"msg_{secrets.token_hex(8)}", **message})
    return items + [_call_item(call) for call in one.calls]


def _call_item(call: Call) -> Item:
    return {
        "id": f"fc_{secrets.token_hex(8)}",
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def _events(response: Item, ask: Ask, one: Answer, items: list[Item]) -> Iterator[Event]:
    """Created, in progress, each item with its deltas, and the end; sequence numbers come later."""
    yield Event({"type": "response.created", "response": response})
    yield Event({"type": "response.in_progress", "response": response})
    calls = iter(one.calls)
    for index, item in enumerate(items):
        where = {"item_id": item["id"], "output_index": index}
        empty = {"status": "in_progress"} if "status" in item else {}
        match item["type"]:
            case "function_call":
                opened, inner = {**item, **empty, "arguments": ""}, _call_events(where, next(calls), item)
            case "reasoning":
                opened, inner = (
                    {**item, "content": []},
                    _part_events(where, "reasoning_text", one.thoughts, item),
                )
            case _:
                opened, inner = (
                    {**item, **empty, "content": []},
                    _part_events(where, "output_text", one.texts, item),
                )
        yield Event({"type": "response.output_item.added", "output_index": index, "item": opened})
        yield from inner
        yield Event({"type": "response.output_item.done", "output_index": index, "item": item})
    ended = _ended(response, ask, one, items)
    yield Event({"type": f"response.{ended['status']}", "response": ended})


def _part_events(where: Item, kind: str, pieces: list[str], item: Item) -> Iterator[Event]:
    """One content part with its text deltas."""
    place = {**where, "content_index": 0}
    (part,) = item["content"]
    yield Event({"type": "response.content_part.added", **place, "part": {**part, "text": ""}})
    for piece in pieces:
        yield Event({"type": f"response.{kind}.delta", **place, "delta": piece}, paced=True)
    yield Event({"type": f"response.{kind}.done", **place, "text": part["text"]})
    yield Event({"type": "response.content_part.done", **place, "part": part})


def _call_events(where: Item, call: Call, item: Item) -> Iterator[Event]:
    """The arguments of one call."""
    kind = "response.function_call_arguments"
    for piece in call.pieces:
        yield Event({"type": f"{kind}.delta", **where, "delta": piece}, paced=True)
    yield Event({"type": f"{kind}.done", **where, "name": call.name, "arguments": item["arguments"]})
