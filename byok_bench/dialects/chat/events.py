"""Events of a chat stream, in order: chunks go to the assembly, [DONE] or an error ends the reading.

Chunks of the common shape take a short way (common_events.py) with the same outcome. What is odd about the
framing of an event is noted by name. Nothing here knows how the connection ended.
"""

from typing import Any, Final

from byok_bench.dialects.chat.assembly import ChatAssembly
from byok_bench.dialects.chat.common_events import CommonEvents
from byok_bench.dialects.failures.envelopes import find_envelope_error
from byok_bench.dialects.failures.error_body import is_error_event
from byok_bench.wire.bodies.event_payload import LARGE_EVENT, Payload, PayloadItem, read_payload
from byok_bench.wire.bodies.sse import Event

_PLAIN_NAMES: Final = ("", "message", "error")


class ChatEventReader:
    """Reads events into an assembly, until one ends the stream."""

    def __init__(self, assembly: ChatAssembly) -> None:
        self.assembly = assembly
        self.chunks = 0
        """JSON objects seen, the error included."""
        self.done_event: int | None = None
        self.error: Any = None
        """The error object, or the text of an event named error; None if there was none."""
        self.error_event: int | None = None

    def read_events(self, events: list[Event], pending: Event | None) -> list[Event]:
        """Read all events. Returns them, with the pending one if its payload was taken."""
        common, number = CommonEvents(self.assembly), 0
        while number < len(events):
            if self.done_event is None:
                start, number = number, common.take(events, number)
                self.chunks += number - start
            if number < len(events):
                self._read_event(events[number], number)
                number += 1
            if self.error_event is not None:
                return events
        return events if pending is None else self._read_pending(events, pending)

    def _read_event(self, event: Event, number: int) -> None:
        if self.done_event is not None:
            if event.data.strip():
                self.assembly.facts.note("after_done", number)
            return
        if event.name not in _PLAIN_NAMES:
            self.assembly.facts.note("event_name", number, event.name)
        if len(event.data) > LARGE_EVENT:
            self.assembly.facts.note("large_event", number, f"{len(event.data)} characters")
        payload = read_payload(event.data)
        if "\n" in event.data and not payload.repairs and payload.items[0].kind == "json":
            self.assembly.facts.note("several_data_lines", number)
        self._take_payload(payload, event, number)

    def _read_pending(self, events: list[Event], pending: Event) -> list[Event]:
        """What no blank line closed at a clean end counts if it is what a stream is made of."""
        payload = read_payload(pending.data)
        if not all(item.is_usable for item in payload.items):
            return events
        if self.done_event is None:
            self.assembly.facts.note("unterminated_event", len(events))
            self._take_payload(payload, pending, len(events))
        else:
            self.assembly.facts.note("after_done", len(events))
        return [*events, pending]

    def _take_payload(self, payload: Payload, event: Event, number: int) -> None:
        for repair in payload.repairs:
            self.assembly.facts.note(repair, number)
        for item in payload.items:
            if self.done_event is not None:
                self.assembly.facts.note("after_done", number)
            elif item.kind == "done":
                self.done_event = number
            else:
                self._take_item(item, event, number)
            if self.error_event is not None:
                return

    def _take_item(self, item: PayloadItem, event: Event, number: int) -> None:
        facts = self.assembly.facts
        if item.kind == "blank":
            facts.note("blank_data", number)
        elif _can_be_error(event.name, item.value) and is_error_event(event.name, item.value):
            self.error_event = number
            self.error = event.data if item.kind == "text" else item.value
            self.chunks += 1
        elif item.kind == "text":
            facts.note("not_json", number, item.value.message)
        elif not isinstance(item.value, dict):
            facts.note("not_an_object", number, type(item.value).__name__)
        elif not item.value.get("choices") and (error := find_envelope_error(item.value)) is not None:
            self.error_event, self.error = number, error
            self.chunks += 1
        else:
            self.chunks += 1
            self.assembly.add_event_object(item.value, number, event.t_ns)


def _can_be_error(name: str, value: object) -> bool:
    """Whether a closer look is needed; most chunks have none of these."""
    if name == "error" or not isinstance(value, dict):
        return name == "error"
    return "error" in value or "type" in value or value.get("object") == "error"
