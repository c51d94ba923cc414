"""Recorder: writes one response into a RawExchange while it arrives, and says when to stop.

What happens per read is an append and a meter (docs/wire.md). Not in here: sockets, clocks, HTTP framing,
and what the bytes mean.
"""

import time
from typing import Final, Protocol

import msgspec

from byok_bench.wire.bodies.content_coding import compute_output_limit, read_codings
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.limits import Limits
from byok_bench.wire.raw_exchange import Chunk, End, RawExchange, RawHead
from byok_bench.wire.recording.body_meters import (
    TERMINATOR_SEEN,
    DecodingMeter,
    Meter,
    OpeningMeter,
    SizeMeter,
    StreamMeter,
)
from byok_bench.wire.recording.terminators import Terminator

READS_PER_EVENT: Final = 4
"""Reads that one event may take on average: a chunk in the record costs far more memory than a byte on the wire."""
_STREAM_TYPE: Final = "text/event-stream"
_JSON_TYPES: Final = ("application/json", "application/problem+json")


class RecorderListener(Protocol):
    """Who acts on what the recorder finds."""

    def note_terminator(self, t_ns: int) -> None:
        """The stream's terminator came."""

    def close_record(self, end: End, reason: Failure | None) -> None:
        """Stop reading: nothing more is to be recorded."""


class Recorder:
    """The writing half of a RawExchange."""

    def __init__(
        self,
        record: RawExchange,
        limits: Limits,
        terminator: Terminator,
        listener: RecorderListener,
        *,
        asked_to_stream: bool = True,
    ) -> None:
        self._record = record
        self._limits = limits
        self._terminator = terminator
        self._asked_to_stream = asked_to_stream
        self._listener: RecorderListener | None = listener
        self._chunks = record.chunks
        self._most_reads = limits.stream_events * READS_PER_EVENT
        self._meter: Meter = SizeMeter(limits.body_bytes)
        self._cuts_quietly = False
        self._is_stream = False
        self._opening: OpeningMeter | None = None

    @property
    def is_stream(self) -> bool:
        """Whether the body is read as a stream of events: by its type, or by how it opens."""
        return self._is_stream if self._opening is None else self._opening.is_stream

    def record_head(self, t_ns: int, head: RawHead) -> None:
        """Note the head and choose what the body is measured by; a claimed size over the limit is refused here."""
        record, limits = self._record, self._limits
        record.head = msgspec.structs.replace(head, received_s=time.time())
        record.phases.head = t_ns
        media_type = (head.get_header("content-type") or "").partition(";")[0].strip().lower()
        good = 200 <= head.status < 300
        self._cuts_quietly = not good
        labelled = media_type == _STREAM_TYPE
        self._is_stream = good and (labelled or (self._asked_to_stream and media_type not in _JSON_TYPES))
        cap = limits.stream_bytes if self._is_stream else limits.body_bytes
        if not good:
            cap = limits.error_read_bytes
        self._meter = self._make_meter(cap, undecided=good and self._asked_to_stream and not labelled)
        codings = read_codings(head.get_header("content-encoding"))
        if codings:
            most = cap if self._opening is None else limits.stream_bytes
            self._meter = DecodingMeter(self._meter, codings, compute_output_limit(codings, most))
        claimed = head.get_header("content-length")
        if good and claimed is not None and claimed.isdecimal() and int(claimed) > cap:
            self._report_end(t_ns, f"a body of {claimed} bytes, where {cap} are allowed")

    def _make_meter(self, cap: int, *, undecided: bool) -> Meter:
        stream = StreamMeter(self._limits, self._terminator)
        if undecided:
            document = SizeMeter(self._limits.body_bytes)
            self._opening = OpeningMeter(document, stream, is_stream=self._is_stream)
            return self._opening
        return stream if self._is_stream else SizeMeter(cap)

    def record_body(self, t_ns: int, data: bytes) -> None:
        """Keep the bytes of one read."""
        self._chunks.append((t_ns, data))
        found = self._meter(data)
        if len(self._chunks) > self._most_reads:
            found = f"a body in more than {self._most_reads} pieces"
        if found is not None:
            self._report_end(t_ns, found)

    def stop_recording(self) -> None:
        """Record nothing more, and let go of who listens (they refer to each other)."""
        self._listener = None

    def _report_end(self, t_ns: int, found: str) -> None:
        listener = self._listener
        if listener is None:
            return
        if found == TERMINATOR_SEEN:
            self._record.phases.done = t_ns
            self._meter = SizeMeter(self._limits.error_read_bytes)
            listener.note_terminator(t_ns)
        else:
            listener.close_record("limit", self._make_limit_failure(found))

    def _make_limit_failure(self, found: str) -> Failure | None:
        """Of an error body enough was read to judge by; behind the terminator nothing counts."""
        record = self._record
        if record.phases.done is not None:
            return None
        if self._cuts_quietly:
            record.flags.append("body_cut")
            _drop_excess(record.chunks, self._limits.error_read_bytes)
            return None
        phase = "stream" if self.is_stream else "body"
        return make_failure("protocol", phase, f"the server sent {found}", code="limit")


def _drop_excess(chunks: list[Chunk], size: int) -> None:
    """Drop what lies beyond the first `size` bytes."""
    for number, (t_ns, data) in enumerate(chunks):
        if len(data) >= size:
            chunks[number:] = [(t_ns, data[:size])]
            return
        size -= len(data)
