"""A chat stream, from its bytes to how it closed: what ended it, and whether that is a failure.

[DONE] and an error reported in the stream end it, whatever the transport does later. Before them a clean end
and a lost connection are failures only if a choice was left unfinished. An error within a choice does not end
the reading, since other choices and the counts may follow; it is the failure of the answer all the same.
"""

from typing import Any

from byok_bench.dialects.answer import ChatReading, Closing, has_finished_choices
from byok_bench.dialects.body import Body
from byok_bench.dialects.chat.assembly import ChatAssembly, classify_choice_error, classify_missing_answer
from byok_bench.dialects.chat.events import ChatEventReader
from byok_bench.dialects.chat.output import make_chat_output
from byok_bench.dialects.chat.request import ChatRequest
from byok_bench.dialects.failures.classification import classify_error_object
from byok_bench.dialects.failures.missing_answers import (
    classify_cut_body,
    classify_silent_stream,
    classify_unusable_body,
    is_cut_by_us,
)
from byok_bench.dialects.failures.unframed_errors import find_unframed_error
from byok_bench.wire.bodies.event_payload import SENTINEL
from byok_bench.wire.bodies.sse import (
    Event,
    EventStream,
    StrayLine,
    find_invalid_utf8,
    iterate_invalid_utf8_events,
    read_event_stream,
)
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.raw_exchange import RawExchange, RawHead


def read_chat_stream(raw: RawExchange, head: RawHead, body: Body, asked: ChatRequest) -> ChatReading:
    """Read an answer to stream: true that is no single document."""
    clean = raw.has_clean_end
    stream = read_event_stream(body.chunks, body=body.data, clean=clean)
    has_bad_utf8 = find_invalid_utf8(body.data, clean=clean) is not None
    foreign = _find_foreign_replacements(stream, body) if has_bad_utf8 else frozenset()
    assembly = ChatAssembly(asked.n, foreign, wants_json=asked.wants_json)
    reader = ChatEventReader(assembly)
    events = reader.read_events(stream.events, stream.pending)
    read_until = _find_end_offset(reader, events)
    strays = [stray for stray in stream.strays if stray.offset < read_until]
    unframed = find_unframed_error(strays, body.media_type)
    if unframed is None and not stream.has_data and stream.strays:
        return _read_eventless_body(raw, head, body)
    for choice in assembly.choices.values():
        choice.assemble_texts()
    reading = ChatReading(
        body=body,
        shape="stream",
        output=make_chat_output(assembly),
        events=events,
        marks=assembly.marks,
        choices=list(assembly.choices.values()),
        usages=assembly.usages,
        facts=assembly.facts,
        is_finished=has_finished_choices(assembly.choices.values()),
        stream=stream,
        object_count=reader.chunks,
        done_event=reader.done_event,
        read_until=read_until,
    )
    if has_bad_utf8:
        reading.bad_utf8_at = find_invalid_utf8(body.data[: _count_judged_bytes(reader, events, body)], clean=clean)
    _conclude_stream(reading, raw, head, reader, unframed)
    return reading


def _read_eventless_body(raw: RawExchange, head: RawHead, body: Body) -> ChatReading:
    """A body with lines, none of which is data. One that this side cut is not judged for it."""
    if is_cut_by_us(raw, body):
        return ChatReading(body=body, shape="unreadable", failure=classify_cut_body(raw))
    why = classify_unusable_body(head, body, "the body is not a stream of events: no line is a data field")
    return ChatReading(body=body, shape="not-sse", failure=why)


def _find_foreign_replacements(stream: EventStream, body: Body) -> frozenset[int]:
    """Events whose U+FFFD stand for bad UTF-8 alone."""
    events = stream.events if stream.pending is None else [*stream.events, stream.pending]
    return frozenset(index for index, own in iterate_invalid_utf8_events(body.data, events) if not own)


def _find_end_offset(reader: ChatEventReader, events: list[Event]) -> float:
    """Where the event begins that ended the reading."""
    last = reader.done_event if reader.done_event is not None else reader.error_event
    return float("inf") if last is None else events[last].offset


def _count_judged_bytes(reader: ChatEventReader, events: list[Event], body: Body) -> int:
    """Bytes up to the end of the sentinel; all of them if there was none."""
    if reader.done_event is None:
        return len(body.data)
    start = events[reader.done_event].offset
    return body.data.index(SENTINEL.encode(), start) + len(SENTINEL)


def _conclude_stream(
    reading: ChatReading,
    raw: RawExchange,
    head: RawHead,
    reader: ChatEventReader,
    unframed: tuple[StrayLine, Any] | None,
) -> None:
    """Say how the stream was over, and why that is a failure if it is one."""
    in_choice = reader.assembly.error
    if unframed is not None:
        reading.unframed_error_at = unframed[0].offset
        reading.closing, reading.failure = "error", classify_error_object(unframed[1], head=head)
    elif reader.error_event is not None and (in_choice is None or in_choice.value is None):
        reading.facts.note("error_event", reader.error_event)
        reading.closing, reading.failure = "error", classify_error_object(reader.error, head=head)
    elif in_choice is not None:
        reading.facts.note("error_event", in_choice.event)
        reading.closing, reading.failure = "error", classify_choice_error(in_choice, head, "stream")
    elif reader.done_event is not None:
        reading.closing = "done"
        reading.failure = _classify_sentinel_end(reading, head)
    else:
        reading.closing = _find_closing(raw, reading)
        reading.failure = _classify_body_end(reading, raw, head)
    if reader.done_event is not None:
        reading.done_ns = reading.events[reader.done_event].t_ns


def _find_closing(raw: RawExchange, reading: ChatReading) -> Closing:
    over = reading.body.over_limit or (reading.stream is not None and reading.stream.over_limit is not None)
    if over:
        return "limit"
    return "eof" if raw.end == "done" else raw.end


def _classify_sentinel_end(reading: ChatReading, head: RawHead) -> Failure | None:
    """Why a stream that was closed by [DONE] is a failure: there is no answer in it."""
    if not reading.choices:
        return _classify_silence(reading, head)
    return classify_missing_answer(reading.choices, "stream")


def _classify_body_end(reading: ChatReading, raw: RawExchange, head: RawHead) -> Failure | None:
    """Why a body that ended before [DONE] and without an error is a failure; None if nothing was lost."""
    if reading.closing == "limit":
        return raw.failure or make_failure("protocol", "stream", "the stream is larger than it may be")
    if reading.closing == "cancelled":
        return None
    if reading.is_finished:
        return classify_missing_answer(reading.choices, "stream")
    if reading.closing == "stall":
        return raw.failure or make_failure("timeout", "stream", "no byte came within the idle limit")
    if reading.is_empty or (reading.closing == "eof" and not reading.choices):
        return _classify_silence(reading, head)
    if reading.closing == "reset":
        return raw.failure or make_failure("network", "stream", "the connection was lost in the middle of the answer")
    return make_failure("protocol", "stream", "the stream ended in the middle of the answer")


def _classify_silence(reading: ChatReading, head: RawHead) -> Failure:
    """A stream without an answer; what the server said in place of one is kept."""
    what = "the stream ended without one " + ("chunk" if reading.is_empty else "choice")
    return classify_silent_stream(reading.events, head=head, what=what)
