"""Cue: by what a request of a script is known, in any dialect: how the conversation began, what tools are offered, how
many answers there were, and what the user said last. Ids, and how a dialect wraps things, do not count.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from byok_bench.backends.simulator.ask import Body, collect_text


@dataclass(frozen=True)
class Cue:
    """What makes out a request within a script."""

    system: str
    opening: tuple[str, ...]
    """What the user said before the first answer."""
    tools: tuple[str, ...]
    answers: int
    """Turns of the assistant in it."""
    last: str
    """What the user said last."""


class Turn(NamedTuple):
    """One message, in the words of no dialect."""

    role: str
    """system, user, assistant, or tool for a result."""
    text: str


def read_cue(dialect: str, body: Body) -> Cue:
    """The cue of a request, good or not: what cannot be read counts as nothing."""
    turns = [Turn(role, text.strip()) for role, text in _ITERATORS[dialect](body)]
    said = [turn.text for turn in turns if turn.role == "user"]
    first = next((at for at, turn in enumerate(turns) if turn.role == "assistant"), len(turns))
    groups = [turn.role for at, turn in enumerate(turns) if at == 0 or turns[at - 1].role != turn.role]
    answers = [turn.role for turn in turns] if dialect == "chat" else groups
    return Cue(
        system="\n\n".join(turn.text for turn in turns if turn.role == "system"),
        opening=tuple(turn.text for turn in turns[:first] if turn.role == "user"),
        tools=tuple(_iterate_tool_names(body)),
        answers=answers.count("assistant"),
        last=said[-1] if said else "",
    )


def read_settings(body: Body) -> dict[str, Any]:
    """Settings by which two requests with one cue are told apart."""
    reasoning, config = body.get("reasoning"), body.get("output_config")
    effort = body.get("reasoning_effort")
    if isinstance(reasoning, dict):
        effort = reasoning.get("effort")
    elif isinstance(config, dict) and config.get("effort"):
        effort = config["effort"]
    return {"stream": body.get("stream") is True, "effort": effort, "temperature": body.get("temperature")}


def read_raw_text(raw: bytes) -> str:
    """A body that is no JSON object, as text; empty if it is one."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")
    return "" if isinstance(value, dict) else raw.decode("utf-8", "replace")


def _iterate_chat(body: Body) -> Iterator[Turn]:
    for message in _list_objects(body.get("messages")):
        role = {"developer": "system", "function": "tool"}.get(str(message.get("role")), str(message.get("role")))
        yield Turn(role, collect_text(message.get("content")))


def _iterate_responses(body: Body) -> Iterator[Turn]:
    if isinstance(body.get("instructions"), str):
        yield Turn("system", body["instructions"])
    if isinstance(body.get("input"), str):
        yield Turn("user", body["input"])
    for item in _list_objects(body.get("input")):
        kind, role = item.get("type"), item.get("role")
        if kind == "function_call_output":
            yield Turn("tool", collect_text(item.get("output")))
        elif role is None or role == "assistant":
            yield Turn("assistant", collect_text(item.get("content")))
        else:
            yield Turn("system" if role == "developer" else str(role), collect_text(item.get("content")))


def _iterate_messages(body: Body) -> Iterator[Turn]:
    if body.get("system"):
        yield Turn("system", collect_text(body["system"]))
    for message in _list_objects(body.get("messages")):
        role, content = str(message.get("role")), message.get("content")
        if role != "user" or not isinstance(content, list):
            yield Turn(role, collect_text(content))
            continue
        for block in _list_objects(content):
            if block.get("type") in ("text", "tool_result"):
                yield Turn("tool" if block["type"] == "tool_result" else "user", collect_text([block]))


_ITERATORS = {"chat": _iterate_chat, "responses": _iterate_responses, "messages": _iterate_messages}


def _iterate_tool_names(body: Body) -> Iterator[str]:
    for tool in _list_objects(body.get("tools")):
        function = tool.get("function")
        named: Mapping[str, Any] = function if isinstance(function, dict) else tool
        yield str(named.get("name"))


def _list_objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
