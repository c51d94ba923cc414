"""One delta of a chat choice, or a whole message: its text, refusal, reasoning and calls.

Members of another type than the format's are left out of the output and noted. Where servers name reasoning
differently the first field with text in it is read; two fields often carry the same text.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from byok_bench.dialects.answer import Facts
from byok_bench.dialects.fragments import brief

REASONING_FIELDS: Final = ("reasoning_content", "reasoning", "reasoning_text", "thinking", "thought")
_USUAL: Final = REASONING_FIELDS[:2]


class Parts(msgspec.Struct, frozen=True):
    """What a delta adds; empty where it adds nothing."""

    text: str
    refusal: str
    reasoning: str
    calls: list[dict[str, Any]]
    """Elements of tool_calls that are objects."""
    function_call: dict[str, Any] | None

    @property
    def late(self) -> bool:
        """Whether it is output that must not follow a finish_reason."""
        return bool(self.text or self.reasoning or self.calls)


def read_delta(delta: Mapping[str, Any], event: int | None, facts: Facts) -> Parts:
    """Take a delta apart."""
    refusal, calls, function_call = delta.get("refusal"), delta.get("tool_calls"), delta.get("function_call")
    return Parts(
        text=_content(delta.get("content"), event, facts),
        refusal=refusal if isinstance(refusal, str) else "",
        reasoning=_reasoning(delta, event, facts),
        calls=[call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else [],
        function_call=function_call if isinstance(function_call, dict) else None,
    )


def _content(content: object, event: int | None, facts: Facts) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    facts.note("content_type", event, type(content).__name__)
    parts = content if isinstance(content, list) else []
    return "".join(
        part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str)
    )


def _reasoning(delta: Mapping[str, Any], event: int | None, facts: Facts) -> str:
    """The first field that has some; reasoning_details only if none has."""
    found, source = "", ""
    for name in REASONING_FIELDS:
        value = delta.get(name)
        if value is not None and not isinstance(value, str):
            facts.note("reasoning_type", event, f"{name} is {brief(value)}")
        elif value and not found:
            found, source = value, name
    details = delta.get("reasoning_details")
    if not found and isinstance(details, list):
        found, source = "".join(map(_detail, details)), "reasoning_details"
    if found and source not in _USUAL:
        facts.note("reasoning_elsewhere", event, source)
    return found


def _detail(detail: object) -> str:
    """Text of one element of reasoning_details; encrypted ones have none."""
    for name in ("text", "summary"):
        value = detail.get(name) if isinstance(detail, dict) else None
        if isinstance(value, str) and value:
            return value
    return ""
