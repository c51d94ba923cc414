"""The failure of a 2xx body that is not what was asked for: no answer, and no error in any form that is known.

One place for all dialects. The server's own words are kept; a sentence is classified by its words, and is
`protocol` where they say nothing. Bodies that may be an answer in another form are never searched for words.
"""

from collections.abc import Iterable
from typing import Final

import msgspec

from byok_bench.dialects.body import EVENT_STREAM, Body
from byok_bench.dialects.failures.classification import classify_error_answer, classify_error_object
from byok_bench.dialects.failures.envelopes import find_envelope_error
from byok_bench.dialects.failures.error_body import has_plain_error, read_error_value, read_words
from byok_bench.dialects.server_text import decode_text, strip_controls
from byok_bench.wire.bodies.bounded_json import Malformed
from byok_bench.wire.bodies.event_payload import read_payload
from byok_bench.wire.bodies.sse import Event
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.raw_exchange import RawExchange, RawHead

SENTENCE: Final = 1_000
"""Characters: a longer text is no message of a server."""
_NO_SENTENCE: Final = ("{", "[", "<", "data:", "event:", "id:", ":")
"""How JSON, markup and events begin."""
_EVENTS: Final = (b"data:", b"event:", b":")


def classify_error_document(head: RawHead, body: Body) -> Failure:
    """The failure of a document that reports an error (envelope.has_error)."""
    error = None if has_plain_error(body.document) else find_envelope_error(body.document)
    return (
        classify_error_answer(head, body.data)
        if error is None
        else classify_error_object(error, head=head, phase="body")
    )


def classify_unusable_body(head: RawHead, body: Body, what: str) -> Failure:
    """The failure of a body that is none of an answer, an error and a page. `what`: our word for it."""
    said = _read_body_words(body)
    if said:
        return classify_sentence(said, head=head, what=what, phase="body")
    if not body.data.strip():
        return make_failure("protocol", "body", "the body is empty", status=head.status)
    if body.media_type == EVENT_STREAM or body.data.lstrip().startswith(_EVENTS):
        return make_failure("protocol", "body", f"{what}: it is a stream of events", status=head.status)
    shown = classify_error_answer(head, body.data)
    words = shown.message.removeprefix(f"HTTP {head.status}").removeprefix(": ")
    return msgspec.structs.replace(shown, message=f"{what}: {words}" if words else what)


def is_cut_by_us(raw: RawExchange, body: Body) -> bool:
    """Whether this side ended the body, at a limit or because it was cancelled: nobody knows what was to follow."""
    return raw.end in ("limit", "cancelled") or body.over_limit


def classify_cut_body(raw: RawExchange) -> Failure | None:
    """The failure of a body that this side ended before anything could be read in it; None if it was cancelled."""
    if raw.end == "cancelled":
        return None
    return raw.failure or make_failure("protocol", "body", "the body is larger than it may be")


def make_withheld_failure(phase: str) -> Failure:
    """The failure of an answer that ended by a filter, of which nothing is left."""
    return make_failure("content_filter", phase, "a filter withheld the answer: nothing of it is left")


def make_silent_failure(phase: str) -> Failure:
    """The failure of an answer that says nothing, and not why it ended either."""
    return make_failure("protocol", phase, "there is no answer: nothing is said, and no reason to end is given")


def classify_sentence(said: str, *, head: RawHead | None, what: str, phase: str) -> Failure:
    """The failure that a server told in words alone; `protocol` where their kind is not known."""
    found = classify_error_object({"message": said}, head=head, phase=phase)
    if found.kind != "server":
        return found
    message = f"{what}: {found.message}"
    return msgspec.structs.replace(found, kind="protocol", retryable=False, message=message)


def classify_silent_stream(events: Iterable[Event], *, head: RawHead | None, what: str) -> Failure:
    """The failure of a stream whose events hold no answer: in the words that the first of them has."""
    said = next(filter(None, map(_read_event_words, events)), "")
    if not said or len(said) > SENTENCE:
        return make_failure("protocol", "stream", what)
    return classify_sentence(said, head=head, what=what, phase="stream")


def _read_event_words(event: Event) -> str:
    """The data of an event that is no JSON, or the message of its object; empty if it has neither."""
    for item in read_payload(event.data).items:
        words = event.data.strip() if item.kind == "text" else ""
        words = read_words(item.value) if isinstance(item.value, dict) else words
        if words:
            return words
    return ""


def _read_body_words(body: Body) -> str:
    """A sentence that the body is, or the message of a JSON object; empty if it has neither."""
    if not isinstance(body.document, Malformed):
        return read_error_value(body.document).words if isinstance(body.document, dict) else ""
    text = strip_controls(decode_text(body.data))
    is_sentence = len(text) <= SENTENCE and body.media_type != EVENT_STREAM
    return text if is_sentence and not text.lstrip().startswith(_NO_SENTENCE) else ""
