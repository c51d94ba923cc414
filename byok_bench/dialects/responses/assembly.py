"""The items of a response, merged from the events of a stream.

They are known by their id, else by `output_index`; deltas are joined by item and part.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from byok_bench.dialects.answer import Facts, UsageObject
from byok_bench.dialects.dialect import Mark, OutputKind
from byok_bench.dialects.fragments import read_member_text
from byok_bench.dialects.responses.items import CANDIDATE_LIMIT, ResponseItem, note_item, read_item_texts
from byok_bench.dialects.responses.output import list_response_usages
from byok_bench.dialects.typed_events.events import TypedEvent

TERMINAL_TYPES: Final = ("response.completed", "response.incomplete", "response.failed")
PART_FAMILIES: Final = {
    "response.output_text": ("text", "content_index", "text"),
    "response.refusal": ("refusal", "content_index", "refusal"),
    "response.reasoning_text": ("reasoning", "content_index", "text"),
    "response.reasoning": ("reasoning", "content_index", "text"),
    "response.reasoning_summary_text": ("summary", "summary_index", "text"),
    "response.reasoning_summary": ("summary", "summary_index", "text"),
    "response.function_call_arguments": ("arguments", "", "arguments"),
    "response.custom_tool_call_input": ("arguments", "", "input"),
}
"""Family of delta and done events → kind of part, the member that numbers it, the member of its done event."""
_MARKS: Final[dict[str, OutputKind]] = {
    "text": "text",
    "refusal": "text",
    "reasoning": "reasoning",
    "summary": "reasoning",
    "arguments": "tool",
}


class ResponseAssembly:
    """The items of one response, as its events come."""

    def __init__(self) -> None:
        self.items: list[ResponseItem] = []
        self.marks: list[Mark] = []
        self.usages: list[UsageObject] = []
        self.facts = Facts()
        self.model: str | None = None
        self.response: Mapping[str, Any] = {}
        self.end: TypedEvent | None = None
        self._by_id: dict[str, ResponseItem] = {}
        self._by_index: dict[int, ResponseItem] = {}
        self._strays: list[ResponseItem] = []
        """Items that were begun by an event that is no item's own."""

    def take(self, one: TypedEvent) -> None:
        """Merge one event; unknown types are ignored."""
        family, _, step = one.type.rpartition(".")
        value = one.value
        if family in PART_FAMILIES and step in ("delta", "done"):
            kind, number, member = PART_FAMILIES[family]
            item = self._find_or_open_item(one.event, value.get("item_id"), value.get("output_index"), stray=True)
            if step == "done":
                self._claim_stray(item, kind, value.get(member))
                self._mark_output(
                    one, [kind] if item.take_final_text(kind, value.get(number), value.get(member)) else []
                )
                return
            delta = read_delta_text(value)
            if delta:
                item.add_delta(kind, value.get(number), delta)
                self._mark_output(one, [kind])
        elif family == "response.output_item" and isinstance(value.get("item"), dict):
            described, opens = value["item"], step == "added"
            item = self._find_or_open_item(one.event, described.get("id"), value.get("output_index"), opens=opens)
            note_item(described, one.event, self.facts)
            texts = {} if opens else read_item_texts(described, read_member_text(described, "type"))
            for kind, found in texts.items():
                self._claim_stray(item, kind, "".join(found.values()))
            self._mark_output(one, item.take_object(described))
        elif one.type in TERMINAL_TYPES or isinstance(value.get("response"), dict):
            self.response = value["response"] if isinstance(value.get("response"), dict) else {}
            self.model = self.model or read_member_text(self.response, "model") or None
            self.usages += list_response_usages(self.response, one.event)
            if one.type in TERMINAL_TYPES:
                self.end = one

    def _find_or_open_item(
        self, event: int, item_id: object, index: object, *, opens: bool = False, stray: bool = False
    ) -> ResponseItem:
        """The item that an event is about: by id, else by index, else the one that is open, else a new one."""
        known = self._by_id.get(item_id) if isinstance(item_id, str) else None
        if known is None and type(index) is int and not (opens and item_id and index in self._by_index):
            known = self._by_index.get(index)
        if known is None and not item_id and type(index) is not int and self.items:
            known = self.items[-1]
        if known is None:
            known = ResponseItem("", event)
            self.items.append(known)
            if stray and len(self._strays) < CANDIDATE_LIMIT:
                self._strays.append(known)
        if isinstance(item_id, str) and item_id:
            self._by_id[item_id] = known
        if type(index) is int:
            self._by_index[index] = known
        return known

    def _claim_stray(self, item: ResponseItem, kind: str, text: object) -> None:
        """Deltas that named no item, or one that never came, are those of the item that is told to have their
        text."""
        if not isinstance(text, str) or not text or item.parts.get(kind):
            return
        for stray in self._strays:
            if stray is not item and not stray.is_described and stray.has_same_text(kind, text):
                item.take_over(stray)
                self._strays.remove(stray)
                self.items.remove(stray)
                return

    def _mark_output(self, one: TypedEvent, kinds: Sequence[str]) -> None:
        for kind in dict.fromkeys(_MARKS[kind] for kind in kinds):
            self.marks.append((one.t_ns, kind, one.event))


def read_delta_text(event: Mapping[str, Any]) -> str:
    """The text that a delta event brings, as a string or as the text of an object; empty if it is neither."""
    delta = event.get("delta")
    text = delta.get("text") if isinstance(delta, dict) else delta
    return text if isinstance(text, str) else ""
