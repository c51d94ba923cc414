"""What the Responses and Messages dialects share: streams of typed events, one JSON object each.

Triage of an answer, the events of a stream in order, how it ended, and which failure that makes. What an
event means is in ../responses and ../messages; what breaks a rule is decided in checks/.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from byok_bench.dialects.answer import Shape
from byok_bench.dialects.body import EVENT_STREAM, Body
from byok_bench.dialects.dialect import merge_request
from byok_bench.dialects.failures.classification import (
    classify_error_answer,
    classify_error_object,
    classify_page,
)
from byok_bench.dialects.failures.envelopes import find_envelope_error, has_error
from byok_bench.dialects.failures.error_body import has_plain_error
from byok_bench.dialects.failures.missing_answers import (
    classify_cut_body,
    classify_error_document,
    classify_silent_stream,
    classify_unusable_body,
    is_cut_by_us,
    make_silent_failure,
    make_withheld_failure,
)
from byok_bench.dialects.failures.unframed_errors import find_unframed_error
from byok_bench.dialects.typed_events.assembled_answer import AssembledAnswer
from byok_bench.dialects.typed_events.events import TypedEvent, TypedReading, read_typed_events
from byok_bench.dialects.typed_events.request import is_stream_requested, read_request_body
from byok_bench.wire.bodies import sse
from byok_bench.wire.bodies.sse import StrayLine
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.raw_exchange import RawExchange, RawHead
from byok_bench.wire.recording.terminators import Terminator

_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_SPOKEN: Final = ("delta", "text", "thinking")


class TypedDialect(ABC):
    """Reading of a typed dialect; subclasses say what its events mean."""

    name: str
    route: str
    terminator: Terminator = "none"
    event_prefixes: ClassVar[tuple[str, ...]]
    """How the types of its events begin."""

    def build(self, body: Mapping[str, Any], model: str | None, extra: Mapping[str, Any]) -> dict[str, Any]:
        """The wire request: `extra` overlaid by `body`, with `model` if given."""
        return merge_request(body, model, extra)

    @abstractmethod
    def assemble_events(self, typed: Sequence[TypedEvent], head: RawHead | None) -> AssembledAnswer:
        """The answer that the events before the first error make."""

    @abstractmethod
    def is_answer(self, document: Mapping[str, Any]) -> bool:
        """Whether a whole document is meant as an answer of this dialect, good or not."""

    @abstractmethod
    def has_answer(self, document: Mapping[str, Any]) -> bool:
        """Whether such a document holds anything that can be read as one."""

    @abstractmethod
    def assemble_document(
        self, document: Mapping[str, Any], request: Mapping[str, Any], head: RawHead
    ) -> AssembledAnswer:
        """What such a document says; with a failure, where it says that there is no good answer."""

    def read(self, raw: RawExchange) -> TypedReading:
        """What the record says; first match wins."""
        body = Body(raw)
        if raw.head is None:
            return TypedReading(body=body, shape="none", failure=raw.failure or _classify_missing_response(raw))
        if not 200 <= raw.head.status < 300:
            refused = classify_error_answer(raw.head, body.data, url=raw.request.url)
            return TypedReading(body=body, shape="refused", failure=refused)
        if body.problem is not None:
            return TypedReading(body=body, shape="undecodable", failure=make_failure("protocol", "body", body.problem))
        if body.is_html:
            return TypedReading(body=body, shape="page", failure=classify_page(raw.head, body.data))
        return self._read_document(raw, raw.head, body) or self._read_stream(raw, raw.head, body)

    def _read_document(self, raw: RawExchange, head: RawHead, body: Body) -> TypedReading | None:
        """A body that is one JSON document; None if it is none that an answer can be."""
        document = body.document
        if isinstance(document, dict) and self.is_answer(document):
            shape: Shape = "ignored" if is_stream_requested(raw) else "document"
            done = self.assemble_document(document, read_request_body(raw), head)
            failed = _find_failure(done, "body")
            if has_plain_error(document):
                failed = classify_error_answer(head, body.data)
            elif not self.has_answer(document):
                failed = classify_unusable_body(head, body, "there is no answer in the answer")
            reading = TypedReading(body=body, shape=shape, failure=failed)
            reading.bad_utf8_at = sse.find_invalid_utf8(body.data)
            _fill_reading(reading, done)
            return reading
        if has_error(document):
            return TypedReading(body=body, shape="error", failure=classify_error_document(head, body))
        return None

    def _read_stream(self, raw: RawExchange, head: RawHead, body: Body) -> TypedReading:
        """A stream, or nothing that can be read."""
        if not is_stream_requested(raw) and body.media_type != EVENT_STREAM:
            what = "the answer is neither JSON of this API nor an event stream"
            why = None if raw.end == "cancelled" else raw.failure or classify_unusable_body(head, body, what)
            return TypedReading(body=body, shape="unreadable", failure=why)
        clean = raw.has_clean_end
        stream = sse.read_event_stream(body.chunks, clean=clean)
        unframed = find_unframed_error(stream.strays, body.media_type)
        if unframed is None and stream.strays and not stream.has_data:
            if is_cut_by_us(raw, body):
                return TypedReading(body=body, shape="unreadable", failure=classify_cut_body(raw))
            why = classify_unusable_body(head, body, "the body is not a stream of events: no line is a data field")
            return TypedReading(body=body, shape="not-sse", failure=why)
        reading = TypedReading(body=body, shape="stream", stream=stream)
        reading.bad_utf8_at = sse.find_invalid_utf8(body.data, clean=clean)
        reading.closing = "limit" if body.over_limit or stream.over_limit else raw.end
        read_typed_events(reading, stream)
        self._conclude_stream(reading, raw, unframed)
        return reading

    def _conclude_stream(
        self, reading: TypedReading, raw: RawExchange, unframed: tuple[StrayLine, dict[str, Any]] | None
    ) -> None:
        """Assemble what came before an error; say how the stream was over, and why that is a failure."""
        error = reading.error
        done = self.assemble_events(
            [one for one in reading.typed if error is None or one.event < error.event], raw.head
        )
        _fill_reading(reading, done)
        end_offset = reading.events[done.end.event].offset if done.end is not None else float("inf")
        if unframed is not None and unframed[0].offset < end_offset:
            reading.unframed_error_at = unframed[0].offset
            reading.closing, reading.failure = "error", classify_error_object(unframed[1], head=raw.head)
        elif done.end is not None:
            reading.closing, reading.failure = "done", _find_failure(done, "stream")
            reading.done_ns = done.end.t_ns
        elif error is not None:
            said = find_envelope_error(error.value) or error.value
            reading.closing, reading.failure = "error", classify_error_object(said, head=raw.head)
            reading.done_ns = error.t_ns
        else:
            reading.failure = (
                _find_failure(done, "stream")
                if done.is_finished
                else _classify_stream_end(reading, raw, self.event_prefixes)
            )


def _find_failure(done: AssembledAnswer, phase: str) -> Failure | None:
    """Why an answer that came to its end is no good one: it says so, a filter left nothing of it, or it is silent."""
    choice = done.choice
    if done.failure is not None or choice.has_other or choice.reasoning or not choice.is_empty:
        return done.failure
    if choice.finish_reason == "content_filter":
        return make_withheld_failure(phase)
    return make_silent_failure(phase) if choice.finish_reason is None and choice.own_reason is None else None


def _fill_reading(reading: TypedReading, done: AssembledAnswer) -> None:
    """Take what was assembled into a reading."""
    reading.output, reading.marks, reading.is_finished = done.output, done.marks, done.is_finished
    reading.choices, reading.usages, reading.end_event = [done.choice], done.usages, done.end
    reading.object_count = len(reading.typed)
    reading.facts.update(done.facts)
    _note_replacements(reading)


def _note_replacements(reading: TypedReading) -> None:
    """Note U+FFFD in what was said that the server itself wrote: bad UTF-8 is another matter."""
    if _REPLACEMENT not in reading.output.text + reading.output.reasoning:
        return
    bad = sse.find_invalid_utf8(reading.body.data, clean=True) is not None
    if reading.shape != "stream":
        sent = reading.body.data.decode("utf-8", "replace")
        if not bad and (_REPLACEMENT in sent or "\\ufffd" in sent.lower()):
            reading.facts.note("replacement_character", None)
        return
    foreign = (
        {at for at, own in sse.iterate_invalid_utf8_events(reading.body.data, reading.events) if not own} if bad else ()
    )
    for one in reading.typed:
        if one.event not in foreign and any(_REPLACEMENT in text for text in _iterate_spoken_texts(one.value)):
            reading.facts.note("replacement_character", one.event)


def _iterate_spoken_texts(value: Mapping[str, Any]) -> Iterator[str]:
    """The texts of an event that may be said: its own, and those of its delta, part or block."""
    inner = [value.get(member) for member in ("delta", "part", "content_block")]
    for one in (value, *(one for one in inner if isinstance(one, dict))):
        yield from (one[name] for name in _SPOKEN if isinstance(one.get(name), str))


def _classify_stream_end(reading: TypedReading, raw: RawExchange, prefixes: tuple[str, ...]) -> Failure | None:
    """Why a body that ended in the middle of an answer is a failure; None if this side ended it."""
    if reading.closing == "limit":
        return raw.failure or make_failure("protocol", "stream", "the stream is larger than it may be")
    if reading.closing == "cancelled":
        return None
    if reading.closing == "stall":
        return raw.failure or make_failure("timeout", "stream", "no byte came within the idle limit")
    if reading.is_empty:
        what = "the stream ended without one JSON object"
        return classify_silent_stream(reading.events, head=raw.head, what=what)
    if reading.closing == "reset":
        return raw.failure or make_failure("network", "stream", "the connection was lost in the middle of the answer")
    if any(one.type.startswith(prefixes) for one in reading.typed):
        return make_failure("protocol", "stream", "the stream ended in the middle of the answer")
    return classify_silent_stream(reading.events, head=raw.head, what="the stream holds no event of this API")


def _classify_missing_response(raw: RawExchange) -> Failure | None:
    if raw.end == "cancelled":
        return None
    return make_failure("timeout" if raw.end == "stall" else "network", "headers", "no response came")
