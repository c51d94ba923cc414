"""HTTP/1.1 on one connection: the bytes of a request head, and answers parsed by httptools.

In here: what a head may hold (docs/egress.md, "Response limits"), interim answers, where a body ends and
whether that end was a clean one (RFC 9112 §6.3). Not in here: sockets, clocks, what a body means.
"""

import re
from collections.abc import Iterable
from typing import Final, Protocol

import httptools

from byok_bench.wire.limits import Limits
from byok_bench.wire.raw_exchange import RawHead

_VERSIONS: Final = ("1.0", "1.1")
_NAME: Final = b"HTTP/"
_HEAD_END: Final = re.compile(rb"\n\r?\n")
_OPENING_BYTES: Final = 9
"""Of an answer that is no HTTP/1.1: as many as an HTTP/2 frame has in its header (RFC 9113 section 4.1)."""
_FIRST_FRAMES: Final = b"\x04\x07"
"""SETTINGS, which begins a server's half of an HTTP/2 connection, and GOAWAY, which may end it at once."""
HTTP2_ONLY: Final = "it begins with a frame of HTTP/2, so the server speaks that alone: set the transport to http2"
TLS_PORT: Final = "it begins with a TLS record, so the server wants https:// in the base URL"


class AnswerListener(Protocol):
    """Who listens to an answer."""

    def note_start(self) -> None:
        """A final status line was seen."""

    def record_head(self, t_ns: int, head: RawHead) -> None:
        """The final response's head is complete."""

    def record_body(self, t_ns: int, data: bytes) -> None:
        """Body bytes of one read, transfer coding removed."""

    def complete_body(self, t_ns: int, reusable: bool) -> None:
        """The body ended as announced; `reusable`: another request may follow on the connection."""

    def refuse_answer(self, t_ns: int, message: str, limit: bool) -> None:
        """Not HTTP, or over a limit (`limit`). Nothing follows."""


def build_request_head(method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The bytes in front of a body; names and values were checked before."""
    lines = [b"%b %b HTTP/1.1" % (method.encode("ascii"), target)]
    lines += [b"%b: %b" % field for field in headers]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def detect_other_protocol(opening: bytes) -> str | None:
    """What the first bytes of an answer that is no HTTP/1.1 show it to be; None if they do not tell."""
    if opening[:2] == b"\x15\x03" or opening[:2] == b"\x16\x03":
        return TLS_PORT
    is_frame = len(opening) > 4 and opening[:1] == b"\0" and opening[3:4] in _FIRST_FRAMES
    return HTTP2_ONLY if is_frame and not opening[4:].strip(b"\0") else None


class AnswerParser:
    """Everything that comes back for one request: any 1xx, then the final response."""

    def __init__(self, listener: AnswerListener, limits: Limits, *, method: str = "POST") -> None:
        self.started = False
        """A final status line was seen: the clock of the first byte may stop."""
        self.last_ns = 0
        """Stamp of the latest read; 0 before the first."""
        self._listener = listener
        self._limits = limits
        self._head_only = method == "HEAD"
        self._headers: list[tuple[str, str]] = []
        self._parts: list[bytes] = []
        self.on_body = self._parts.append
        self._head: RawHead | None = None
        self._framed = False
        self._complete: int | None = None
        self._reusable = False
        self._interim = 0
        self._opening = b""
        self._head_bytes = 0
        self._head_tail = b""
        self._framing_bytes = 0
        self._fault: tuple[str, bool] | None = None
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        # A head with bare LF is read by h11, Go and curl (RFC 9112 §2.2 allows it); chunked bodies stay strict.
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=True)

    @property
    def is_finished(self) -> bool:
        """The whole body was parsed; what of it is not yet passed on follows at once."""
        return self._complete is not None

    def feed(self, t_ns: int, data: bytes) -> None:
        """Parse one read and pass on what it held."""
        parser = self._parser
        if parser is None:
            return
        self.last_ns = t_ns
        headless = self._head is None
        try:
            rest = self._feed_heads(parser, data) if headless else data
            if rest:
                parser.feed_data(rest)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as problem:
            if self._complete is None and self._fault is None:
                self._fault = (detect_other_protocol(self._opening) or str(problem) or "not HTTP", False)
        parts = self._parts
        if headless or self._complete is not None or self._fault is not None or not parts:
            self._pass_on_read(t_ns, len(data), headless)
        else:
            self._framing_bytes = 0
            whole = parts[0] if len(parts) == 1 else b"".join(parts)
            parts.clear()
            self._listener.record_body(t_ns, whole)

    def end_stream(self, *, clean: bool) -> str | None:
        """The peer sends no more: what is missing, or None if the body ends with the connection (and cleanly)."""
        if self._head is None:
            where = "in the middle of the response head" if self.last_ns else "before an answer came"
            return f"the connection was closed {where}"
        if self._framed or not clean:
            return "the connection was closed before the body was complete"
        self._listener.complete_body(self.last_ns, False)
        return None

    def stop_listening(self) -> None:
        """Listen no more. Parser and reader refer back to this object; the cycles end here, not in the collector."""
        self._parser = None
        del self.on_body, self._listener

    def _feed_heads(self, parser: httptools.HttpResponseParser, data: bytes) -> bytes:
        """Parse what belongs to heads, one after the other, so that each one's size is known; return the rest."""
        while data and self._head is None and self._fault is None:
            found = _HEAD_END.search(self._head_tail + data)
            stop = found.end() - len(self._head_tail) if found else len(data)
            piece, data = data[:stop], data[stop:]
            self._head_tail = b"" if found else (self._head_tail + piece)[-2:]
            self._head_bytes += len(piece)
            if len(self._opening) < _OPENING_BYTES:
                self._opening = (self._opening + piece).lstrip(b"\r\n")[:_OPENING_BYTES]
            parser.feed_data(piece)
            if self._head_bytes > self._limits.head_bytes:
                self._refuse(f"more than {self._limits.head_bytes} bytes of header", True)
        return data

    def _pass_on_read(self, t_ns: int, size: int, headless: bool) -> None:
        """A read with more, or less, in it than body bytes."""
        if headless and self._head is not None:
            self._listener.record_head(t_ns, self._head)
        parts = self._parts[: self._complete] if self._head is not None else []  # none of a refused head's
        self._parts.clear()
        if parts and self._parser is not None:
            self._listener.record_body(t_ns, b"".join(parts))
        if self._parser is None:
            return
        if self._complete is not None:
            self._listener.complete_body(t_ns, self._reusable)
        elif self._fault is not None:
            self._listener.refuse_answer(t_ns, *self._fault)
        elif not parts and not headless:
            self._framing_bytes += size
            if self._framing_bytes > self._limits.head_bytes:
                self._listener.refuse_answer(t_ns, f"more than {self._limits.head_bytes} bytes of framing", True)

    def _refuse(self, message: str, limit: bool) -> None:
        if self._fault is None and self._complete is None:
            self._fault = (message, limit)

    # What httptools calls, by these names.

    def on_message_begin(self) -> None:
        if self._complete is not None:
            self._reusable = False  # bytes behind the end: whose answer is that?

    def on_status(self, reason: bytes) -> None:
        self._note_start()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._complete is not None:
            return
        self._note_start()
        self._headers.append((name.decode("latin-1").lower(), value.decode("latin-1").strip(" \t")))
        if len(self._headers) > self._limits.head_lines:
            self._refuse(f"more than {self._limits.head_lines} header lines", True)

    def on_headers_complete(self) -> None:
        if self._complete is not None:
            return
        headers, size, opening = self._headers, self._head_bytes, self._opening
        self._headers, self._head_bytes, self._opening = [], 0, b""
        status, version = self._get_status(), self._get_version()
        if not opening.startswith(_NAME):
            self._refuse("the answer is of another protocol", False)
        elif status == 101 or not 100 <= status <= 999 or version not in _VERSIONS:
            self._refuse(f"status {status:03} in HTTP/{version} is no answer to this request", False)
        elif size > self._limits.head_bytes:
            self._refuse(f"more than {self._limits.head_bytes} bytes of header", True)
        elif status < 200:
            self._interim += 1
            if self._interim > self._limits.interim_responses:
                self._refuse(f"more than {self._limits.interim_responses} interim responses", True)
        elif self._fault is None:
            self._note_start()
            self._take_head(RawHead(status=status, http=version, headers=tuple(headers)))

    def _take_head(self, head: RawHead) -> None:
        assert self._parser is not None
        coding = (head.get_header("transfer-encoding") or "identity").lower()
        if coding not in ("chunked", "identity"):
            self._refuse(f"transfer coding {coding[:80]!r}, where only chunked, named once, can be read", False)
            return
        self._parser.set_dangerous_leniencies(lenient_optional_cr_before_lf=False)
        self._framed = coding == "chunked" or head.get_header("content-length") is not None
        self._head = head
        if self._head_only:
            self._complete = 0

    def on_message_complete(self) -> None:
        if self._head is not None and self._complete is None:
            self._complete = len(self._parts)
            self._reusable = self._parser is not None and self._parser.should_keep_alive()

    def _note_start(self) -> None:
        if not self.started and self._get_status() >= 200:
            self.started = True
            self._listener.note_start()

    def _get_status(self) -> int:
        return 0 if self._parser is None else int(self._parser.get_status_code())

    def _get_version(self) -> str:
        return "" if self._parser is None else str(self._parser.get_http_version())
