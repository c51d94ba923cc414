"""What Open Responses demands of a response and of the events of a stream: which members are there, and of what type.

https://github.com/openresponses/openresponses: public/openapi/openapi.json and src/generated/kubb/zod (commit
5e23378173195d4dd155d65aa63a8204f032893b). A member without a value is there as null.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Shape = Mapping[str, type | tuple[type, ...]]
_NULL = type(None)
_NUMBER = (int, float)
_OR_NULL = {kind: (kind, _NULL) for kind in (str, int, dict)}
RESPONSE: Shape = {
    **dict.fromkeys(("id", "object", "status", "model", "truncation", "service_tier"), str),
    **dict.fromkeys(("created_at", "top_logprobs"), int),
    **dict.fromkeys(("output", "tools"), list),
    **dict.fromkeys(("parallel_tool_calls", "store", "background"), bool),
    **dict.fromkeys(("top_p", "presence_penalty", "frequency_penalty", "temperature"), _NUMBER),
    **dict.fromkeys(("previous_response_id", "instructions", "safety_identifier", "prompt_cache_key"), _OR_NULL[str]),
    **dict.fromkeys(("completed_at", "max_output_tokens", "max_tool_calls"), _OR_NULL[int]),
    **dict.fromkeys(("incomplete_details", "error", "reasoning", "usage"), _OR_NULL[dict]),
    "tool_choice": (str, dict),
    "text": dict,
    "metadata": object,
}
USAGE: Shape = {
    **dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), int),
    **dict.fromkeys(("input_tokens_details", "output_tokens_details"), dict),
}
TOOL: Shape = {
    **dict.fromkeys(("type", "name"), str),
    "description": _OR_NULL[str],
    "parameters": _OR_NULL[dict],
    "strict": (bool, _NULL),
}
ITEMS: Mapping[str, Shape] = {
    "message": {**dict.fromkeys(("type", "id", "status", "role"), str), "content": list},
    "function_call": dict.fromkeys(("type", "id", "call_id", "name", "arguments", "status"), str),
    "reasoning": {**dict.fromkeys(("type", "id"), str), "summary": list},
}
PART: Shape = {**dict.fromkeys(("type", "text"), str), **dict.fromkeys(("annotations", "logprobs"), list)}
_TEXT: Shape = {"item_id": str, "output_index": int, "content_index": int}
_CALL: Shape = {"item_id": str, "output_index": int}
_ENDS = ("response.completed", "response.incomplete", "response.failed")
_RESPONSE: Shape = {"response": dict}
_ITEM: Shape = {"output_index": int, "item": dict}
_PART: Shape = {**_TEXT, "part": dict}
EVENTS: Mapping[str, Shape] = {
    **dict.fromkeys(("response.created", "response.in_progress", *_ENDS), _RESPONSE),
    "response.output_item.added": _ITEM,
    "response.output_item.done": _ITEM,
    "response.content_part.added": _PART,
    "response.content_part.done": _PART,
    "response.output_text.delta": {**_TEXT, "delta": str, "logprobs": list},
    "response.output_text.done": {**_TEXT, "text": str, "logprobs": list},
    "response.function_call_arguments.delta": {**_CALL, "delta": str},
    "response.function_call_arguments.done": {**_CALL, "arguments": str},
}


def faults_of_response(response: Any) -> Iterator[str]:
    """What a response object lacks, its items, tools and usage included."""
    yield from _lacks("response", response, RESPONSE)
    if response.get("usage"):
        yield from _lacks("usage", response["usage"], USAGE)
    for tool in response.get("tools", []):
        yield from _lacks("tool", tool, TOOL)
    for item in response.get("output", []):
        yield from _faults_of_item(item)


def faults_of_stream(events: list[dict[str, Any]]) -> Iterator[str]:
    """What the events of a stream lack; the response that it ends with included."""
    for event in events:
        kind = event.get("type", "")
        if kind not in EVENTS:
            yield f"no event is called {kind!r}"
            continue
        yield from _lacks(kind, event, {"sequence_number": int, **EVENTS[kind]})
        if "item" in event:
            yield from _faults_of_item(event["item"])
        if "part" in event:
            yield from _lacks("part", event["part"], PART)
        if "response" in event:
            yield from faults_of_response(event["response"])
    if not events or events[-1].get("type") not in _ENDS:
        yield "no terminal event"


def _faults_of_item(item: dict[str, Any]) -> Iterator[str]:
    yield from _lacks(str(item.get("type")), item, ITEMS[item["type"]])
    if item["type"] == "message":
        for part in item["content"]:
            yield from _lacks("part", part, PART)


def _lacks(what: str, value: dict[str, Any], shape: Shape) -> Iterator[str]:
    for name, kind in shape.items():
        if name not in value:
            yield f"{what} has no {name}"
        elif not isinstance(value[name], kind) or (kind in (int, _NUMBER) and isinstance(value[name], bool)):
            yield f"{what}.{name} is {value[name]!r}"
