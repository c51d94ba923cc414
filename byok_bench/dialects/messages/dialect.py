"""The Messages dialect: typed events, or one message object, → Output."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from byok_bench.dialects.answer import Facts, UsageObject
from byok_bench.dialects.messages.assembly import MessageAssembly
from byok_bench.dialects.messages.blocks import read_content_blocks
from byok_bench.dialects.messages.output import assemble_message
from byok_bench.dialects.typed_events.assembled_answer import AssembledAnswer
from byok_bench.dialects.typed_events.dialect import TypedDialect
from byok_bench.dialects.typed_events.events import TypedEvent
from byok_bench.wire.raw_exchange import RawHead


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
        blocks = assembly.blocks or read_content_blocks(assembly.message.get("content"), assembly.start, assembly.facts)
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


DIALECT: Final = MessagesDialect()
