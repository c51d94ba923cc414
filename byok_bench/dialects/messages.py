"""The Messages dialect: content blocks, streamed or in one message, → Output.

Blocks are known by `index`. Token counts of message_start and message_delta are running totals: later ones
replace earlier ones. A tool call carries the id of its tool_use block.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from byok_bench.dialects.answer import Facts, UsageSeen, is_cumulative
from byok_bench.dialects.base import Mark, OutputKind
from byok_bench.dialects.fragments import brief, text_of, whole
from byok_bench.dialects.output import Output, Usage
from byok_bench.dialects.tool_calls import Call
from byok_bench.dialects.typed import Assembled, TypedDialect, choice_of, output_calls
from byok_bench.dialects.typed_events import TypedEvent
from byok_bench.dialects.usage import count, count_of
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
OWN_REASONS: Final = (*STOP_REASONS, "pause_turn", "compaction")
"""All that there are: anthropics/anthropic-sdk-python src/anthropic/types/beta/beta_stop_reason.py."""
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

    def __init__(self, value: Mapping[str, Any], event: int | None = None) -> None:
        self.type = text_of(value, "type")
        self.event = event
        """The event that started it; None in a whole message."""
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
        """What was appended under a member; of a text whose pieces each repeat all before them, the last."""
        pieces = self.pieces.get(member, [])
        if member == "text" and self.is_cumulative:
            return whole(pieces[-1])
        return whole("".join(pieces))

    @property
    def is_cumulative(self) -> bool:
        """Whether each piece of its text repeated all the text before it."""
        return is_cumulative(self.pieces.get("text", []))

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
        self.usages: list[UsageSeen] = []
        self.facts = Facts()
        self.start: int | None = None
        """The event of message_start."""
        self.finish_event: int | None = None
        self.end: TypedEvent | None = None
        self._by_index: dict[object, Block] = {}

    def take(self, one: TypedEvent) -> None:
        """Merge one event; unknown types are ignored."""
        value = one.value
        if one.type == "message_start":
            self.start = one.event
            self._describe(value.get("message"), one.event)
        elif one.type == "message_delta":
            self._describe(value.get("delta"), one.event)
            self._count(value.get("usage"), one.event, apart=True)
        elif one.type == "message_stop":
            self.end = one
        elif one.type == "content_block_start":
            block = value.get("content_block")
            self._open(value.get("index"), block if isinstance(block, dict) else {}, one)
        elif one.type == "content_block_delta" and isinstance(value.get("delta"), dict):
            self._continue(value.get("index"), value["delta"], one)

    def _open(self, index: object, value: Mapping[str, Any], one: TypedEvent) -> Block:
        block = Block(value, one.event)
        note_block(value, one.event, self.facts)
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
        if member == "thinking" and text is not None and not isinstance(text, str):
            self.facts.note("reasoning_type", one.event, f"thinking is {brief(text)}")
        if not isinstance(text, str) or not text:
            return
        block = self._by_index.get(_key(index)) or self._open(index, {}, one)
        block.add(member, text)
        if kind is not None:
            self.marks.append((one.t_ns, kind, one.event))

    def _describe(self, value: object, event: int) -> None:
        if not isinstance(value, dict):
            return
        self.message.update((name, found) for name, found in value.items() if found is not None)
        if text_of(value, "stop_reason") and self.finish_event is None:
            self.finish_event = event
        self._count(value.get("usage"), event, apart=False)

    def _count(self, usage: object, event: int, *, apart: bool) -> None:
        """Running totals replace each other; a later 0 or null of the input says nothing."""
        if isinstance(usage, dict):
            self.usages.append(UsageSeen(usage, event, apart=apart))
        for name, value in usage.items() if isinstance(usage, dict) else ():
            if value is not None and (value != 0 or name == "output_tokens" or name not in self.usage):
                self.usage[name] = value


class MessagesDialect(TypedDialect):
    """POST /messages."""

    name = "messages"
    route = "/messages"
    event_prefixes = ("message_", "content_block_")
    terminator = "messages"

    def assemble(self, typed: Sequence[TypedEvent], head: RawHead | None) -> Assembled:
        """Blocks from events. With a stop_reason the answer is complete, even if message_stop is lost."""
        assembly = _Assembly()
        for one in typed:
            if assembly.end is None:
                assembly.take(one)
        blocks = assembly.blocks or _blocks_of(
            assembly.message.get("content"), assembly.start, assembly.facts
        )
        said = _assembled(blocks, assembly.message, assembly.usage, assembly.usages, assembly.facts)
        said.choice.finish_event = assembly.finish_event
        finished = assembly.end is not None or said.output.finish_reason is not None
        return msgspec.structs.replace(said, marks=assembly.marks, end=assembly.end, finished=finished)

    def is_answer(self, document: Mapping[str, Any]) -> bool:
        """Labelled as a message, or with what a message has."""
        return document.get("type") == "message" or "content" in document

    def holds_answer(self, document: Mapping[str, Any]) -> bool:
        """Whether there is content to read."""
        return isinstance(document.get("content"), list | str)

    def answer(self, document: Mapping[str, Any], request: Mapping[str, Any], head: RawHead) -> Assembled:
        """What a message object holds."""
        usage, facts = document.get("usage"), Facts()
        blocks = _blocks_of(document.get("content"), None, facts)
        counts = usage if isinstance(usage, dict) else {}
        usages = [UsageSeen(counts, None, apart=False)] if isinstance(usage, dict) else []
        said = _assembled(blocks, document, counts, usages, facts)
        said.choice.opened = isinstance(document.get("content"), list)
        return said


def _blocks_of(content: object, event: int | None, facts: Facts) -> list[Block]:
    """The blocks of a message object; a text in their place is one of its own."""
    blocks = []
    values = [{"type": "text", "text": content}] if isinstance(content, str) else content
    for value in values if isinstance(values, list) else []:
        if isinstance(value, dict):
            note_block(value, event, facts)
            blocks.append(Block(value, event))
    return blocks


def note_block(block: Mapping[str, Any], event: int | None, facts: Facts) -> None:
    """What is odd about a content block."""
    thinking = block.get("thinking")
    if thinking is not None and not isinstance(thinking, str):
        facts.note("reasoning_type", event, f"thinking is {brief(thinking)}")


def usage_of(usage: Mapping[str, Any]) -> Usage | None:
    """Token counts in chat's words: input read from or written to a cache is part of the prompt."""
    if not usage:
        return None
    fresh = count_of(usage, "input_tokens", "prompt_tokens")
    completion = count_of(usage, "output_tokens", "completion_tokens")
    cached = [count(usage.get(name)) for name in _CACHED]
    prompt = None if fresh is None else fresh + sum(part or 0 for part in cached)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=None if prompt is None or completion is None else prompt + completion,
        cached_tokens=cached[0],
    )


def _assembled(
    blocks: Sequence[Block],
    message: Mapping[str, Any],
    usage: Mapping[str, Any],
    usages: list[UsageSeen],
    facts: Facts,
) -> Assembled:
    """What blocks and the members of a message make."""
    reason = text_of(message, "stop_reason")
    calls = [
        Call.of(block.event, block.id, block.name, block.arguments)
        for block in blocks
        if block.type == "tool_use"
    ]
    output = Output(
        text="".join(block.text_of("text") for block in blocks),
        reasoning="".join(block.text_of("thinking") for block in blocks),
        tool_calls=output_calls(calls),
        finish_reason=STOP_REASONS.get(reason, reason) or None,
        usage=usage_of(usage),
        served_model=text_of(message, "model") or None,
    )
    choice = choice_of(output, calls, reason or None, None)
    choice.cumulative = any(block.is_cumulative for block in blocks)
    choice.has_other = any(block.type not in ("", "text", "thinking", "tool_use") for block in blocks)
    return Assembled(output=output, choice=choice, usages=usages, facts=facts)


def _key(index: object) -> object:
    """A block's index; anything that is no integer is one index of its own."""
    return index if type(index) is int else None


DIALECT: Final = MessagesDialect()
