"""The conversation that a request holds, in any dialect, and its answer: lines of who said what."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from byok_bench.dialects.output import Output

LONGEST: Final = 4_000
"""Characters of one line of a conversation."""


class Saying(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a conversation."""

    who: str
    """system, user, assistant, tool; `answer` for what came back."""
    text: str


def list_sayings(body: Any, output: Output | None) -> list[Saying]:
    """What the request says, in its order, and what was answered."""
    said = list(_iterate_request(body)) if isinstance(body, Mapping) else []
    if output is not None:
        said += _iterate_output(output)
    return [Saying(who=who, text=text if len(text) <= LONGEST else f"{text[:LONGEST]}…") for who, text in said if text]


def _iterate_request(body: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("system", "instructions"):
        yield "system", _read_content(body.get(name))
    listed = body.get("messages", body.get("input"))
    if isinstance(listed, str):
        yield "user", listed
    for item in listed if isinstance(listed, list) else ():
        if isinstance(item, Mapping):
            yield from _iterate_item(item)


def _iterate_item(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A message of chat or Messages, or an item of Responses."""
    kind = item.get("type")
    if kind == "function_call":
        yield "assistant", _describe_call(item.get("name"), item.get("arguments"))
    elif kind == "function_call_output":
        yield "tool", _read_content(item.get("output"))
    else:
        yield str(item.get("role", kind or "?")), _read_content(item.get("content"))
    calls = item.get("tool_calls")
    for call in calls if isinstance(calls, list) else ():
        asked = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(asked, Mapping):
            yield "assistant", _describe_call(asked.get("name"), asked.get("arguments"))


def _read_content(content: Any) -> str:
    """A text, or the parts of one."""
    if isinstance(content, str) or content is None:
        return content or ""
    if isinstance(content, list):
        return "\n".join(filter(None, map(_read_part, content)))
    return json.dumps(content, ensure_ascii=False)


def _read_part(part: Any) -> str:
    if not isinstance(part, Mapping):
        return _read_content(part)
    if part.get("type") == "tool_use":
        return _describe_call(part.get("name"), part.get("input"))
    for name in ("text", "thinking", "content"):
        if name in part:
            return _read_content(part[name])
    return json.dumps(part, ensure_ascii=False)


def _iterate_output(output: Output) -> Iterator[tuple[str, str]]:
    yield "answer: reasoning", output.reasoning
    yield "answer", output.text
    yield "answer: refusal", output.refusal
    for call in output.tool_calls:
        yield "answer", _describe_call(call.name, call.arguments)


def _describe_call(name: Any, arguments: Any) -> str:
    told = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return f"calls {name}({told})"
