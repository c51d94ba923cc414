"""Connection: one socket with its TLS session, that carries one flight after another.

In here: which bytes go where, and when the connection can be kept. Not in here: how it was dialled, clocks.
"""

import asyncio
import ssl
from collections.abc import Callable
from time import perf_counter_ns

from byok_bench.wire.connections.exchange_clocks import Flight
from byok_bench.wire.connections.socket_links import Link
from byok_bench.wire.connections.tls_sessions import TlsPump
from byok_bench.wire.raw_exchange import RawExchange, RawHead


class Connection:
    """A connected link, plain or with TLS."""

    def __init__(self, link: Link, peer: str, on_close: Callable[["Connection"], None]) -> None:
        self.peer = peer
        """The address at the other end."""
        self.carried = 0
        """Flights so far."""
        self.idle_since_ns = 0
        self.trusted_until_ns = 0
        """When an idle connection is too old to write to."""
        self.streamed = False
        """The last answer was a stream."""
        self.closed = False
        self._link = link
        self._on_close = on_close
        self._tls: TlsPump | None = None
        self._flight: Flight | None = None
        self._last_part = True
        self._drained: asyncio.Future[None] | None = None
        link.on_end = self._handle_socket_end
        link.on_written = self._note_written
        link.on_bytes = self._refuse_unasked_bytes

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Shake hands. Raises ssl.SSLError, or OSError if the peer goes away."""
        pump = TlsPump(self._link, context, host)
        shaken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def step(t_ns: int, data: bytes) -> None:
            try:
                if pump.step_handshake(data):
                    # What follows in the next read is already encrypted for the session.
                    self._link.on_bytes, self._link.on_end = self._decrypt_read, self._handle_socket_end
                    _tell(shaken, None)
            except ssl.SSLError as error:
                self._link.on_bytes, self._link.on_end = _ignore_event, _ignore_event
                _tell(shaken, error)

        def lost(error: OSError | None) -> None:
            _tell(shaken, error or ConnectionResetError("closed during the TLS handshake"))

        pump.on_bytes = self._refuse_unasked_bytes
        self._tls = pump
        self._link.on_bytes, self._link.on_end = step, lost
        pump.step_handshake()
        self._link.start()
        await shaken
        if self.closed:
            raise ConnectionResetError("closed after the TLS handshake")

    @property
    def record(self) -> RawExchange | None:
        """What the flight that is on it writes; None if there is none."""
        return None if self._flight is None else self._flight.record

    def is_usable(self) -> bool:
        """Whether a request may be written: open, idle, and not a byte or end of stream has come since."""
        return not self.closed and self._flight is None and self._link.is_idle_and_clean()

    def begin(self, flight: Flight) -> None:
        """Let `flight` listen; its request is written by `write`."""
        self._flight = flight
        self.carried += 1
        flight.record.peer = self.peer
        self._link.reset_clock()
        self._set_reader(flight.answer.feed)
        self._link.start()

    def write(self, data: bytes, *, last: bool = True) -> None:
        """Send request bytes; `last`: the request is complete with them."""
        self._last_part = last
        if not self.closed:
            (self._tls or self._link).write(data)
            if self._flight is not None:
                if self._link.has_unsent():
                    self._flight.note_sent(perf_counter_ns(), waiting=True, complete=last)
                self._flight.ensure_timer()
        elif self._flight is not None:
            self._flight.handle_disconnect(None, clean=False)

    async def wait_until_drained(self) -> None:
        """Wait until everything written was handed to the socket, or the flight is over."""
        if self._link.has_unsent() and self._flight is not None and not self.closed:
            self._drained = asyncio.get_running_loop().create_future()
            await asyncio.wait((self._drained, self._flight.landed), return_when=asyncio.FIRST_COMPLETED)

    def release(self) -> bool:
        """The flight is over: whether the connection can be kept. If not, it is closed."""
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.record.clock = self._link.clock
            self.streamed = flight.record.phases.done is not None or _is_event_stream(flight.record.head)
        if self.closed or flight is None or not flight.reusable or not _is_good(flight.record.head):
            self.close()
            return False
        self._set_reader(self._refuse_unasked_bytes)
        self.idle_since_ns = perf_counter_ns()
        return True

    def close(self) -> None:
        """Close the socket now. No callback follows; a flight that is under way is cut off."""
        if self.closed:
            return
        self.closed = True
        if self._flight is not None:
            self._flight.handle_client_close()
        if self._tls is not None:
            self._tls.write_close_notify()
            self._tls.on_bytes = _ignore_event
        link = self._link
        link.close()
        link.on_bytes, link.on_end, link.on_written = _ignore_event, _ignore_event, _ignore_event
        self._on_close(self)

    def _set_reader(self, reader: Callable[[int, bytes], None]) -> None:
        if self._tls is None:
            self._link.on_bytes = reader
        else:
            self._tls.on_bytes = reader

    def _decrypt_read(self, t_ns: int, data: bytes) -> None:
        tls = self._tls
        assert tls is not None
        tls.decrypt_read(t_ns, data)
        if tls.over:
            self._handle_end(tls.error, clean=tls.error is None)

    def _refuse_unasked_bytes(self, t_ns: int, data: bytes) -> None:
        """Bytes that no request asked for: whoever sent them, nothing is read from this connection again."""
        self.close()

    def _note_written(self, t_ns: int) -> None:
        waiting = self._link.has_unsent()
        if not waiting:
            self._wake()
        if self._flight is not None:
            self._flight.note_sent(t_ns, waiting=waiting, complete=self._last_part)

    def _handle_socket_end(self, error: OSError | None) -> None:
        """The socket's end. A TLS session that was not ended before may have been cut off (RFC 9112 §9.8)."""
        self._handle_end(error, clean=error is None and self._tls is None)

    def _handle_end(self, error: Exception | None, *, clean: bool) -> None:
        self._wake()
        if self._flight is None:
            self.close()
        else:
            agreed = self._tls is None or self._tls.protocol is not None
            self._flight.handle_disconnect(error, clean=clean, speaks_http1=agreed)

    def _wake(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)


def _tell(waiter: asyncio.Future[None], error: Exception | None) -> None:
    """End the wait; whoever waited may have been cancelled a moment ago."""
    if waiter.done():
        return
    if error is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(error)


def _ignore_event(*values: object) -> None:
    """What a closed connection calls."""


def _is_good(head: RawHead | None) -> bool:
    """Whether an answer is a 2xx: behind others some servers hang up without a word (uvicorn behind its 500)."""
    return head is not None and 200 <= head.status < 300


def _is_event_stream(head: RawHead | None) -> bool:
    """Whether an answer is labelled as server-sent events: not every dialect ends its stream with a sentinel."""
    label = head.get_header("content-type") if head is not None else None
    return label is not None and label.partition(";")[0].strip().lower() == "text/event-stream"
