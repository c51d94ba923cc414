"""The events of a stream of typed objects: what each holds, and what was odd about their framing.

What an event means is in responses/ and messages/.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from byok_bench.dialects.answer import AnswerReading
from byok_bench.dialects.failures.envelopes import find_envelope_error
from byok_bench.dialects.failures.error_body import is_error_event
from byok_bench.dialects.fragments import render_value
from byok_bench.wire.bodies.event_payload import LARGE_EVENT, Payload, PayloadItem, read_payload
from byok_bench.wire.bodies.sse import Event, EventStream

Identity = float | str | None
"""By what items and blocks are told apart."""


class TypedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One JSON object of a stream."""

    event: int
    """Index into the events of the reading."""
    t_ns: int
    name: str
    """The event field; empty if there was none."""
    value: dict[str, Any]

    @property
    def type(self) -> str:
        """The `type` member; where it is none, the name of the event, by which Anthropic's SDKs go."""
        found = self.value.get("type")
        return found if isinstance(found, str) and found else self.name

    def read_identity(self, member: str) -> Identity:
        """What a member says that tells things apart: its number; for anything else, how it reads."""
        value = self.value.get(member)
        return value if value is None or isinstance(value, int | float) else render_value(value)


class TypedReading(AnswerReading, kw_only=True):
    """An exchange of one of these dialects, read. What is said of the framing has chat's names."""

    typed: list[TypedEvent] = msgspec.field(default_factory=list)
    """JSON objects of the stream in order, error events included."""
    end_event: TypedEvent | None = None
    """The event that ended the answer."""
    error: TypedEvent | None = None
    """The first event that reports an error."""

    @property
    def is_truncated(self) -> bool:
        """Whether the body ended in the middle of an answer."""
        return self.closing in ("done", "eof", "reset") and self.object_count > 0 and not self.is_finished


def read_typed_events(reading: TypedReading, stream: EventStream) -> None:
    """All events of a stream into a reading, until [DONE]; at a clean end also the one that no blank line closed
    if it holds an object."""
    _EventReader(reading).read_events(stream)


class _EventReader:
    """Reads the events of a stream into a reading, until [DONE]."""

    def __init__(self, reading: TypedReading) -> None:
        self._reading = reading
        self._facts = reading.facts

    def read_events(self, stream: EventStream) -> None:
        """All events, and at a clean end the one that no blank line closed if it holds an object."""
        self._reading.events = stream.events
        for number, event in enumerate(stream.events):
            self._read_event(event, number, read_payload(event.data))
        pending = stream.pending
        payload = read_payload(pending.data) if pending is not None else None
        if pending is not None and payload is not None and all(item.is_usable for item in payload.items):
            self._facts.note(
                "after_done" if self._reading.done_event is not None else "unterminated_event",
                len(stream.events),
            )
            self._reading.events = [*stream.events, pending]
            self._read_event(pending, len(stream.events), payload)

    def _read_event(self, event: Event, number: int, payload: Payload) -> None:
        if self._reading.done_event is not None:
            if event.data.strip():
                self._facts.note("after_done", number)
            return
        if len(event.data) > LARGE_EVENT:
            self._facts.note("large_event", number, f"{len(event.data)} characters")
        if "\n" in event.data and not payload.repairs and payload.items[0].kind == "json":
            self._facts.note("several_data_lines", number)
        for repair in payload.repairs:
            self._facts.note(repair, number)
        for item in payload.items:
            self._take_item(item, event, number)

    def _take_item(self, item: PayloadItem, event: Event, number: int) -> None:
        if item.kind == "blank":
            self._facts.note("blank_data", number)
        elif item.kind == "done":
            self._reading.done_event = number
            self._reading.read_until = event.offset
            self._reading.closing = "done"
        elif item.kind == "text" and event.name != "error":
            self._facts.note("not_json", number, item.value.message)
        elif isinstance(item.value, dict) or event.name == "error":
            value = item.value if isinstance(item.value, dict) else {"message": event.data}
            typed = TypedEvent(event=number, t_ns=event.t_ns, name=event.name, value=value)
            self._reading.typed.append(typed)
            if self._reading.error is None and _is_error(event.name, value):
                self._reading.error = typed
        else:
            self._facts.note("not_an_object", number, type(item.value).__name__)


def _is_error(name: str, value: Mapping[str, Any]) -> bool:
    """Whether an event reports an error; one that has a type of its own is no envelope."""
    return is_error_event(name, value) or ("type" not in value and find_envelope_error(value) is not None)
