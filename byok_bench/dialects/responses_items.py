"""Items of a response: what is known of one while its events come, and what its object holds.

How items make an answer is in responses.py; what breaks a rule is decided in checks/.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from byok_bench.dialects.answer import Facts, is_cumulative
from byok_bench.dialects.fragments import brief, text_of, whole

CALL_TYPES: Final = {"function_call": "arguments", "custom_tool_call": "input"}
"""Items that ask the client for a tool, and the member that holds what to call it with."""
CONTENT_KINDS: Final = {
    "output_text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning", "text"),
    "summary_text": ("summary", "text"),
}


class Part:
    """One text under construction: deltas, and what the server says it is in the end."""

    def __init__(self) -> None:
        self.deltas: list[str] = []
        self.final = ""
        self.of_item = False
        """Nothing but the object of the item told it so far."""

    @property
    def text(self) -> str:
        """The joined deltas, or the last one where each repeats all before it; without any, the final text."""
        if self.is_cumulative:
            return whole(self.deltas[-1])
        return whole("".join(self.deltas)) if self.deltas else whole(self.final)

    @property
    def is_cumulative(self) -> bool:
        """Whether each delta repeated all the text before it."""
        return is_cumulative(self.deltas)


class Item:
    """One output item under construction.

    The same text comes up to three times: in deltas, in a done event and in the finished item, sometimes under
    other numbers (vllm-project/vllm#35184). What was told once is not added again.
    """

    def __init__(self, type: str, event: int | None = None) -> None:
        self.type = type
        self.event = event
        """The event that opened it; None if it is of a response object."""
        self.call_id: str | None = None
        self.name = ""
        self.parts: dict[tuple[str, int], Part] = {}
        self.described = False
        """An object of it came."""

    def add(self, kind: str, index: object, delta: str) -> None:
        """Take a delta."""
        self.parts.setdefault((kind, _number(index)), Part()).deltas.append(delta)

    def text_of(self, kind: str) -> str:
        """All parts of a kind in the order of their numbers."""
        return "".join(part.text for (own, _), part in sorted(self.parts.items()) if own == kind)

    def describe(self, value: Mapping[str, Any]) -> list[str]:
        """Take what an item object says; the kinds of part that it brought for the first time."""
        self.described = True
        self.type = text_of(value, "type") or self.type
        self.name = text_of(value, "name") or self.name
        self.call_id = text_of(value, "call_id") or self.call_id
        news = []
        for kind, texts in texts_of_item(value, self.type).items():
            known = {at: part for at, part in self.parts.items() if at[0] == kind}
            if not all(part.of_item for part in known.values()):
                continue
            if not known:
                news.append(kind)
            for at in known:
                del self.parts[at]
            for number, text in texts.items():
                part = self.parts.setdefault((kind, number), Part())
                part.final, part.of_item = text, True
        return news

    def finish(self, kind: str, index: object, text: object) -> bool:
        """Take the text of a done event; True if nothing was known of it before."""
        if not isinstance(text, str) or not text:
            return False
        part = self.parts.get((kind, _number(index))) or self._moved(kind, text)
        if part is None:
            part = self.parts[kind, _number(index)] = Part()
        is_news = not part.deltas and not part.final
        part.final, part.of_item = text, False
        return is_news

    def _moved(self, kind: str, text: str) -> Part | None:
        """The part of other numbers whose deltas make a text that no done event has told yet."""
        told = (part for (own, _), part in self.parts.items() if own == kind and not part.final)
        return next((part for part in told if part.text == whole(text)), None)

    def take_over(self, other: "Item") -> None:
        """Take the parts that came for an item nobody opened."""
        for at, part in other.parts.items():
            self.parts.setdefault(at, part)


def texts_of_item(value: Mapping[str, Any], type: str) -> dict[str, dict[int, str]]:
    """The texts that an item object holds: kind → number → text."""
    found: dict[str, dict[int, str]] = {}
    call = text_of_arguments(value.get(CALL_TYPES[type])) if type in CALL_TYPES else None
    if isinstance(call, str) and call:
        found["arguments"] = {0: call}
    content = value.get("content")
    if isinstance(content, str) and content and type == "message":
        found["text"] = {0: content}
    for parts in (content, value.get("summary")):
        for number, part in enumerate(parts if isinstance(parts, list) else []):
            kind, member = CONTENT_KINDS.get(text_of(part, "type"), ("", ""))
            if kind and isinstance(part.get(member), str) and part[member]:
                found.setdefault(kind, {})[number] = part[member]
    return found


def _number(index: object) -> int:
    return index if type(index) is int else 0


def text_of_arguments(value: object) -> object:
    """What to call a tool with, as text: a JSON value of another type is written as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def note_item(item: Mapping[str, Any], event: int | None, facts: Facts) -> None:
    """What is odd about an item object."""
    given = item.get(CALL_TYPES.get(text_of(item, "type"), ""))
    if given is not None and not isinstance(given, str):
        facts.note("arguments_not_text", event)
    for name, parts in (("content", item.get("content")), ("summary", item.get("summary"))):
        for part in objects_of(parts) if text_of(item, "type") == "reasoning" else ():
            text = part.get("text")
            if text is not None and not isinstance(text, str):
                facts.note("reasoning_type", event, f"text of {name} is {brief(text)}")


def items_of(response: Mapping[str, Any], event: int | None) -> list[Item]:
    """The items that a response object holds."""
    items = []
    for value in objects_of(response.get("output")):
        items.append(Item("", event))
        items[-1].describe(value)
    return items


def objects_of(values: object) -> list[dict[str, Any]]:
    """The objects of an array; none if it is no array."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
