"""The blocks of a message, merged from the events of a stream.

They are known by `index`. Token counts of message_start and message_delta are running totals: later ones replace
earlier ones.
"""

from collections.abc import Mapping
from typing import Any, Final

from byok_bench.dialects.answer import Facts, UsageObject
from byok_bench.dialects.dialect import Mark, OutputKind
from byok_bench.dialects.fragments import read_member_text, render_value
from byok_bench.dialects.messages.blocks import ContentBlock, note_block
from byok_bench.dialects.typed_events.events import TypedEvent

DELTA_MEMBERS: Final[dict[str, tuple[str, OutputKind | None]]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "reasoning"),
    "input_json_delta": ("partial_json", "tool"),
    "signature_delta": ("signature", None),
}
"""Type of a delta → the member that holds its text, and what output it is."""


class MessageAssembly:
    """The blocks of one message, as its events come."""

    def __init__(self) -> None:
        self.blocks: list[ContentBlock] = []
        self.marks: list[Mark] = []
        self.message: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.usages: list[UsageObject] = []
        self.facts = Facts()
        self.start: int | None = None
        """The event of message_start."""
        self.finish_event: int | None = None
        self.end: TypedEvent | None = None
        self._by_index: dict[object, ContentBlock] = {}

    def take(self, one: TypedEvent) -> None:
        """Merge one event; unknown types are ignored."""
        value = one.value
        if one.type == "message_start":
            self.start = one.event
            self._take_message(value.get("message"), one.event)
        elif one.type == "message_delta":
            self._take_message(value.get("delta"), one.event)
            self._take_usage(value.get("usage"), one.event, apart=True)
        elif one.type == "message_stop":
            self.end = one
        elif one.type == "content_block_start":
            block = value.get("content_block")
            self._open_block(value.get("index"), block if isinstance(block, dict) else {}, one)
        elif one.type == "content_block_delta" and isinstance(value.get("delta"), dict):
            self._add_delta(value.get("index"), value["delta"], one)

    def _open_block(self, index: object, value: Mapping[str, Any], one: TypedEvent) -> ContentBlock:
        block = ContentBlock(value, one.event)
        note_block(value, one.event, self.facts)
        self.blocks.append(block)
        self._by_index[_to_block_index(index)] = block
        for member, kind in DELTA_MEMBERS.values():
            if kind is not None and block.pieces.get(member):
                self.marks.append((one.t_ns, kind, one.event))
        return block

    def _add_delta(self, index: object, delta: Mapping[str, Any], one: TypedEvent) -> None:
        """Add a delta to its block; one that was never opened is opened by it."""
        member, kind = DELTA_MEMBERS.get(read_member_text(delta, "type"), ("", None))
        text = delta.get(member)
        if member == "thinking" and text is not None and not isinstance(text, str):
            self.facts.note("reasoning_type", one.event, f"thinking is {render_value(text)}")
        if not isinstance(text, str) or not text:
            return
        block = self._by_index.get(_to_block_index(index)) or self._open_block(index, {}, one)
        block.add(member, text)
        if kind is not None:
            self.marks.append((one.t_ns, kind, one.event))

    def _take_message(self, value: object, event: int) -> None:
        if not isinstance(value, dict):
            return
        self.message.update((name, found) for name, found in value.items() if found is not None)
        if read_member_text(value, "stop_reason") and self.finish_event is None:
            self.finish_event = event
        self._take_usage(value.get("usage"), event, apart=False)

    def _take_usage(self, usage: object, event: int, *, apart: bool) -> None:
        """Running totals replace each other; a later 0 or null of the input says nothing."""
        if isinstance(usage, dict):
            self.usages.append(UsageObject(usage, event, is_apart=apart))
        for name, value in usage.items() if isinstance(usage, dict) else ():
            if value is not None and (value != 0 or name == "output_tokens" or name not in self.usage):
                self.usage[name] = value


def _to_block_index(index: object) -> object:
    """A block's index; anything that is no integer is one index of its own."""
    return index if type(index) is int else None
