"""How the ladder and the probes are worded in each dialect: they are written as chat completions bodies.

What a dialect has no word for (stream_options, reasoning_content) is left out. A body that breaks the rules of
chat on purpose is no chat body: members of another type than theirs go out as they are.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from byok_bench.endpoints.efforts import Efforts, find_effort_members, lay_effort
from byok_bench.wire.bodies import bounded_json

Body = dict[str, Any]
USUAL: Final[Efforts] = {}
"""No levels of a model's own: its dialect's usual way counts."""
_MODES: Final = {"auto": "auto", "required": "any", "none": "none"}
_SAME: Final = ("model", "stream", "temperature", "top_p")
"""Members that all dialects call alike."""


def translate_body(body: Mapping[str, Any], schema: str, efforts: Efforts = USUAL) -> Body:
    """A chat completions body in the words of a dialect; the same body for chat.

    An effort is asked for as the model's own levels say (`efforts`), else in the dialect's usual way.
    """
    level = body.get("reasoning_effort")
    members = find_effort_members(efforts, schema, level) if isinstance(level, str) else None
    if members is None:
        return _BY_SCHEMA.get(schema, dict)(body)
    rest = {name: value for name, value in body.items() if name != "reasoning_effort"}
    out = lay_effort(_BY_SCHEMA.get(schema, dict)(rest), members)
    if schema == "responses" and isinstance(out.get("reasoning"), dict):
        out["reasoning"] = {**out["reasoning"], "summary": "auto"}
    if schema == "messages" and level != "none":
        out.pop("temperature", None)  # a model that thinks takes no other than 1
    return out


def _translate_to_responses(body: Mapping[str, Any]) -> Body:
    out: Body = {**_copy_shared_members(body), "store": False}
    if "messages" in body:
        said = body["messages"]
        out["input"] = [item for one in said for item in _iterate_items(one)] if isinstance(said, list) else said
    if "max_tokens" in body:
        out["max_output_tokens"] = body["max_tokens"]
    if "tools" in body:
        out["tools"] = [{"type": "function", **tool["function"]} for tool in body["tools"]]
    if "tool_choice" in body:
        name = _find_named_function(body["tool_choice"])
        out["tool_choice"] = {"type": "function", "name": name} if name else body["tool_choice"]
    if "parallel_tool_calls" in body:
        out["parallel_tool_calls"] = body["parallel_tool_calls"]
    if "response_format" in body:
        wanted = body["response_format"]
        out["text"] = {"format": {"type": wanted["type"], **wanted.get("json_schema", {})}}
    if body.get("logprobs"):
        out |= {"include": ["message.output_text.logprobs"], "top_logprobs": body.get("top_logprobs", 0)}
    return out


def _iterate_items(message: Mapping[str, Any]) -> Iterator[Body]:
    """The input items that one message is: what it says, then what it calls."""
    if message["role"] == "tool":
        yield {
            "type": "function_call_output",
            "call_id": message["tool_call_id"],
            "output": message["content"],
        }
        return
    if message.get("content"):
        content = message["content"]
        said = content if isinstance(content, str) else [_make_input_part(part) for part in content]
        yield {"role": message["role"], "content": said}
    for call in message.get("tool_calls", ()):
        yield {"type": "function_call", "call_id": call["id"], **call["function"]}


def _translate_to_messages(body: Mapping[str, Any]) -> Body:
    out: Body = _copy_shared_members(body)
    if "messages" in body:
        said = body["messages"]
        out["messages"] = _make_turns(said) if isinstance(said, list) else said
    if "max_tokens" in body:
        out["max_tokens"] = body["max_tokens"]
    if "tools" in body:
        out["tools"] = [_make_tool(**tool["function"]) for tool in body["tools"]]
    if "tool_choice" in body:
        name = _find_named_function(body["tool_choice"])
        out["tool_choice"] = {"type": "tool", "name": name} if name else {"type": _MODES[body["tool_choice"]]}
    if body.get("parallel_tool_calls") is False:
        out["tool_choice"] = {"type": "auto", **out.get("tool_choice", {}), "disable_parallel_tool_use": True}
    if "stop" in body:
        out["stop_sequences"] = body["stop"]
    settings: Body = {}
    if "json_schema" in (wanted := body.get("response_format", {})):
        settings["format"] = {"type": "json_schema", "schema": wanted["json_schema"]["schema"]}
    return {**out, "output_config": settings} if settings else out


def _make_turns(messages: Sequence[Mapping[str, Any]]) -> list[Body]:
    """Turns of content blocks; results that follow one another are one turn of the user."""
    turns: list[Body] = []
    for one in messages:
        if one["role"] != "tool":
            turns.append({"role": one["role"], "content": list(_iterate_blocks(one))})
            continue
        block = {"type": "tool_result", "tool_use_id": one["tool_call_id"], "content": one["content"]}
        if turns and turns[-1]["content"][-1]["type"] == "tool_result":
            turns[-1]["content"].append(block)
        else:
            turns.append({"role": "user", "content": [block]})
    return turns


def _iterate_blocks(message: Mapping[str, Any]) -> Iterator[Body]:
    if message.get("content"):
        content = message["content"]
        yield from [{"type": "text", "text": content}] if isinstance(content, str) else map(_make_block, content)
    for call in message.get("tool_calls", ()):
        value = bounded_json.decode_json(call["function"]["arguments"])
        given = value if isinstance(value, dict) else {}
        yield {"type": "tool_use", "id": call["id"], "name": call["function"]["name"], "input": given}


def _make_input_part(part: Mapping[str, Any]) -> Body:
    """A part of a message of Responses: text, or an image."""
    if part["type"] == "text":
        return {"type": "input_text", "text": part["text"]}
    return {"type": "input_image", "image_url": part["image_url"]["url"]}


def _make_block(part: Mapping[str, Any]) -> Body:
    """A block of a message of Messages: text, or an image out of a data URL."""
    if part["type"] == "text":
        return {"type": "text", "text": part["text"]}
    kind, _, data = part["image_url"]["url"].removeprefix("data:").partition(";base64,")
    return {"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}}


def _make_tool(name: str, description: str, parameters: Body) -> Body:
    return {"name": name, "description": description, "input_schema": parameters}


def _copy_shared_members(body: Mapping[str, Any]) -> Body:
    return {name: body[name] for name in _SAME if name in body}


def _find_named_function(choice: object) -> str | None:
    """The function that a tool_choice names, if it names one."""
    return str(choice["function"]["name"]) if isinstance(choice, dict) else None


_BY_SCHEMA: Final[Mapping[str, Callable[[Mapping[str, Any]], Body]]] = {
    "responses": _translate_to_responses,
    "messages": _translate_to_messages,
}
