"""Server-sent events: timed bytes in, timed events out. (interface)"""

import msgspec


class Event(msgspec.Struct, frozen=True, gc=False):
    """One server-sent event, as dispatched."""

    t_ns: int
    """Stamp of the chunk that completed the event."""
    offset: int
    """Where its first field line begins, bytes in the content-decoded body."""
    name: str
    """Value of its `event` field; empty if it had none."""
    data: str
    """Its data lines joined with LF, as UTF-8 with U+FFFD for bad sequences."""
