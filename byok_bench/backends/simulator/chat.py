"""Chat completions: read a request, write the good answer, streamed or whole."""

import secrets
import time
from collections.abc import Sequence
from typing import Any

from byok_bench.backends.simulator.answer import Answer, Call
from byok_bench.backends.simulator.ask import (
    Ask,
    Body,
    check_choice,
    check_ranges,
    count_of,
    flag,
    list_of,
    read_tools,
    required_model,
    stops_of,
    text_of,
    whole_number,
)
from byok_bench.backends.simulator.logprobs import MOST, logprobs_of
from byok_bench.backends.simulator.refusal import mistake
from byok_bench.backends.simulator.reply import DONE, Event, Reply, document, stream

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_MOST_CHOICES = 8
_MOST_STOPS = 4
_ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}


def read(body: Body) -> Ask:
    """What a chat body asks for. Raises Refusal for a client's mistake."""
    messages = _messages(body)
    check_ranges(body)
    if body.get("tools") == []:
        raise mistake("'tools' is empty: leave it out, or offer at least one.", "tools", "empty_array")
    tools = read_tools((_function(entry) for entry in list_of(body, "tools")), "parameters")
    stop = body.get("stop")
    options = body.get("stream_options")
    streaming = flag(body, "stream")
    users = [text_of(message.get("content")) for message in messages if message["role"] == "user"]
    return Ask(
        dialect="chat",
        body=body,
        model=required_model(body),
        prompt=users[-1] if users else "",
        texts=[_said(message) for message in messages],
        results=_results(messages),
        tools=tools,
        choice=check_choice(_choice(body.get("tool_choice")), tools),
        parallel=body.get("parallel_tool_calls") is None or flag(body, "parallel_tool_calls"),
        schema=_schema(body.get("response_format")),
        stops=stops_of([stop] if isinstance(stop, str) else stop, "stop", _MOST_STOPS),
        top_logprobs=_top_logprobs(body),
        max_tokens=whole_number(body, "max_completion_tokens", "max_tokens"),
        n=whole_number(body, "n", at_most=_MOST_CHOICES) or 1,
        stream=streaming,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def write(ask: Ask, answers: Sequence[Answer]) -> Reply:
    """The answer, as the request wants it."""
    if ask.stream:
        return stream(_events(ask, answers))
    choices = [
        {
            "index": index,
            "message": _message(one),
            "logprobs": _logprobs(ask, one.texts),
            "finish_reason": _finish_reason(one),
        }
        for index, one in enumerate(answers)
    ]
    return document(
        {**_label(ask, "chat.completion"), "choices": choices, "usage": usage(ask, answers)},
    )


def usage(ask: Ask, answers: Sequence[Answer]) -> dict[str, Any]:
    """Token counts: a piece of the answer is a token."""
    made = sum(one.tokens for one in answers)
    return {
        "prompt_tokens": ask.prompt_tokens,
        "completion_tokens": made,
        "total_tokens": ask.prompt_tokens + made,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": sum(len(one.thoughts) for one in answers)},
    }


def _messages(body: Body) -> list[dict[str, Any]]:
    """The messages, each with a role we know; every tool message answers a call of the turn before it."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise mistake("'messages' must be an array with at least one message.", "messages")
    open_calls: list[Any] = []
    for position, message in enumerate(messages):
        where = f"messages[{position}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            raise mistake(f"Every message needs a role out of {', '.join(ROLES)}.", f"{where}.role")
        content, calls = message.get("content"), message.get("tool_calls")
        if content is not None and not isinstance(content, (str, list)):
            raise mistake("'content' must be a string or an array of parts.", f"{where}.content")
        if content is None and not (role == "assistant" and (calls or message.get("function_call"))):
            raise mistake("This message needs content.", f"{where}.content")
        if role == "tool" and message.get("tool_call_id") not in open_calls:
            raise mistake(
                "A message with role 'tool' must answer a call of the assistant message before it.",
                f"{where}.tool_call_id",
            )
        if role != "tool":
            known = calls if isinstance(calls, list) else []
            open_calls = [call.get("id") for call in known if isinstance(call, dict)]
    return messages


def _said(message: dict[str, Any]) -> str:
    calls = [call.get("function") for call in message.get("tool_calls") or [] if isinstance(call, dict)]
    written = [f"{call.get('name')} {call.get('arguments')}" for call in calls if isinstance(call, dict)]
    return " ".join([text_of(message.get("content")), *written])


def _results(messages: list[dict[str, Any]]) -> list[str]:
    """The texts of the tool messages at the end."""
    found: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        found.insert(0, text_of(message.get("content")))
    return found


def _function(entry: Any) -> Any:
    return (
        entry.get("function")
        if isinstance(entry, dict) and entry.get("type", "function") == "function"
        else None
    )


def _choice(value: Any) -> str:
    """tool_choice in the form of Ask.choice."""
    match value:
        case None:
            return "auto"
        case "auto" | "none" | "required":
            return str(value)
        case {"type": "function", "function": {"name": str(name)}}:
            return f":{name}"
    raise mistake("'tool_choice' is none, auto, required, or names a function.", "tool_choice")


def _schema(wanted: Any) -> Any:
    """The JSON Schema that response_format asks for, None for plain text."""
    match wanted:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return _ANY_OBJECT
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
        case {"type": "json_schema"}:
            raise mistake("'json_schema' needs a member 'schema'.", "response_format.json_schema")
    problem = "'response_format' is of type text, json_object or json_schema."
    raise mistake(problem, "response_format", "unsupported_format")


def _top_logprobs(body: Body) -> int | None:
    """How many likely tokens are wanted beside each; None if logprobs are not."""
    wanted, top = flag(body, "logprobs"), count_of(body, "top_logprobs", MOST)
    if top is not None and not wanted:
        raise mistake("'top_logprobs' is only allowed when 'logprobs' is true.", "top_logprobs")
    return (top or 0) if wanted else None


def _logprobs(ask: Ask, pieces: Sequence[str]) -> dict[str, Any] | None:
    if ask.top_logprobs is None or not pieces:
        return None
    return {"content": logprobs_of(pieces, ask.top_logprobs), "refusal": None}


def _label(ask: Ask, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": ask.model,
    }


def _finish_reason(one: Answer) -> str:
    return {"tool": "tool_calls", "sequence": "stop"}.get(one.stop, one.stop)


def _message(one: Answer) -> dict[str, Any]:
    content = one.text if one.texts or not one.calls else None
    message: dict[str, Any] = {"role": "assistant", "content": content, "refusal": None, "annotations": []}
    if one.thoughts:
        message["reasoning_content"] = one.thought
    if one.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in one.calls
        ]
    return message


def _events(ask: Ask, answers: Sequence[Answer]) -> list[Event]:
    """Role first, then the output of each choice, its finish_reason, usage if asked for, and [DONE]."""
    label = _label(ask, "chat.completion.chunk")

    def chunk(index: int, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        said = [delta["content"]] if delta.get("content") else []
        logprobs = _logprobs(ask, said)
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return {**label, "choices": [choice]}

    events = []
    for index, one in enumerate(answers):
        content = None if one.calls else ""
        events.append(Event(chunk(index, {"role": "assistant", "content": content})))
        said = [{"reasoning_content": piece} for piece in one.thoughts]
        said += [{"content": piece} for piece in one.texts]
        events += [Event(chunk(index, delta), paced=True) for delta in said]
        for position, call in enumerate(one.calls):
            for number, element in enumerate(_fragments(call)):
                delta = {"tool_calls": [{"index": position, **element}]}
                event = Event(chunk(index, delta), paced=True, call=position, opens_call=number == 0)
                events.append(event)
        events.append(Event(chunk(index, {}, _finish_reason(one))))
    if ask.include_usage:
        events.append(Event({**label, "choices": [], "usage": usage(ask, answers)}))
    return [*events, Event(DONE)]


def _fragments(call: Call) -> list[dict[str, Any]]:
    """A call in pieces: id and name first, then the arguments."""
    start = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    return [start, *({"function": {"arguments": piece}} for piece in call.pieces)]
