"""Items of a response: what is known of one while its events come, and what its object holds.

How items make an answer is in dialect.py; what breaks a rule is decided in checks/.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from byok_bench.dialects.answer import Facts, is_cumulative_text
from byok_bench.dialects.fragments import join_surrogates, read_member_text, render_value

CALL_TYPES: Final = {"function_call": "arguments", "custom_tool_call": "input"}
"""Items that ask the client for a tool, and the member that holds what to call it with."""
CONTENT_KINDS: Final = {
    "output_text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning", "text"),
    "summary_text": ("summary", "text"),
}
CANDIDATE_LIMIT: Final = 64
"""Parts, or items, that a text told elsewhere is looked for among; a server that needs more has lost count."""


class ItemPart:
    """One text under construction: deltas, and what the server says it is in the end."""

    def __init__(self) -> None:
        self.deltas: list[str] = []
        self.units = 0
        """UTF-16 units of all deltas: however a character is cut, its units add up."""
        self.final = ""

    def add(self, delta: str) -> None:
        """Append a delta."""
        self.deltas.append(delta)
        self.units += _count_units(delta)

    def has_same_text(self, text: str) -> bool:
        """Whether the deltas, or without any the final text, make this text; joined only where it may be so."""
        if not self.deltas:
            return join_surrogates(self.final) == join_surrogates(text)
        fits = self.units == _count_units(text) or self.deltas[-1] == text
        return fits and self.text == join_surrogates(text)

    @property
    def text(self) -> str:
        """The joined deltas, or the last one where each repeats all before it; without any, the final text."""
        if self.is_cumulative:
            return join_surrogates(self.deltas[-1])
        return join_surrogates("".join(self.deltas)) if self.deltas else join_surrogates(self.final)

    @property
    def is_cumulative(self) -> bool:
        """Whether each delta repeated all the text before it."""
        return is_cumulative_text(self.deltas)


class ResponseItem:
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
        self.is_described = False
        """An object of it came."""
        self.parts: dict[str, dict[int, ItemPart]] = {}
        """Kind → number → part."""
        self._of_events: set[str] = set()
        """Kinds that events of their own told; the others are known from the object of the item alone."""
        self._units: dict[str, int] = {}
        """UTF-16 units of all deltas of a kind."""
        self._untold: dict[str, list[ItemPart]] = {}
        """Parts whose deltas no done event has told yet, by kind."""

    def add_delta(self, kind: str, index: object, delta: str) -> None:
        """Take a delta."""
        part = self._open_part(kind, index)
        if not part.deltas and not part.final and len(self._untold.setdefault(kind, [])) < CANDIDATE_LIMIT:
            self._untold[kind].append(part)
        part.add(delta)
        self._units[kind] = self._units.get(kind, 0) + _count_units(delta)

    def take_final_text(self, kind: str, index: object, text: object) -> bool:
        """Take the text of a done event; True if nothing was known of it before."""
        if not isinstance(text, str) or not text:
            return False
        known = self.parts.get(kind, {}).get(_to_part_number(index)) or self._find_moved_part(kind, text)
        part = known or self._open_part(kind, index)
        is_news = not part.deltas and not part.final
        part.final = text
        self._of_events.add(kind)
        return is_news

    def take_object(self, value: Mapping[str, Any]) -> list[str]:
        """Take what an item object says; the kinds of part that it brought for the first time."""
        self.is_described = True
        self.type = read_member_text(value, "type") or self.type
        self.name = read_member_text(value, "name") or self.name
        self.call_id = read_member_text(value, "call_id") or self.call_id
        news = []
        for kind, texts in read_item_texts(value, self.type).items():
            if kind in self._of_events:
                continue
            if kind not in self.parts:
                news.append(kind)
            self.parts[kind] = {}
            for number, text in texts.items():
                self.parts[kind][number] = ItemPart()
                self.parts[kind][number].final = text
        return news

    def has_same_text(self, kind: str, text: str) -> bool:
        """Whether the deltas of a kind make this text; joined only where it may be so."""
        return self._units.get(kind, 0) == _count_units(text) and self.join_parts(kind) == join_surrogates(text)

    def take_over(self, other: "ResponseItem") -> None:
        """Take the parts that came for an item nobody opened."""
        for kind, parts in other.parts.items():
            self.parts.setdefault(kind, parts)
            self._of_events.add(kind)

    def join_parts(self, kind: str) -> str:
        """All parts of a kind in the order of their numbers."""
        return "".join(part.text for _, part in sorted(self.parts.get(kind, {}).items()))

    def _open_part(self, kind: str, index: object) -> ItemPart:
        if kind not in self._of_events:
            self._of_events.add(kind)
            self.parts.pop(kind, None)
        return self.parts.setdefault(kind, {}).setdefault(_to_part_number(index), ItemPart())

    def _find_moved_part(self, kind: str, text: str) -> ItemPart | None:
        """The part of other numbers whose deltas make a text that no done event has told yet."""
        untold = (part for part in self._untold.get(kind, ()) if not part.final)
        return next((part for part in untold if part.has_same_text(text)), None)


def read_item_texts(value: Mapping[str, Any], type: str) -> dict[str, dict[int, str]]:
    """The texts that an item object holds: kind → number → text."""
    found: dict[str, dict[int, str]] = {}
    call = to_arguments_text(value.get(CALL_TYPES[type])) if type in CALL_TYPES else None
    if isinstance(call, str) and call:
        found["arguments"] = {0: call}
    content = value.get("content")
    if isinstance(content, str) and content and type == "message":
        found["text"] = {0: content}
    for parts in (content, value.get("summary")):
        for number, part in enumerate(parts if isinstance(parts, list) else []):
            kind, member = CONTENT_KINDS.get(read_member_text(part, "type"), ("", ""))
            if kind and isinstance(part.get(member), str) and part[member]:
                found.setdefault(kind, {})[number] = part[member]
    return found


def _count_units(text: str) -> int:
    """UTF-16 units of a text."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _to_part_number(index: object) -> int:
    return index if type(index) is int else 0


def to_arguments_text(value: object) -> object:
    """What to call a tool with, as text: a JSON value of another type is written as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def note_item(item: Mapping[str, Any], event: int | None, facts: Facts) -> None:
    """What is odd about an item object."""
    given = item.get(CALL_TYPES.get(read_member_text(item, "type"), ""))
    if given is not None and not isinstance(given, str):
        facts.note("arguments_not_text", event)
    for name, parts in (("content", item.get("content")), ("summary", item.get("summary"))):
        for part in as_objects(parts) if read_member_text(item, "type") == "reasoning" else ():
            text = part.get("text")
            if text is not None and not isinstance(text, str):
                facts.note("reasoning_type", event, f"text of {name} is {render_value(text)}")


def read_response_items(response: Mapping[str, Any], event: int | None) -> list[ResponseItem]:
    """The items that a response object holds."""
    items = []
    for value in as_objects(response.get("output")):
        items.append(ResponseItem("", event))
        items[-1].take_object(value)
    return items


def as_objects(values: object) -> list[dict[str, Any]]:
    """The objects of an array; none if it is no array."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
