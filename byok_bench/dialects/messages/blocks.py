"""Content blocks of a message, as they are begun by an event or stand in a whole message."""

import json
from collections.abc import Mapping
from typing import Any

from byok_bench.dialects.answer import Facts, is_cumulative_text
from byok_bench.dialects.fragments import join_surrogates, read_member_text, render_value


class ContentBlock:
    """One content block under construction."""

    def __init__(self, value: Mapping[str, Any], event: int | None = None) -> None:
        self.type = read_member_text(value, "type")
        self.event = event
        """The event that started it; None in a whole message."""
        self.id = read_member_text(value, "id") or None
        self.name = read_member_text(value, "name")
        self.input = value.get("input")
        self.pieces: dict[str, list[str]] = {}
        for member in ("text", "thinking"):
            self.add(member, value.get(member))

    def add(self, member: str, text: object) -> None:
        """Append to what the block holds under a member."""
        if isinstance(text, str) and text:
            self.pieces.setdefault(member, []).append(text)

    def join_pieces(self, member: str) -> str:
        """What was appended under a member; of a text whose pieces each repeat all before them, the last."""
        pieces = self.pieces.get(member, [])
        if member == "text" and self.is_cumulative:
            return join_surrogates(pieces[-1])
        return join_surrogates("".join(pieces))

    @property
    def is_cumulative(self) -> bool:
        """Whether each piece of its text repeated all the text before it."""
        return is_cumulative_text(self.pieces.get("text", []))

    @property
    def arguments(self) -> str:
        """Input of a call as JSON text: the streamed pieces, else what the block came with."""
        streamed = self.join_pieces("partial_json")
        if streamed or self.input in (None, {}, ""):
            return streamed or "{}"
        return join_surrogates(
            self.input if isinstance(self.input, str) else json.dumps(self.input, ensure_ascii=False)
        )


def read_content_blocks(content: object, event: int | None, facts: Facts) -> list[ContentBlock]:
    """The blocks of a message object; a text in their place is one of its own."""
    blocks = []
    values = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for value in values if isinstance(values, list) else []:
        if isinstance(value, dict):
            note_block(value, event, facts)
            blocks.append(ContentBlock(value, event))
    return blocks


def note_block(block: Mapping[str, Any], event: int | None, facts: Facts) -> None:
    """What is odd about a content block."""
    thinking = block.get("thinking")
    if thinking is not None and not isinstance(thinking, str):
        facts.note("reasoning_type", event, f"thinking is {render_value(thinking)}")
