"""Chat completions: read a request, write the good answer, streamed or whole."""

import secrets
import time
from collections.abc import Sequence
from typing import Any

from byok_bench.backends.simulator.answer import Answer, Call
from byok_bench.backends.simulator.ask import (
    Ask,
    Body,
    check_sampling_ranges,
    check_tool_choice,
    collect_text,
    read_bounded_count,
    read_flag,
    read_list_member,
    read_positive_integer,
    read_required_model,
    read_stop_sequences,
    read_tools,
)
from byok_bench.backends.simulator.dialects.logprobs import LARGEST_TOP_LOGPROBS, make_logprobs
from byok_bench.backends.simulator.refusal import make_bad_request
from byok_bench.backends.simulator.reply import DONE, Event, Reply, make_json_reply, make_stream_reply

ROLES = ("system", "developer", "user", "assistant", "tool", "function")
_MOST_CHOICES = 8
_MOST_STOPS = 4
_ANY_OBJECT = {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"]}


def read_ask(body: Body) -> Ask:
    """What a chat body asks for. Raises Refusal for a client's mistake."""
    messages = _read_messages(body)
    check_sampling_ranges(body)
    if body.get("tools") == []:
        raise make_bad_request("'tools' is empty: leave it out, or offer at least one.", "tools", "empty_array")
    tools = read_tools((_find_function(entry) for entry in read_list_member(body, "tools")), "parameters")
    stop = body.get("stop")
    options = body.get("stream_options")
    streaming = read_flag(body, "stream")
    users = [collect_text(message.get("content")) for message in messages if message["role"] == "user"]
    return Ask(
        dialect="chat",
        body=body,
        model=read_required_model(body),
        prompt=users[-1] if users else "",
        texts=[_join_message(message) for message in messages],
        results=_collect_results(messages),
        tools=tools,
        choice=check_tool_choice(_read_tool_choice(body.get("tool_choice")), tools),
        parallel=body.get("parallel_tool_calls") is None or read_flag(body, "parallel_tool_calls"),
        schema=_read_schema(body.get("response_format")),
        stops=read_stop_sequences([stop] if isinstance(stop, str) else stop, "stop", _MOST_STOPS),
        top_logprobs=_read_top_logprobs(body),
        max_tokens=read_positive_integer(body, "max_completion_tokens", "max_tokens"),
        n=read_positive_integer(body, "n", at_most=_MOST_CHOICES) or 1,
        stream=streaming,
        include_usage=isinstance(options, dict) and options.get("include_usage") is True,
    )


def write_reply(ask: Ask, answers: Sequence[Answer]) -> Reply:
    """The answer, as the request wants it."""
    if ask.stream:
        return make_stream_reply(_list_events(ask, answers))
    choices = [
        {
            "index": index,
            "message": _build_message(one),
            "logprobs": _make_choice_logprobs(ask, one.texts),
            "finish_reason": _to_finish_reason(one),
        }
        for index, one in enumerate(answers)
    ]
    return make_json_reply(
        {**_make_label(ask, "chat.completion"), "choices": choices, "usage": count_usage(ask, answers)},
    )


def count_usage(ask: Ask, answers: Sequence[Answer]) -> dict[str, Any]:
    """Token counts: a piece of the answer is a token."""
    made = sum(one.tokens for one in answers)
    return {
        "prompt_tokens": ask.prompt_tokens,
        "completion_tokens": made,
        "total_tokens": ask.prompt_tokens + made,
        "prompt_tokens_details": {"cached_tokens": answers[0].cached_tokens if answers else 0},
        "completion_tokens_details": {"reasoning_tokens": sum(len(one.thoughts) for one in answers)},
    }


def _read_messages(body: Body) -> list[dict[str, Any]]:
    """The messages, each with a role we know; every tool message answers a call of the turn before it."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise make_bad_request("'messages' must be an array with at least one message.", "messages")
    open_calls: list[Any] = []
    for position, message in enumerate(messages):
        where = f"messages[{position}]"
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ROLES:
            raise make_bad_request(f"Every message needs a role out of {', '.join(ROLES)}.", f"{where}.role")
        content, calls = message.get("content"), message.get("tool_calls")
        if content is not None and not isinstance(content, (str, list)):
            raise make_bad_request("'content' must be a string or an array of parts.", f"{where}.content")
        if content is None and not (role == "assistant" and (calls or message.get("function_call"))):
            raise make_bad_request("This message needs content.", f"{where}.content")
        if role == "tool" and message.get("tool_call_id") not in open_calls:
            raise make_bad_request(
                "A message with role 'tool' must answer a call of the assistant message before it.",
                f"{where}.tool_call_id",
            )
        if role != "tool":
            known = calls if isinstance(calls, list) else []
            open_calls = [call.get("id") for call in known if isinstance(call, dict)]
    return messages


def _join_message(message: dict[str, Any]) -> str:
    calls = [call.get("function") for call in message.get("tool_calls") or [] if isinstance(call, dict)]
    written = [f"{call.get('name')} {call.get('arguments')}" for call in calls if isinstance(call, dict)]
    return " ".join([collect_text(message.get("content")), *written])


def _collect_results(messages: list[dict[str, Any]]) -> list[str]:
    """The texts of the tool messages at the end."""
    found: list[str] = []
    for message in reversed(messages):
        if message["role"] != "tool":
            break
        found.insert(0, collect_text(message.get("content")))
    return found


def _find_function(entry: Any) -> Any:
    return entry.get("function") if isinstance(entry, dict) and entry.get("type", "function") == "function" else None


def _read_tool_choice(value: Any) -> str:
    """tool_choice in the form of Ask.choice."""
    match value:
        case None:
            return "auto"
        case "auto" | "none" | "required":
            return str(value)
        case {"type": "function", "function": {"name": str(name)}}:
            return f":{name}"
    raise make_bad_request("'tool_choice' is none, auto, required, or names a function.", "tool_choice")


def _read_schema(wanted: Any) -> Any:
    """The JSON Schema that response_format asks for, None for plain text."""
    match wanted:
        case None | {"type": "text"}:
            return None
        case {"type": "json_object"}:
            return _ANY_OBJECT
        case {"type": "json_schema", "json_schema": {"schema": dict(schema)}}:
            return schema
        case {"type": "json_schema"}:
            raise make_bad_request("'json_schema' needs a member 'schema'.", "response_format.json_schema")
    problem = "'response_format' is of type text, json_object or json_schema."
    raise make_bad_request(problem, "response_format", "unsupported_format")


def _read_top_logprobs(body: Body) -> int | None:
    """How many likely tokens are wanted beside each; None if logprobs are not."""
    wanted, top = read_flag(body, "logprobs"), read_bounded_count(body, "top_logprobs", LARGEST_TOP_LOGPROBS)
    if top is not None and not wanted:
        raise make_bad_request("'top_logprobs' is only allowed when 'logprobs' is true.", "top_logprobs")
    return (top or 0) if wanted else None


def _make_choice_logprobs(ask: Ask, pieces: Sequence[str]) -> dict[str, Any] | None:
    if ask.top_logprobs is None or not pieces:
        return None
    return {"content": make_logprobs(pieces, ask.top_logprobs), "refusal": None}


def _make_label(ask: Ask, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{secrets.token_hex(12)}",
        "object": kind,
        "created": int(time.time()),
        "model": ask.model,
    }


def _to_finish_reason(one: Answer) -> str:
    return {"tool": "tool_calls", "sequence": "stop"}.get(one.stop, one.stop)


def _build_message(one: Answer) -> dict[str, Any]:
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


def _list_events(ask: Ask, answers: Sequence[Answer]) -> list[Event]:
    """Role first, then the output of each choice, its finish_reason, usage if asked for, and [DONE]."""
    label = _make_label(ask, "chat.completion.chunk")

    def chunk(index: int, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        said = [delta["content"]] if delta.get("content") else []
        logprobs = _make_choice_logprobs(ask, said)
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason}
        return {**label, "choices": [choice]}

    events = []
    for index, one in enumerate(answers):
        content = None if one.calls else ""
        events.append(Event(chunk(index, {"role": "assistant", "content": content})))
        said = [{"reasoning_content": piece} for piece in one.thoughts]
        said += [{"content": piece} for piece in one.texts]
        events += [Event(chunk(index, delta), is_paced=True) for delta in said]
        for position, call in enumerate(one.calls):
            for number, element in enumerate(_split_call(call)):
                delta = {"tool_calls": [{"index": position, **element}]}
                event = Event(chunk(index, delta), is_paced=True, call=position, is_call_start=number == 0)
                events.append(event)
        events.append(Event(chunk(index, {}, _to_finish_reason(one))))
    if ask.include_usage:
        events.append(Event({**label, "choices": [], "usage": count_usage(ask, answers)}))
    return [*events, Event(DONE)]


def _split_call(call: Call) -> list[dict[str, Any]]:
    """A call in pieces: id and name first, then the arguments."""
    start = {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    return [start, *({"function": {"arguments": piece}} for piece in call.pieces)]
