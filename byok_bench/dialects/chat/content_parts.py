"""Content of a message or a delta that is no string: an array of parts, or an object where JSON was asked for.

Text parts are text, thinking and reasoning parts (nested ones too) are reasoning; parts of other types add what
they have as text, which for pictures and references is nothing.
"""

import json
from collections.abc import Iterator
from typing import Any, Final

import msgspec

_THINKING: Final = ("thinking", "reasoning", "thought", "reasoning_text", "summary_text")
_THOUGHTS: Final = ("thinking", "reasoning", "text", "value", "summary", "content")
"""Members of a thinking part, by which the first that holds something is read."""
_NESTING: Final = 8


class PartsContent(msgspec.Struct, frozen=True):
    """What a content holds."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""


def read_content_parts(content: object, *, wants_json: bool) -> PartsContent:
    """Read a content that is no string. `wants_json`: an object is the JSON answer that was asked for."""
    if isinstance(content, dict) and wants_json:
        return PartsContent(json.dumps(content, ensure_ascii=False))
    parts = [part for part in content if isinstance(part, dict | str)] if isinstance(content, list) else []
    thinking = [part for part in parts if _is_thinking(part)]
    others = [part for part in parts if not _is_thinking(part)]
    return PartsContent(
        text="".join(piece for part in others for piece in _iterate_part_texts(part, ("text", "value"))),
        reasoning="".join(piece for part in thinking for piece in _iterate_part_texts(part, _THOUGHTS)),
        refusal="".join(map(_read_refusal, others)),
    )


def _is_thinking(part: dict[str, Any] | str) -> bool:
    return isinstance(part, dict) and part.get("type") in _THINKING


def _read_refusal(part: dict[str, Any] | str) -> str:
    said = part.get("refusal") if isinstance(part, dict) and part.get("type") == "refusal" else ""
    return said if isinstance(said, str) else ""


def _iterate_part_texts(part: object, members: tuple[str, ...], nesting: int = _NESTING) -> Iterator[str]:
    """The texts of a part: its own, or those of the parts within it."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, list) and nesting:
        for inner in part:
            yield from _iterate_part_texts(inner, members, nesting - 1)
    elif isinstance(part, dict) and nesting:
        found = next((part[name] for name in members if part.get(name)), None)
        yield from _iterate_part_texts(found, members, nesting - 1)
