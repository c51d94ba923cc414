"""The Messages dialect: content blocks, streamed or in one message, → Output.

Blocks are known by `index`. Token counts of message_start and message_delta are running totals: later ones
replace earlier ones. A tool call carries the id of its tool_use block.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from byok_bench.dialects.answer import Facts, UsageObject, is_cumulative_text
from byok_bench.dialects.dialect import Mark, OutputKind
from byok_bench.dialects.fragments import join_surrogates, read_member_text, render_value
from byok_bench.dialects.output import Output, Usage
from byok_bench.dialects.token_counts import find_token_count, to_token_count
from byok_bench.dialects.tool_calls import Call
from byok_bench.dialects.typed_events.dialect import AssembledAnswer, TypedDialect, make_choice, to_tool_calls
from byok_bench.dialects.typed_events.events import TypedEvent
from byok_bench.wire.raw_exchange import RawHead

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
DELTA_MEMBERS: Final[dict[str, tuple[str, OutputKind | None]]] = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "reasoning"),
    "input_json_delta": ("partial_json", "tool"),
    "signature_delta": ("signature", None),
}
"""Type of a delta → the member that holds its text, and what output it is."""
_CACHED: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")


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


class MessagesDialect(TypedDialect):
    """POST /messages."""

    name = "messages"
    route = "/messages"
    event_prefixes = ("message_", "content_block_")
    terminator = "messages"

    def assemble_events(self, typed: Sequence[TypedEvent], head: RawHead | None) -> AssembledAnswer:
        """Blocks from events. With a stop_reason the answer is complete, even if message_stop is lost."""
        assembly = MessageAssembly()
        for one in typed:
            if assembly.end is None:
                assembly.take(one)
        blocks = assembly.blocks or read_content_blocks(
            assembly.message.get("content"), assembly.start, assembly.facts
        )
        said = assemble_message(blocks, assembly.message, assembly.usage, assembly.usages, assembly.facts)
        said.choice.finish_event = assembly.finish_event
        finished = assembly.end is not None or said.output.finish_reason is not None
        return msgspec.structs.replace(said, marks=assembly.marks, end=assembly.end, is_finished=finished)

    def is_answer(self, document: Mapping[str, Any]) -> bool:
        """Labelled as a message, or with what a message has."""
        return document.get("type") == "message" or "content" in document

    def has_answer(self, document: Mapping[str, Any]) -> bool:
        """Whether there is content to read."""
        return isinstance(document.get("content"), list | str)

    def assemble_document(
        self, document: Mapping[str, Any], request: Mapping[str, Any], head: RawHead
    ) -> AssembledAnswer:
        """What a message object holds."""
        usage, facts = document.get("usage"), Facts()
        blocks = read_content_blocks(document.get("content"), None, facts)
        counts = usage if isinstance(usage, dict) else {}
        usages = [UsageObject(counts, None, is_apart=False)] if isinstance(usage, dict) else []
        said = assemble_message(blocks, document, counts, usages, facts)
        said.choice.is_opened = isinstance(document.get("content"), list)
        return said


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


def read_message_usage(usage: Mapping[str, Any]) -> Usage | None:
    """Token counts in chat's words: input read from or written to a cache is part of the prompt."""
    if not usage:
        return None
    fresh = find_token_count(usage, "input_tokens", "prompt_tokens")
    completion = find_token_count(usage, "output_tokens", "completion_tokens")
    cached = [to_token_count(usage.get(name)) for name in _CACHED]
    prompt = None if fresh is None else fresh + sum(part or 0 for part in cached)
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=None if prompt is None or completion is None else prompt + completion,
        cached_tokens=cached[0],
    )


def assemble_message(
    blocks: Sequence[ContentBlock],
    message: Mapping[str, Any],
    usage: Mapping[str, Any],
    usages: list[UsageObject],
    facts: Facts,
) -> AssembledAnswer:
    """What blocks and the members of a message make."""
    reason = read_member_text(message, "stop_reason")
    calls = [
        Call.from_parts(block.event, block.id, block.name, block.arguments)
        for block in blocks
        if block.type == "tool_use"
    ]
    output = Output(
        text="".join(block.join_pieces("text") for block in blocks),
        reasoning="".join(block.join_pieces("thinking") for block in blocks),
        tool_calls=to_tool_calls(calls),
        finish_reason=STOP_REASONS.get(reason, reason) or None,
        usage=read_message_usage(usage),
        served_model=read_member_text(message, "model") or None,
    )
    choice = make_choice(output, calls, reason or None, None)
    choice.is_cumulative = any(block.is_cumulative for block in blocks)
    choice.has_other = any(block.type not in ("", "text", "thinking", "tool_use") for block in blocks)
    return AssembledAnswer(output=output, choice=choice, usages=usages, facts=facts)


def _to_block_index(index: object) -> object:
    """A block's index; anything that is no integer is one index of its own."""
    return index if type(index) is int else None


DIALECT: Final = MessagesDialect()
