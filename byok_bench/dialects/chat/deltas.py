"""One delta of a chat choice, or a whole message: its text, refusal, reasoning and calls.

Members of another type than the format's are noted, and left out of the output unless they can be read all the
same (content_parts.py). Where servers name reasoning differently the first field with text in it is read; two
fields often carry the same text. An object of nothing but zero values is absent.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from byok_bench.dialects.answer import Facts
from byok_bench.dialects.chat.content_parts import PartsContent, read_content_parts
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.json_values import is_absent

REASONING_FIELDS: Final = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "thought")
_USUAL: Final = REASONING_FIELDS[:2]


class Delta(msgspec.Struct, frozen=True):
    """What a delta adds; empty where it adds nothing."""

    text: str
    refusal: str
    reasoning: str
    calls: list[dict[str, Any]]
    """Elements of tool_calls that are objects and not absent."""
    function_call: dict[str, Any] | None

    @property
    def has_output(self) -> bool:
        """Whether it is output that must not follow a finish_reason."""
        return bool(self.text or self.reasoning or self.calls)


def read_delta(delta: Mapping[str, Any], event: int | None, facts: Facts, *, wants_json: bool) -> Delta:
    """Take a delta apart. `wants_json`: the request asks for a JSON answer."""
    content = _read_delta_content(delta.get("content"), event, facts, wants_json)
    refusal, calls, function_call = delta.get("refusal"), delta.get("tool_calls"), delta.get("function_call")
    return Delta(
        text=content.text or _read_transcript(delta.get("audio")),
        refusal=refusal if isinstance(refusal, str) and refusal else content.refusal,
        reasoning=_read_reasoning(delta, event, facts) or content.reasoning,
        calls=[call for call in calls if _is_call(call)] if isinstance(calls, list) else [],
        function_call=function_call if isinstance(function_call, dict) and not is_absent(function_call) else None,
    )


def _read_delta_content(content: object, event: int | None, facts: Facts, wants_json: bool) -> PartsContent:
    if content is None or isinstance(content, str):
        return PartsContent(content or "")
    facts.note("content_type", event, type(content).__name__)
    return read_content_parts(content, wants_json=wants_json)


def _read_transcript(audio: object) -> str:
    """The words of a spoken answer."""
    found = audio.get("transcript") if isinstance(audio, dict) else None
    return found if isinstance(found, str) else ""


def _is_call(value: object) -> bool:
    """Whether an element of tool_calls is an object that is not absent: no id, and the zero of a function."""
    if not isinstance(value, dict) or not value:
        return False
    function = value.get("function")
    if not isinstance(function, dict) or function.get("name") != "" or not is_absent(value.get("id")):
        return True
    arguments = function.get("arguments")
    return isinstance(arguments, dict) or not is_absent(arguments)


def _read_reasoning(delta: Mapping[str, Any], event: int | None, facts: Facts) -> str:
    """The first field that has some; reasoning_details only if none has."""
    found, source = "", ""
    for name in REASONING_FIELDS:
        value = delta.get(name)
        if value is not None and not isinstance(value, str):
            facts.note("reasoning_type", event, f"{name} is {render_value(value)}")
        elif value and not found:
            found, source = value, name
    details = delta.get("reasoning_details")
    if not found and isinstance(details, list):
        found, source = "".join(map(_read_reasoning_detail, details)), "reasoning_details"
    if found and source not in _USUAL:
        facts.note("reasoning_elsewhere", event, source)
    return found


def _read_reasoning_detail(detail: object) -> str:
    """Text of one element of reasoning_details; encrypted ones have none."""
    for name in ("text", "summary"):
        value = detail.get(name) if isinstance(detail, dict) else None
        if isinstance(value, str) and value:
            return value
    return ""
