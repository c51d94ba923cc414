"""RawExchange: one request and all that came back, as bytes with times.

Written by the transport while bytes arrive, read by everyone else afterwards. No meaning in here:
what the bytes say is computed by the dialects from this record alone, so it can be computed again.
Times are `time.perf_counter_ns` (CLOCK_MONOTONIC), comparable between processes of one machine.
"""

from typing import Final, Literal

import msgspec

from byok_bench.wire.failures import Failure

Chunk = tuple[int, bytes]
"""(t_ns, bytes): body bytes of one socket read, transfer coding removed, content coding kept."""

End = Literal["done", "eof", "reset", "stall", "limit", "cancelled"]
"""How the body ended: `done` at the stream's own terminator ([DONE], or the terminal event of a typed dialect); `eof`
clean end of the body; `reset` connection lost or framing incomplete; `stall` silent beyond the idle limit; `limit` a
size limit, the total clock, or the caller's cancel; `cancelled` closed by this side, as the scenario wants."""

Clock = Literal["kernel", "user"]
"""Who stamped the chunks: the kernel on receipt, or `data_received` before parsing."""


OPEN_AFTER_DONE: Final = "open_after_done"
"""Flag: a second after the terminator the body had not ended."""
CUT_AFTER_DONE: Final = "cut_after_done"
"""Flag: after the terminator the connection was lost, or more came than is read."""


class RawRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The request as sent, without its secrets."""

    id: str
    """The x-request-id that went out with it."""
    method: str
    url: str
    """Full URL; secret query values are `[redacted]`."""
    headers: tuple[tuple[str, str], ...]
    """In order sent, lower-case names; secret values are `[redacted]`."""
    body: bytes
    """As sent (JSON, UTF-8)."""


class RawHead(msgspec.Struct, frozen=True, kw_only=True):
    """Status line and headers of the final response."""

    status: int
    http: str
    """`1.0`, `1.1` or `2`."""
    headers: tuple[tuple[str, str], ...]
    """As received, latin-1 decoded, lower-case names, known secrets redacted."""
    received_s: float | None = None
    """When it came, seconds since the epoch by our clock: what a date in a header is counted from."""

    def get_header(self, name: str) -> str | None:
        """Value of a header, several of one name joined by `, `; None if absent. `name` in lower case."""
        found = [value for key, value in self.headers if key == name]
        return ", ".join(found) if found else None


class Phases(msgspec.Struct, kw_only=True):
    """Monotonic ns of the steps; None where a step did not happen (kept-alive connection, no TLS, failure)."""

    start: int
    """`send` was called (intended start, in open-loop load)."""
    dns_start: int | None = None
    dns_end: int | None = None
    connect_start: int | None = None
    """Dialling began: the addresses were judged, and our own side was ready."""
    connect_end: int | None = None
    """TCP connected."""
    tls_end: int | None = None
    written: int | None = None
    """Last byte of the request handed to the socket: the start of TTFB, TTFT and E2E."""
    head: int | None = None
    """Stamp of the read that completed the final response's head."""
    first_byte: int | None = None
    """Stamp of the first body byte."""
    done: int | None = None
    """Stamp of the read that held the stream's terminator."""
    end: int | None = None
    """Body ended, or the exchange was given up."""


class RawExchange(msgspec.Struct, kw_only=True):
    """The record of one HTTP request. Mutable only while the transport writes it."""

    request: RawRequest
    phases: Phases
    head: RawHead | None = None
    """None if no response head came."""
    chunks: list[Chunk] = msgspec.field(default_factory=list)
    end: End = "eof"
    failure: Failure | None = None
    """A failure of transport, policy, limit or clock; what a server *said* is read by the dialects."""
    clock: Clock = "user"
    peer: str | None = None
    """Address that was dialled."""
    reused: bool = False
    """The connection was kept alive from an earlier exchange."""
    flags: list[str] = msgspec.field(default_factory=list)
    """Marks on the sample: `loop_stalled`, `slept`, `clock_jumped`, `redacted`, `body_cut`, …"""

    @property
    def has_clean_end(self) -> bool:
        """Whether the body came to the end that its framing announced, behind the terminator too."""
        return self.end == "eof" or (self.end == "done" and not {OPEN_AFTER_DONE, CUT_AFTER_DONE} & set(self.flags))
