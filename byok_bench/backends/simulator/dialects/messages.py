"""Messages: read a request, write the good answer as block events or as one message."""

import json
from collections.abc import Iterator, Sequence
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
    read_stop_sequences,
    read_tools,
)
from byok_bench.backends.simulator.dialects.message_object import (
    Block,
    count_final_usage,
    end_message,
    iterate_blocks,
    make_stop_members,
    start_message,
)
from byok_bench.backends.simulator.refusal import make_bad_request
from byok_bench.backends.simulator.reply import Event, Reply, make_json_reply, make_stream_reply

_THINKING = ("enabled", "adaptive")


def read_ask(body: Body) -> Ask:
    """What a messages body asks for. Raises Refusal for a client's mistake."""
    if body.get("max_tokens") is None:
        raise make_bad_request("max_tokens: Field required", "max_tokens")
    return read_prompt(body)


def read_prompt(body: Body) -> Ask:
    """The same of a body that asks how long it is: it has no max_tokens. Raises Refusal."""
    messages = _read_messages(body)
    check_sampling_ranges(body)
    max_tokens = read_positive_integer(body, "max_tokens")
    tools = read_tools(read_list_member(body, "tools"), "input_schema")
    last = messages[-1]["content"]
    asked = [_collect_own_text(message["content"]) for message in messages if message["role"] == "user"]
    thinking = body.get("thinking")
    return Ask(
        dialect="messages",
        body=body,
        model=read_required_model(body),
        prompt=next((text for text in reversed(asked) if text), ""),
        texts=[
            collect_text(body.get("system")),
            *(_join_message(message["content"]) for message in messages),
        ],
        results=[collect_text(block.get("content")) for block in _list_blocks(last, "tool_result")],
        tools=tools,
        choice=check_tool_choice(_read_tool_choice(body.get("tool_choice")), tools),
        parallel=not _is_parallel_disabled(body.get("tool_choice")),
        schema=_read_schema(body.get("output_config")),
        stops=_read_stops(body.get("stop_sequences")),
        max_tokens=max_tokens,
        stream=read_flag(body, "stream"),
        reasoning=isinstance(thinking, dict) and thinking.get("type") in _THINKING,
    )


def write_reply(ask: Ask, answers: Sequence[Answer]) -> Reply:
    """The answer, as the request wants it; there is one choice only."""
    (one,) = answers
    started = start_message(ask)
    return (
        make_stream_reply(list(_iterate_events(started, ask, one)))
        if ask.stream
        else make_json_reply(end_message(started, ask, one))
    )


def write_token_count(ask: Ask) -> Reply:
    """How long the prompt is."""
    return make_json_reply({"input_tokens": ask.prompt_tokens})


def _iterate_events(started: Block, ask: Ask, one: Answer) -> Iterator[Event]:
    """message_start, the blocks one after the other, message_delta with the reason and the count, message_stop."""
    yield _make_event({"type": "message_start", "message": started})
    yield _make_event({"type": "ping"})
    for index, (block, deltas) in enumerate(iterate_blocks(one)):
        yield _make_event({"type": "content_block_start", "index": index, "content_block": block})
        for delta in deltas:
            paced = delta["type"] != "signature_delta"
            yield _make_event({"type": "content_block_delta", "index": index, "delta": delta}, paced=paced)
        yield _make_event({"type": "content_block_stop", "index": index})
    yield _make_event({"type": "message_delta", "delta": make_stop_members(one), "usage": count_final_usage(ask, one)})
    yield _make_event({"type": "message_stop"})


def _make_event(data: Block, *, paced: bool = False) -> Event:
    return Event(data, data["type"], is_paced=paced)


def _read_messages(body: Body) -> list[dict[str, Any]]:
    """The messages; every tool result answers a tool_use of the message before it."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise make_bad_request("messages: at least one message is required", "messages")
    called: list[Any] = []
    for position, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("user", "assistant"):
            raise make_bad_request(f"messages.{position}.role: Input should be 'user' or 'assistant'")
        content = message.get("content")
        if not isinstance(content, (str, list)) or not content:
            raise make_bad_request(f"messages.{position}.content: a text or a list of blocks is required")
        for block in _list_blocks(content, "tool_result"):
            if block.get("tool_use_id") not in called:
                raise make_bad_request(f"messages.{position}: tool_result without a tool_use in the message before it")
        called = [block.get("id") for block in _list_blocks(content, "tool_use")]
    return messages


def _list_blocks(content: Any, kind: str) -> list[Block]:
    blocks = content if isinstance(content, list) else []
    return [block for block in blocks if isinstance(block, dict) and block.get("type") == kind]


def _collect_own_text(content: Any) -> str:
    """What the user wrote, tool results left out."""
    return content if isinstance(content, str) else collect_text(_list_blocks(content, "text"))


def _join_message(content: Any) -> str:
    uses = [f"{block.get('name')} {json.dumps(block.get('input'))}" for block in _list_blocks(content, "tool_use")]
    return " ".join([collect_text(content), *uses])


def _read_tool_choice(value: Any) -> str:
    match value:
        case None:
            return "auto"
        case {"type": "auto" | "none" as mode}:
            return str(mode)
        case {"type": "any"}:
            return "required"
        case {"type": "tool", "name": str(name)}:
            return f":{name}"
    raise make_bad_request("tool_choice: Input should be of type auto, any, tool or none", "tool_choice")


def _read_stops(value: Any) -> list[str]:
    stops = read_stop_sequences(value, "stop_sequences")
    if not all(one.strip() for one in stops):
        raise make_bad_request("stop_sequences: each stop sequence must contain non-whitespace")
    return stops


def _is_parallel_disabled(choice: Any) -> bool:
    return isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is True


def _read_schema(config: Any) -> Any:
    """The JSON Schema that output_config.format asks for, None for plain text."""
    match config:
        case None | {"format": None}:
            return None
        case {"format": {"type": "json_schema", "schema": dict(schema)}}:
            return schema
        case {"format": _}:
            raise make_bad_request("output_config.format: Input should be of type json_schema, with a schema")
        case dict():
            return None
    raise make_bad_request("output_config: Input should be an object")
