"""Rules about streams of the Responses API: how they end, numbers, names of events. Items are in responses_items.py."""

from collections.abc import Iterator
from typing import Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.rules.typed_answers import find_typed_stream, is_filled, list_typed_events
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.responses.assembly import TERMINAL_TYPES
from byok_bench.dialects.typed_events.events import TypedEvent

_ENDS: Final = (*TERMINAL_TYPES, "error")


@check("responses.terminal-event", ERROR, applies_to="responses", streams_only=True)
def terminal_event(seen: SeenExchange) -> Iterator[Hit]:
    """End with completed, incomplete or failed.

    Rule: the last event of a stream, and no other, is response.completed, response.incomplete or
    response.failed (or error). It needs no [DONE], and one that comes is no fault; an error may come before
    response.failed.
    Why: Codex gives up with "stream closed before response.completed" and asks again.
    Seen in: Wei-Shaw/sub2api#2245; router-for-me/CLIProxyAPI#5028
    """
    stream = find_typed_stream(seen)
    if stream is None or stream.unframed_error_at is not None:
        return
    ends = [one for one in stream.typed if is_end(one)]
    if not ends and stream.closing == "cancelled":
        return
    if not ends:
        yield Hit("the stream has no terminal event", event=stream.typed[-1].event)
        return
    if len(ends) > 1 and not (len(ends) == 2 and _is_error(ends[0]) and ends[1].type == "response.failed"):
        yield Hit(f"{ends[1].type} follows {ends[0].type or 'error'}", event=ends[1].event)
    after = next((one for one in stream.typed if one.event > ends[-1].event), None)
    if after is not None:
        yield Hit(f"{after.type or 'an event'} follows {ends[-1].type or 'error'}", event=after.event)


@check("responses.sequence", WARN, applies_to="responses", streams_only=True)
def sequence(seen: SeenExchange) -> Iterator[Hit]:
    """Count sequence_number up.

    Rule: sequence_number of each event is an integer, and greater than the one before.
    Why: logic that resumes or reorders a stream breaks.
    Seen in: https://developers.openai.com/api/reference/resources/beta/subresources/responses/streaming-events
    """
    last: int | None = None
    for one in list_typed_events(seen):
        number = one.value.get("sequence_number")
        if type(number) is not int:
            yield Hit(f"sequence_number of {one.type or 'an event'} is {str(number)[:40]}", event=one.event)
            continue
        if last is not None and number <= last:
            yield Hit(f"sequence_number {number} follows {last}", event=one.event)
        last = number


@check("responses.event-match", WARN, applies_to="responses", streams_only=True)
def event_match(seen: SeenExchange) -> Iterator[Hit]:
    """Name SSE events like data.type.

    Rule: data.type is always there, and the event field is there, too, and equal to it.
    Why: routers of events drop the data.
    Seen in: https://hexdocs.pm/open_responses/streaming.html
    """
    for one in list_typed_events(seen):
        told = one.value.get("type")
        if not is_filled(told):
            yield Hit(f"the data of event {one.name or '(unnamed)'} has no type", event=one.event)
        elif not one.name:
            yield Hit(f"data of type {render_value(told)} comes without an event field", event=one.event)
        elif one.name != told:
            yield Hit(
                f"the event is named {render_value(one.name)}, and its data has type {render_value(told)}",
                event=one.event,
            )


def _is_error(one: TypedEvent) -> bool:
    return one.type not in TERMINAL_TYPES


def is_end(one: TypedEvent) -> bool:
    """Whether an event ends the stream: a terminal one, or an error."""
    return one.type in _ENDS or one.name == "error" or bool(one.value.get("error"))
