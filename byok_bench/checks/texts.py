"""Patterns that rules look for in assembled text: control tokens, leaked tool calls, think tags."""

import re
from typing import Final

_CONTROL: Final = re.compile(
    r"<\|(?:im_end|im_start|eot_id|endoftext|end|channel)\|>|<｜[^｜\n]+｜>", re.DOTALL
)
_END_OF_TEXT: Final = "</s>"
_TOOL_TOKEN: Final = re.compile(r"<｜tool[^｜\n]*｜>")
TOOL_MARKUP: Final = (
    "<tool_call>",
    "<|tool_call",
    "<function=",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "<|tool_calls_section_begin|>",
    "<｜tool▁calls▁begin｜>",
)
THINK_TAGS: Final = ("think", "thinking", "thought", "reasoning")


def control_token(text: str, *, tool_markup_counts: bool) -> str | None:
    """The first control token in a text. DeepSeek's tokens around tool calls are left out unless they count."""
    for found in _CONTROL.finditer(text):
        if tool_markup_counts or not _TOOL_TOKEN.fullmatch(found[0]):
            return found[0]
    return _END_OF_TEXT if text.rstrip().endswith(_END_OF_TEXT) else None


def tool_markup(text: str) -> str | None:
    """The first marker of a tool call that was left in a text."""
    return next((marker for marker in TOOL_MARKUP if marker in text), None)


def think_tag(text: str) -> str | None:
    """The tag of reasoning left in content: one that opens it, or a closing one that nothing opened before."""
    trimmed = text.lstrip()
    for name in THINK_TAGS:
        opening, closing = f"<{name}>", f"</{name}>"
        if trimmed.startswith(opening):
            return opening
        before, found, _ = text.partition(closing)
        if found and opening not in before:
            return closing
    return None
