"""Reply: everything a server sends back for one request, as data until the last moment.

Good replies are built in dialects/ and by refusal.py; faults and profiles change them; http.py
turns them into timed bytes.
"""

import json
from dataclasses import dataclass, field
from typing import Any, Literal

Headers = dict[str, str]
Ending = Literal["clean", "cut", "reset", "stall", "open"]
"""How the body ends: `clean`; `cut` connection closed before the last HTTP chunk; `reset` the same with a TCP reset;
`stall` silence with the connection open; `open` everything was sent, but the end of the body never comes."""

STREAM_HEADERS: Headers = {
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-cache",
    "x-accel-buffering": "no",
}
DONE = "[DONE]"


@dataclass(eq=False)
class Event:
    """One server-sent event, the same only as itself. `raw` bytes, where set, are sent in place of all the rest."""

    data: Any = None
    """A JSON object, or the text of the payload."""
    name: str | None = None
    is_paced: bool = False
    """It carries output, so it waits for its turn in the schedule."""
    call: int | None = None
    """Position of the tool call it belongs to; what the data says about that may be spoiled."""
    is_call_start: bool = False
    """It is the first of its call."""
    raw: bytes | None = None
    separator: bytes = b"\n\n"
    due_ms: float | None = None
    """When it goes out, counted from the request; None: by the server's schedule."""

    def encode(self) -> bytes:
        """The bytes of the event."""
        if self.raw is not None:
            return self.raw
        name = f"event: {self.name}\n".encode() if self.name else b""
        return name + b"data: " + self.encode_payload() + self.separator

    def encode_payload(self) -> bytes:
        """The data as it stands on the wire."""
        return self.data.encode() if isinstance(self.data, str) else encode_compact_json(self.data)


@dataclass
class Reply:
    """Status, headers, and one of: events of a stream, a JSON document, or raw bytes."""

    status: int = 200
    headers: Headers = field(default_factory=dict)
    events: list[Event] | None = None
    document: Any = None
    raw: bytes | None = None
    ending: Ending = "clean"
    head_ms: float = 0.0
    """When status and headers of a stream go out, counted from the request."""
    is_sized: bool = False
    """The stream has a Content-Length, as recorded ones may."""
    is_gzipped: bool = False
    """The stream is compressed."""
    is_flushed: bool = True
    """A compressed stream is flushed after each event; otherwise it goes out when the compressor likes."""
    is_late: bool = False
    """Nothing goes out before the last event is due: what a collecting proxy does."""
    silent: Literal["no", "hang", "close"] = "no"
    """No answer at all: the connection stays open, or is closed at once."""

    @property
    def is_stream(self) -> bool:
        """Whether events are sent."""
        return self.events is not None

    def encode_body(self) -> bytes:
        """The body of a reply that is no stream."""
        return self.raw if self.raw is not None else encode_compact_json(self.document)


def make_stream_reply(events: list[Event]) -> Reply:
    """A good 200 event stream."""
    return Reply(headers=dict(STREAM_HEADERS), events=events)


def make_json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    return Reply(status=status, headers={"content-type": "application/json", **headers}, document=value)


def encode_compact_json(value: Any) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")
