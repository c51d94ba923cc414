"""Messages: read a request, write the good answer as block events or as one message."""

import json
from collections.abc import Iterator, Sequence
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
    stops_of,
    text_of,
    whole_number,
)
from byok_bench.backends.simulator.message_object import (
    Block,
    end_message,
    end_of,
    parts_of,
    start_message,
    usage_at_end,
)
from byok_bench.backends.simulator.refusal import mistake
from byok_bench.backends.simulator.reply import Event, Reply, document, stream

_THINKING = ("enabled", "adaptive")


def read(body: Body) -> Ask:
    """What a messages body asks for. Raises Refusal for a client's mistake."""
    if body.get("max_tokens") is None:
        raise mistake("max_tokens: Field required", "max_tokens")
    return read_prompt(body)


def read_prompt(body: Body) -> Ask:
    """The same of a body that asks how long it is: it has no max_tokens. Raises Refusal."""
    messages = _messages(body)
    check_ranges(body)
    max_tokens = whole_number(body, "max_tokens")
    tools = read_tools(list_of(body, "tools"), "input_schema")
    last = messages[-1]["content"]
    asked = [_own_text(message["content"]) for message in messages if message["role"] == "user"]
    thinking = body.get("thinking")
    return Ask(
        dialect="messages",
        body=body,
        model=required_model(body),
        prompt=next((text for text in reversed(asked) if text), ""),
        texts=[text_of(body.get("system")), *(_said(message["content"]) for message in messages)],
        results=[text_of(block.get("content")) for block in _blocks(last, "tool_result")],
        tools=tools,
        choice=check_choice(_choice(body.get("tool_choice")), tools),
        parallel=not _disables_parallel(body.get("tool_choice")),
        schema=_schema(body.get("output_config")),
        stops=_stops(body.get("stop_sequences")),
        max_tokens=max_tokens,
        stream=flag(body, "stream"),
        reasoning=isinstance(thinking, dict) and thinking.get("type") in _THINKING,
    )


def write(ask: Ask, answers: Sequence[Answer]) -> Reply:
    """The answer, as the request wants it; there is one choice only."""
    (one,) = answers
    started = start_message(ask)
    return (
        stream(list(_events(started, ask, one))) if ask.stream else document(end_message(started, ask, one))
    )


def count(ask: Ask) -> Reply:
    """How long the prompt is."""
    return document({"input_tokens": ask.prompt_tokens})


def _events(started: Block, ask: Ask, one: Answer) -> Iterator[Event]:
    """message_start, the blocks one after the other, message_delta with the reason and the count, message_stop."""
    yield _named({"type": "message_start", "message": started})
    yield _named({"type": "ping"})
    for index, (block, deltas) in enumerate(parts_of(one)):
        yield _named({"type": "content_block_start", "index": index, "content_block": block})
        for delta in deltas:
            paced = delta["type"] != "signature_delta"
            yield _named({"type": "content_block_delta", "index": index, "delta": delta}, paced=paced)
        yield _named({"type": "content_block_stop", "index": index})
    yield _named({"type": "message_delta", "delta": end_of(one), "usage": usage_at_end(ask, one)})
    yield _named({"type": "message_stop"})


def _named(data: Block, *, paced: bool = False) -> Event:
    return Event(data, data["type"], paced=paced)


def _messages(body: Body) -> list[dict[str, Any]]:
    """The messages; every tool result answers a tool_use of the message before it."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise mistake("messages: at least one message is required", "messages")
    called: list[Any] = []
    for position, message in enumerate(messages):
        role = message.get("role") if isinstance(message, dict) else None
        if role not in ("user", "assistant"):
            raise mistake(f"messages.{position}.role: Input should be 'user' or 'assistant'")
        content = message.get("content")
        if not isinstance(content, (str, list)) or not content:
            raise mistake(f"messages.{position}.content: a text or a list of blocks is required")
        for block in _blocks(content, "tool_result"):
            if block.get("tool_use_id") not in called:
                raise mistake(f"messages.{position}: tool_result without a tool_use in the message before it")
        called = [block.get("id") for block in _blocks(content, "tool_use")]
    return messages


def _blocks(content: Any, kind: str) -> list[Block]:
    blocks = content if isinstance(content, list) else []
    return [block for block in blocks if isinstance(block, dict) and block.get("type") == kind]


def _own_text(content: Any) -> str:
    """What the user wrote, tool results left out."""
    return content if isinstance(content, str) else text_of(_blocks(content, "text"))


def _said(content: Any) -> str:
    uses = [f"{block.get('name')} {json.dumps(block.get('input'))}" for block in _blocks(content, "tool_use")]
    return " ".join([text_of(content), *uses])


def _choice(value: Any) -> str:
    match value:
        case None:
            return "auto"
        case {"type": "auto" | "none" as mode}:
            return str(mode)
        case {"type": "any"}:
            return "required"
        case {"type": "tool", "name": str(name)}:
            return f":{name}"
    raise mistake("tool_choice: Input should be of type auto, any, tool or none", "tool_choice")


def _stops(value: Any) -> list[str]:
    stops = stops_of(value, "stop_sequences")
    if not all(one.strip() for one in stops):
        raise mistake("stop_sequences: each stop sequence must contain non-whitespace")
    return stops


def _disables_parallel(choice: Any) -> bool:
    return isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is True


def _schema(config: Any) -> Any:
    """The JSON Schema that output_config.format asks for, None for plain text."""
    match config:
        case None | {"format": None}:
            return None
        case {"format": {"type": "json_schema", "schema": dict(schema)}}:
            return schema
        case {"format": _}:
            raise mistake("output_config.format: Input should be of type json_schema, with a schema")
        case dict():
            return None
    raise mistake("output_config: Input should be an object")
