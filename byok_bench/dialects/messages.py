"""The Messages dialect: content blocks, streamed or in one message, → Output.

Blocks are known by `index`. Token counts of message_start and message_delta are running totals: later ones
replace earlier ones. A tool call carries the id of its tool_use block.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from byok_bench.dialects.base import Mark, OutputKind
from byok_bench.dialects.fragments import text_of, whole
from byok_bench.dialects.output import Output, ToolCall, Usage
from byok_bench.dialects.typed import Assembled, TypedDialect, TypedEvent
from byok_bench.dialects.usage import count
from byok_bench.wire.raw import RawHead

STOP_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Why a message ended → chat's finish_reason; others pass through."""
DELTAS: Final[dict[str, tuple[str, OutputKind | None]]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "reasoning"),
    "input_json_delta": ("partial_json", "tool"),
    "signature_delta": ("signature", None),
}
"""Type of a delta → the member that holds its text, and what output it is."""
_CACHED: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")


class Block:
    """One content block under construction."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self.type = text_of(value, "type")
        self.id = text_of(value, "id") or None
        self.name = text_of(value, "name")
        self.input = value.get("input")
        self.pieces: dict[str, list[str]] = {}
        for member in ("text", "thinking"):
            self.add(member, value.get(member))

    def add(self, member: str, text: object) -> None:
        """Append to what the block holds under a member."""
        if isinstance(text, str) and text:
            self.pieces.setdefault(member, []).append(text)

    def text_of(self, member: str) -> str:
        """What was appended under a member."""
        return whole("".join(self.pieces.get(member, ())))

    @property
    def arguments(self) -> str:
        """Input of a call as JSON text: the streamed pieces, else what the block came with."""
        streamed = self.text_of("partial_json")
        if streamed or self.input in (None, {}, ""):
            return streamed or "{}"
        return whole(
            self.input if isinstance(self.input, str) else json.dumps(self.input, ensure_ascii=False)
        )


class _Assembly:
    """The blocks of one message, as its events come."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.marks: list[Mark] = []
        self.message: dict[str, Any] = {}
        self.usage: dict[str, Any] = {}
        self.end: TypedEvent | None = None
        self._by_index: dict[object, Block] = {}

    def take(self, one: TypedEvent) -> None:
        """Merge one event; unknown types are ignored."""
        value = one.value
        if one.type == "message_start":
            self._describe(value.get("message"))
        elif one.type == "message_delta":
            self._describe(value.get("delta"))
            self._count(value.get("usage"))
        elif one.type == "message_stop":
            self.end = one
        elif one.type == "content_block_start":
            block = value.get("content_block")
            self._open(value.get("index"), block if isinstance(block, dict) else {}, one)
        elif one.type == "content_block_delta" and isinstance(value.get("delta"), dict):
            self._continue(value.get("index"), value["delta"], one)

    def _open(self, index: object, value: Mapping[str, Any], one: TypedEvent) -> Block:
        block = Block(value)
        self.blocks.append(block)
        self._by_index[_key(index)] = block
        for member, kind in DELTAS.values():
            if kind is not None and block.pieces.get(member):
                self.marks.append((one.t_ns, kind, one.event))
        return block

    def _continue(self, index: object, delta: Mapping[str, Any], one: TypedEvent) -> None:
        """Add a delta to its block; one that was never opened is opened by it."""
        member, kind = DELTAS.get(text_of(delta, "type"), ("", None))
        text = delta.get(member)
        if not isinstance(text, str) or not text:
            return
        block = self._by_index.get(_key(index)) or self._open(index, {}, one)
        block.add(member, text)
        if kind is not None:
            self.marks.append((one.t_ns, kind, one.event))

    def _describe(self, value: object) -> None:
        if not isinstance(value, dict):
            return
        self.message.update((name, found) for name, found in value.items() if found is not None)
        self._count(value.get("usage"))

    def _count(self, usage: object) -> None:
        """Running totals replace each other; a later 0 or null of the input says nothing."""
        for name, value in usage.items() if isinstance(usage, dict) else ():
            if value is not None and (value != 0 or name == "output_tokens" or name not in self.usage):
                self.usage[name] = value


class MessagesDialect(TypedDialect):
    """POST /messages."""

    name = "messages"
    route = "/messages"
    document_member = ("type", "message")

    def assemble(self, typed: Sequence[TypedEvent], head: RawHead | None) -> Assembled:
        """Blocks from events. With a stop_reason the answer is complete, even if message_stop is lost."""
        assembly = _Assembly()
        for one in typed:
            if assembly.end is None:
                assembly.take(one)
        output = _output(assembly.blocks, assembly.message, assembly.usage)
        finished = assembly.end is not None or output.finish_reason is not None
        return Assembled(output=output, marks=assembly.marks, end=assembly.end, finished=finished)

    def answer(self, document: Mapping[str, Any]) -> Output:
        """Output of a message object."""
        content = document.get("content")
        blocks = (
            [Block(value) for value in content if isinstance(value, dict)]
            if isinstance(content, list)
            else []
        )
        usage = document.get("usage")
        return _output(blocks, document, usage if isinstance(usage, dict) else {})


def usage_of(usage: Mapping[str, Any]) -> Usage | None:
    """Token counts in chat's words: input read from or written to a cache is part of the prompt."""
    if not usage:
        return None
    fresh, completion = count(usage.get("input_tokens")), count(usage.get("output_tokens"))
    cached = [count(usage.get(name)) for name in _CACHED]
    prompt = None if fresh is None else fresh + sum(part or 0 for part in cached)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=None if prompt is None or completion is None else prompt + completion,
        cached_tokens=cached[0],
    )


def _output(blocks: Sequence[Block], message: Mapping[str, Any], usage: Mapping[str, Any]) -> Output:
    reason = text_of(message, "stop_reason")
    return Output(
        text="".join(block.text_of("text") for block in blocks),
        reasoning="".join(block.text_of("thinking") for block in blocks),
        tool_calls=tuple(
            ToolCall(id=block.id, name=block.name, arguments=block.arguments)
            for block in blocks
            if block.type == "tool_use"
        ),
        finish_reason=STOP_REASONS.get(reason, reason) or None,
        usage=usage_of(usage),
        served_model=text_of(message, "model") or None,
    )


def _key(index: object) -> object:
    """A block's index; anything that is no integer is one index of its own."""
    return index if type(index) is int else None


DIALECT: Final = MessagesDialect()
