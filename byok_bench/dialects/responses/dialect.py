"""The Responses dialect: typed events, or one response object, → Output.

What only a done event or the final response holds counts too. Tool calls carry `call_id`, the id to answer, not the
id of their item.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from byok_bench.dialects.answer import Facts
from byok_bench.dialects.fragments import read_member_text
from byok_bench.dialects.responses.assembly import ResponseAssembly
from byok_bench.dialects.responses.items import as_objects, note_item, read_response_items
from byok_bench.dialects.responses.output import (
    UNFINISHED_STATUSES,
    assemble_response,
    find_response_status,
    has_other_output,
    join_items,
    list_response_usages,
)
from byok_bench.dialects.typed_events.assembled_answer import AssembledAnswer
from byok_bench.dialects.typed_events.dialect import TypedDialect
from byok_bench.dialects.typed_events.events import TypedEvent
from byok_bench.wire.raw_exchange import RawHead


class ResponsesDialect(TypedDialect):
    """POST /responses."""

    name = "responses"
    route = "/responses"
    event_prefixes = ("response.",)
    terminator = "responses"

    def assemble_events(self, typed: Sequence[TypedEvent], head: RawHead | None) -> AssembledAnswer:
        """Items from events; the final response stands in for what no event brought."""
        assembly = ResponseAssembly()
        for one in typed:
            if assembly.end is None:
                assembly.take(one)
        end, response = assembly.end, assembly.response
        streamed = join_items(assembly.items)
        final = join_items(read_response_items(response, end.event)) if end is not None else streamed
        parts = {name: streamed[name] or final[name] for name in streamed}
        status = find_response_status(response, end.type.rpartition(".")[2]) if end is not None else ""
        said = assemble_response(parts, response, status, end.event if end is not None else None, head)
        said.choice.has_other = has_other_output(assembly.items)
        said.choice.is_cumulative = any(
            part.is_cumulative for item in assembly.items for part in item.parts.get("text", {}).values()
        )
        return msgspec.structs.replace(
            said,
            output=msgspec.structs.replace(said.output, served_model=assembly.model),
            usages=assembly.usages,
            facts=assembly.facts,
            marks=assembly.marks,
            end=end,
            is_finished=end is not None,
        )

    def is_answer(self, document: Mapping[str, Any]) -> bool:
        """Labelled as a response, or with what a response has."""
        return document.get("object") == "response" or "output" in document

    def has_answer(self, document: Mapping[str, Any]) -> bool:
        """Whether there are items to read."""
        return isinstance(document.get("output"), list)

    def assemble_document(
        self, document: Mapping[str, Any], request: Mapping[str, Any], head: RawHead
    ) -> AssembledAnswer:
        """What a response object holds. One that goes on is what was asked for with `background`."""
        facts = Facts()
        for value in as_objects(document.get("output")):
            note_item(value, None, facts)
        items = read_response_items(document, None)
        said = assemble_response(join_items(items), document, find_response_status(document, ""), None, head)
        said.choice.has_other = has_other_output(items)
        said.choice.is_opened = isinstance(document.get("output"), list)
        goes_on = read_member_text(document, "status") in UNFINISHED_STATUSES and request.get("background") is True
        return msgspec.structs.replace(
            said,
            usages=list_response_usages(document, None),
            facts=facts,
            failure=None if goes_on else said.failure,
        )


DIALECT: Final = ResponsesDialect()
