"""What ends a stream before its body does: the sentinel of chat, or the terminal event of a typed dialect.

`marks` are what is looked for while bytes arrive; an event that holds one is then read, by the words of those who
will read the record. Sources: OpenAI's and Anthropic's API references, "Streaming".
"""

from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from byok_bench.wire.bodies.event_payload import read_payload
from byok_bench.wire.bodies.sse import read_event_stream

Terminator = Literal["sse-done", "responses", "messages", "none"]
"""`sse-done`: an event whose data is [DONE]; `responses`, `messages`: that dialect's last event; `none`: nothing."""
_USUAL_DONE: Final = b"data: [DONE]"


class TerminatorSign(msgspec.Struct, frozen=True):
    """How a terminator looks on the wire."""

    marks: tuple[bytes, ...]
    """Letters of which each terminating event holds one."""
    types: tuple[str, ...] = ()
    """`type` of the objects that end the stream; with none it is the sentinel."""

    def is_in(self, block: bytes) -> bool:
        """Whether a block of lines, without its blank one, is a terminating event."""
        if not self.marks:
            return False
        if block == _USUAL_DONE:
            return not self.types
        events = read_event_stream([(0, block + b"\n\n")]).events
        items = [item for event in events for item in read_payload(event.data).items]
        if not self.types:
            return any(item.kind == "done" for item in items)
        return any(isinstance(item.value, dict) and item.value.get("type") in self.types for item in items)


TERMINATOR_SIGNS: Final[Mapping[Terminator, TerminatorSign]] = {
    "sse-done": TerminatorSign((b"[DONE]",)),
    "responses": TerminatorSign(
        (b"response.completed", b"response.incomplete", b"response.failed"),
        ("response.completed", "response.incomplete", "response.failed"),
    ),
    "messages": TerminatorSign((b"message_stop",), ("message_stop",)),
    "none": TerminatorSign(()),
}
