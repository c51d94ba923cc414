"""Flight: one request on one connection, from its first byte written to the end of its record.

The four clocks are held by one timer that looks at the latest stamp, so that a read costs no timer of its own;
it is set when the request was handed over. In here: when to give up, what that is called, and how a stream
ends at its terminator. Not in here: sockets, TLS, HTTP syntax, sizes.
"""

import asyncio
import ssl
from time import perf_counter_ns
from typing import Final
from urllib.parse import urlsplit

from byok_bench.wire.connections.http1 import HTTP2_ONLY, TLS_PORT, AnswerParser
from byok_bench.wire.connections.tls_failures import classify_tls_error
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.limits import Limits, Timeouts
from byok_bench.wire.raw_exchange import CUT_AFTER_DONE, OPEN_AFTER_DONE, End, RawExchange, RawHead
from byok_bench.wire.recording.recorder import Recorder
from byok_bench.wire.recording.terminators import Terminator
from byok_bench.wire.wire_request import Cancel

LINGER_NS: Final = 1_000_000_000
"""How long the body may go on behind the terminator: late bytes are recorded, and the connection can be kept."""
_GRACE_S: Final = 0.001
_NO_HTTP1: Final = ". TLS agreed on no HTTP/1.1 (ALPN): if the server speaks HTTP/2 alone, set the transport to http2"
_KEPT: Final = ". It had been kept from an earlier request: the server may never have read this one"


class Flight:
    """The clocks and the outcome of one exchange; listens to its answer, its recorder and its connection."""

    def __init__(
        self,
        record: RawExchange,
        *,
        timeouts: Timeouts,
        limits: Limits,
        terminator: Terminator = "none",
        asked_to_stream: bool = True,
        method: str = "POST",
        cancel: Cancel | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.record = record
        self.landed: asyncio.Future[None] = self._loop.create_future()
        """Set when nothing more will be recorded."""
        self.reusable = False
        """The connection may carry another request."""
        self.write_s = timeouts.idle
        """How long the server may take no more of the request, seconds."""
        self.recorder = Recorder(record, limits, terminator, self, asked_to_stream=asked_to_stream)
        self.answer = AnswerParser(self, limits, method=method)
        self._cancel = cancel
        is_looking = cancel is not None and cancel.is_reached is not None
        self.record_body = self._record_and_look if is_looking else self.recorder.record_body
        self._timeouts = timeouts
        self._sent_ns = perf_counter_ns()
        self._blocked = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = 0
        self._confirming = False
        self._stopped = False

    # What the connection reports.

    def note_sent(self, t_ns: int, *, waiting: bool, complete: bool) -> None:
        """Request bytes were handed to the socket; `waiting`: others find no room, `complete`: none will follow."""
        self._sent_ns = t_ns
        self._blocked = waiting
        if complete and not waiting and self.record.phases.written is None:
            self.record.phases.written = t_ns
        if not self._stopped:
            self._set_timer()

    def ensure_timer(self) -> None:
        """See to it that a clock runs, even where the socket refused the request and will report nothing."""
        if self._timer is None and not self._stopped:
            self._set_timer()

    def handle_disconnect(self, error: Exception | None, *, clean: bool, speaks_http1: bool = True) -> None:
        """The peer closed or lost the connection; `clean`: a body without a length may end so.

        `speaks_http1`: nothing suggests that the server speaks another version alone.
        """
        if self._stopped:
            return
        missing = self.answer.end_stream(clean=clean)
        if missing is not None:
            if isinstance(error, ssl.SSLError) and self.record.head is None:
                self.close_record("reset", classify_tls_error(error, urlsplit(self.record.request.url).hostname or ""))
                return
            detail, code = ("", "closed") if error is None else (f" ({_describe_error(error)})", "reset")
            if not self.answer.last_ns:
                detail += _KEPT if self.record.reused else "" if speaks_http1 else _NO_HTTP1
            self.close_record("reset", make_failure("network", self._find_phase(), missing + detail, code=code))

    def handle_client_close(self) -> None:
        """The client was closed while the exchange was under way."""
        if not self._stopped:
            self.close_record(
                "reset",
                make_failure("network", self._find_phase(), "the client was closed", code="client_closed"),
            )

    # What the answer and the recorder report.

    def note_start(self) -> None:
        """The final status line came: from here on silence is counted."""
        self._set_timer()

    def record_head(self, t_ns: int, head: RawHead) -> None:
        """The final response's head is complete."""
        self.recorder.record_head(t_ns, head)

    def _record_and_look(self, t_ns: int, data: bytes) -> None:
        """Keep the bytes of one read, and close the record if that is where this side wanted to."""
        self.recorder.record_body(t_ns, data)
        wanted = self._cancel.is_reached if self._cancel is not None else None
        if wanted is not None and not self._stopped and self.record.phases.done is None and wanted(self.record):
            self.close_record("cancelled", None)

    def note_terminator(self, t_ns: int) -> None:
        """The stream's terminator came: the exchange is complete, whatever follows."""
        if not self.answer.is_finished:
            self._set_timer()

    def complete_body(self, t_ns: int, reusable: bool) -> None:
        """The body ended as it should."""
        phases = self.record.phases
        self.reusable = reusable and phases.written is not None
        phases.end = t_ns
        self.close_record("eof", None)

    def refuse_answer(self, t_ns: int, message: str, limit: bool) -> None:
        """The answer is not HTTP, or its head is over a limit."""
        code = {HTTP2_ONLY: "http2_only", TLS_PORT: "tls_port"}.get(message)
        reason = make_failure("protocol", self._find_phase(), f"the answer is not usable HTTP: {message}", code=code)
        self.close_record("limit" if limit else "reset", reason)

    def close_record(self, end: End, reason: Failure | None) -> None:
        """Close the record. Behind the terminator nothing that happens is a failure."""
        if self._stopped:
            return
        record = self.record
        finished = record.phases.done is not None
        record.end = "done" if finished else end
        if finished and end not in ("done", "eof"):
            record.flags.append(CUT_AFTER_DONE)
        record.failure = None if finished else reason
        if record.phases.end is None:
            record.phases.end = perf_counter_ns()
        self._stop_listening()
        # A caller that was cancelled took `landed` with it; what came in the same turn of the loop is still read.
        if not self.landed.done():
            self.landed.set_result(None)

    def abandon(self) -> None:
        """The caller waits no longer: close the record if it is open."""
        if self._stopped:
            return
        phases = self.record.phases
        self.record.end = "done" if phases.done is not None else "limit"
        phases.end = perf_counter_ns()
        self._stop_listening()

    def _stop_listening(self) -> None:
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        self.answer.stop_listening()
        self.recorder.stop_recording()

    # The clocks.

    def _find_due_clock(self) -> tuple[int, str]:
        """When the exchange is given up if nothing else happens, and by which clock."""
        phases, timeouts = self.record.phases, self._timeouts
        total = phases.start + _to_ns(timeouts.total)
        if phases.done is not None:
            due, clock = phases.done + LINGER_NS, "linger"
        elif self.answer.started:
            due, clock = self.answer.last_ns + _to_ns(timeouts.idle), "idle"
        elif phases.written is not None:
            due, clock = phases.written + _to_ns(timeouts.first_byte), "first_byte"
        elif self._blocked:
            due, clock = self._sent_ns + _to_ns(self.write_s), "write"
        else:
            due, clock = total, "total"
        if self._cancel is not None and self._cancel.after_ms is not None and phases.written is not None:
            cancelled = phases.written + round(self._cancel.after_ms * 1e6)
            if phases.done is None and cancelled < due:
                due, clock = cancelled, "cancel"
        return (due, clock) if due <= total else (total, "total")

    def _set_timer(self) -> None:
        """See to it that the timer looks no later than the next due time."""
        due, _ = self._find_due_clock()
        if self._timer is not None:
            if self._timer_ns <= due:
                return
            self._timer.cancel()
        self._timer_ns = due
        self._timer = self._loop.call_later(max(0, due - perf_counter_ns()) / 1e9, self._check_clocks)

    def _check_clocks(self) -> None:
        """Give up if it is time. A loop that was blocked reads what waits in the socket before it judges."""
        self._timer = None
        due, clock = self._find_due_clock()
        if perf_counter_ns() < due:
            self._confirming = False
            self._set_timer()
        elif not self._confirming:
            self._confirming = True
            self._timer_ns = 0
            self._timer = self._loop.call_later(_GRACE_S, self._check_clocks)
        else:
            self._end_by_clock(clock)

    def _end_by_clock(self, clock: str) -> None:
        timeouts = self._timeouts
        if clock == "linger":
            self.record.flags.append(OPEN_AFTER_DONE)
            self.close_record("done", None)
            return
        if clock == "cancel":
            self.close_record("cancelled", None)
            return
        end: End = "limit" if clock == "total" else "stall"
        words = {
            "idle": f"nothing came for {timeouts.idle:g} s",
            "first_byte": f"no answer came within {timeouts.first_byte:g} s",
            "write": f"the server took no more of the request for {self.write_s:g} s",
            "total": f"the exchange took longer than {timeouts.total:g} s",
        }
        self.close_record(end, make_failure("timeout", self._find_phase(), words[clock], code=clock))

    def _find_phase(self) -> str:
        """How far the exchange came."""
        if self.record.head is not None:
            return "stream" if self.recorder.is_stream else "body"
        return "headers" if self.record.phases.written is not None else "request"


def _to_ns(seconds: float) -> int:
    return round(seconds * 1e9)


def _describe_error(error: Exception) -> str:
    """What the system says, without what it was doing it to."""
    return getattr(error, "strerror", None) or type(error).__name__
