"""Faults of framing: how events stand in the body, and how the body ends."""

from functools import partial

from byok_bench.backends.simulator.faults.fault import enter_behaviour, fault
from byok_bench.backends.simulator.faults.reply_parts import (
    cut_midway,
    drop_events,
    get_delta,
    get_events,
    insert_event_after,
    insert_event_midway,
    list_choice_events,
    list_done_events,
    list_text_events,
)
from byok_bench.backends.simulator.reply import DONE, Event, encode_compact_json
from byok_bench.backends.simulator.visit import Visit

_LARGE = 70_000
"""Bytes of padding for an event above 64 KiB."""


@fault("stream.content-type", "streams are labelled text/plain", "stream")
def content_type(visit: Visit) -> None:
    visit.reply.headers["content-type"] = "text/plain; charset=utf-8"


@fault("stream.charset", "streams declare ISO 8859-1", "stream")
def charset(visit: Visit) -> None:
    visit.reply.headers["content-type"] = "text/event-stream; charset=iso-8859-1"


@fault("stream.content-encoding", "streams are gzipped", "stream")
def content_encoding(visit: Visit) -> None:
    visit.reply.is_gzipped = True


@fault("stream.done-terminator", "no [DONE] at the end", "stream")
def done_terminator(visit: Visit) -> None:
    drop_events(visit, list_done_events(visit))


@fault("stream.truncated", "the body ends in the middle of the answer", "stream")
def truncated(visit: Visit) -> None:
    cut_midway(visit)


@fault("stream.stall", "silence in the middle of the answer", "stream")
def stall(visit: Visit) -> None:
    cut_midway(visit)
    visit.reply.ending = "stall"


@fault("stream.empty", "nothing but [DONE]", "stream")
def empty(visit: Visit) -> None:
    visit.reply.events = [Event(DONE)]


@fault("stream.not-sse", "the stream is lines of JSON", "stream")
def not_sse(visit: Visit) -> None:
    visit.reply.events = [
        Event(raw=encode_compact_json(event.data) + b"\n", is_paced=event.is_paced)
        for event in get_events(visit)
        if isinstance(event.data, dict)
    ]


def disable_stream(visit: Visit) -> None:
    """Serve the request as if it did not ask for a stream."""
    if visit.body is not None:
        visit.body["stream"] = False


def insert_bytes(visit: Visit, raw: bytes) -> None:
    """Put bytes between the events: an Event of their own each time, since other faults change events in place."""
    insert_event_midway(visit, Event(raw=raw))


enter_behaviour("stream.ignored", "stream: true is ignored", "stream", before=disable_stream)


for _id, _about, _raw in (
    ("stream.json-parse", "a proxy's heartbeat comes as data", b"data: : PROCESSING\n\n"),
    ("stream.json-object", "data: null between the chunks", b"data: null\n\n"),
    ("stream.empty-data", "an empty data field as heartbeat", b"data: \n\n"),
    ("stream.dataless-event", "an event without data as heartbeat", b"event: ping\n\n"),
):
    fault(_id, _about, "stream")(partial(insert_bytes, raw=_raw))


@fault("stream.event-separator", "two events without a blank line between them", "stream")
def event_separator(visit: Visit) -> None:
    for event in list_text_events(visit)[:1] or list_choice_events(visit)[:1]:
        event.separator = b"\n"


@fault("stream.double-prefix", "a payload begins with data: again", "stream")
def double_prefix(visit: Visit) -> None:
    for event in list_choice_events(visit)[1:2]:
        event.raw = b"data: " + event.encode()


@fault("stream.after-done", "a chunk after [DONE]", "stream")
def after_done(visit: Visit) -> None:
    for end in list_done_events(visit):
        insert_event_after(visit, end, Event({"object": "chat.completion.chunk", "choices": []}))


@fault("stream.open-after-done", "the body never ends after its last event", "stream", route=None)
def open_after_done(visit: Visit) -> None:
    visit.reply.ending = "open"


@fault("stream.multiline-data", "chunks are pretty-printed over several data lines", "stream")
def multiline_data(visit: Visit) -> None:
    for event in list_choice_events(visit):
        event.raw = b"data: {\ndata: " + event.encode_payload()[1:-1] + b"\ndata: }\n\n"


@fault("stream.utf8", "a Latin-1 byte in the text", "stream")
def utf8(visit: Visit) -> None:
    for event in list_text_events(visit)[:1]:
        get_delta(event)["content"] += "caf#"
        event.raw = event.encode().replace(b"caf#", b"caf\xe9 ")


@fault("stream.bom", "the body begins with a BOM", "stream")
def bom(visit: Visit) -> None:
    for event in get_events(visit)[:1]:
        event.raw = b"\xef\xbb\xbf" + event.encode()


@fault("stream.line-endings", "lines end with CRLF", "stream")
def line_endings(visit: Visit) -> None:
    for event in get_events(visit):
        event.raw = event.encode().replace(b"\n", b"\r\n")


@fault("stream.event-name", "events are named", "stream")
def event_name(visit: Visit) -> None:
    for event in list_choice_events(visit):
        event.name = "chunk"


@fault("stream.large-event", "one event above 64 KiB", "stream")
def large_event(visit: Visit) -> None:
    for event in list_choice_events(visit)[1:2]:
        event.data["padding"] = "x" * _LARGE


@fault("stream.unterminated-event", "no blank line after the last event", "stream")
def unterminated_event(visit: Visit) -> None:
    for event in get_events(visit)[-1:]:
        event.raw = event.encode().rstrip(b"\r\n")


@fault("stream-cut", "the connection closes in the middle of the answer, without the last HTTP chunk", "stream")
def stream_cut(visit: Visit) -> None:
    cut_midway(visit)
    visit.reply.ending = "cut"


@fault("stream-reset", "the connection is reset in the middle of the answer", "stream")
def stream_reset(visit: Visit) -> None:
    cut_midway(visit)
    visit.reply.ending = "reset"
