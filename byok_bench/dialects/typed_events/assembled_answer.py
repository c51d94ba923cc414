"""What a typed dialect makes of the events of a stream, or of a document."""

from collections.abc import Sequence

import msgspec

from byok_bench.dialects.answer import Choice, Facts, UsageObject
from byok_bench.dialects.dialect import Mark
from byok_bench.dialects.output import Output, ToolCall
from byok_bench.dialects.tool_calls import Call
from byok_bench.dialects.typed_events.events import TypedEvent
from byok_bench.wire.failures import Failure


class AssembledAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a dialect makes of the events of a stream, or of a document."""

    output: Output
    choice: Choice
    """The same for the rules: sealed, with the places where its parts came."""
    usages: list[UsageObject]
    facts: Facts
    """What was odd about what was said, by name."""
    marks: list[Mark] = []
    end: TypedEvent | None = None
    """The event that ended the answer."""
    is_finished: bool = False
    failure: Failure | None = None
    """A failure that the terminal event reports."""


def to_tool_calls(calls: Sequence[Call]) -> tuple[ToolCall, ...]:
    """Calls as an output has them."""
    return tuple(ToolCall(id=call.id, name=call.name, arguments=call.arguments) for call in calls)


def make_choice(output: Output, calls: Sequence[Call], own_reason: str | None, finish_event: int | None) -> Choice:
    """The one choice of an answer, for the rules."""
    choice = Choice(
        index=0,
        event=None,
        texts=[output.text] if output.text else [],
        reasonings=[output.reasoning] if output.reasoning else [],
        refusals=[output.refusal] if output.refusal else [],
        is_opened=True,
        finish_reason=output.finish_reason,
        own_reason=own_reason,
        finish_event=finish_event,
    )
    choice.tools.calls.extend(calls)
    choice.assemble_texts()
    return choice
