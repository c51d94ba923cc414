"""What rules look for in assembled text: control tokens, leaked tool calls, think tags (the forms: markers.toml).

A marker inside a fenced block, in code marks or in quotes is talk about markup, and no markup.
"""

import re
from functools import cache
from typing import Final

from byok_bench.checks.markers import load_call_forms, load_markers, load_token_forms

_WIDE_TOKEN: Final = re.compile(r"<｜[^｜\n]{1,80}｜>")
"""Tokens of DeepSeek's templates: they are known by their fullwidth bars."""
_WIDE_TOOL_TOKEN: Final = "<｜tool"
_END_OF_TEXT: Final = "</s>"
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_QUOTED: Final = re.compile(
    r"(?<!`)(?P<ticks>`{1,3})(?!`)[^`\n]{1,400}(?P=ticks)(?!`)"
    r"|(?<![\w\"])\"[^\"\n]{1,400}\"(?!\w)"
    r"|(?<![\w'])'[^'\n]{1,400}'(?!\w)"
    r"|“[^“”\n]{1,400}”|‘[^‘’\n]{1,400}’|«[^«»\n]{1,400}»|「[^「」\n]{1,400}」|『[^『』\n]{1,400}』"
)


def find_control_token(text: str, *, leaked: str | None = None) -> str | None:
    """The first control token in a text. `leaked`: a marker of a call in it, whose family's own do not count."""
    pattern, families = load_token_forms()
    family = load_call_forms()[1].get(leaked) if leaked is not None else None
    if pattern.search(text) or _WIDE_TOKEN.search(text):
        said = mask_talk(text)
        found = [one for one in pattern.finditer(said) if families[one[0]] != family]
        found += [
            one for one in _WIDE_TOKEN.finditer(said) if leaked is None or not one[0].startswith(_WIDE_TOOL_TOKEN)
        ]
        if found:
            return min(found, key=lambda one: one.start())[0]
    return _END_OF_TEXT if text.rstrip().endswith(_END_OF_TEXT) else None


def find_tool_markup(text: str) -> str | None:
    """The first marker of a tool call that was left in a text."""
    pattern, _ = load_call_forms()
    found = pattern.search(text) and pattern.search(mask_talk(text))
    return found[0] if found else None


def find_think_tag(text: str) -> str | None:
    """The tag of reasoning left in content: one that opens it, or a closing one that nothing opened before."""
    if not any(form in text for form in _list_think_forms()):
        return None
    trimmed = text.lstrip()
    for one in load_markers().think:
        opening = next((form for form in one.open if trimmed.startswith(form)), None)
        if opening is not None:
            return opening
        for closing in one.close:
            before, found, _ = text.partition(closing)
            if found and not any(form in before for form in one.open) and closing in mask_talk(text):
                return closing
    return None


@cache
def _list_think_forms() -> tuple[str, ...]:
    return tuple(form for one in load_markers().think for form in (*one.open, *one.close))


def mask_talk(text: str) -> str:
    """A text with blanks for what stands in fenced blocks, in code marks and in quotes."""
    lines, fence = [], ""
    for line in text.split("\n"):
        mark = _FENCE.match(line)
        if fence:
            closes = mark is not None and mark[1].startswith(fence) and not line[mark.end() :].strip()
            fence = "" if closes else fence
            lines.append(" " * len(line))
        elif mark is not None:
            fence = mark[1]
            lines.append(" " * len(line))
        else:
            lines.append(_QUOTED.sub(lambda found: " " * len(found[0]), line))
    return "\n".join(lines)
