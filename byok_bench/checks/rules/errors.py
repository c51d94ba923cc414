"""Rules about errors: where a server reports them, in which form, and what it tells about waiting.

How an error is read and classified is in dialects/; probes that provoke errors are in probes/errors.py.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.registry import TYPED_STREAMS, check
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.body import EVENT_STREAM
from byok_bench.dialects.failures.durations import read_http_date_s
from byok_bench.dialects.failures.envelopes import has_error
from byok_bench.dialects.failures.error_body import find_error_object, take_first
from byok_bench.dialects.json_values import to_error_status
from byok_bench.dialects.server_text import decode_text
from byok_bench.dialects.typed_events.events import TypedReading
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

_SECONDS: Final = re.compile(r"[0-9]+", re.ASCII)
_FIXDATE: Final = re.compile(
    r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} "
    r"\d\d:\d\d:\d\d GMT",
    re.ASCII,
)
_PYTHON_TRACE: Final = "Traceback (most recent call last)"
_JAVASCRIPT_FRAME: Final = re.compile(r"\n[ \t]+at [^\n()]{1,200} \([^\n()]{1,400}:\d{1,9}:\d{1,9}\)")
_MAY_BE_JSON: Final = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*(?:[{\[\"tfn0-9-]|\Z)")
"""How the start of a JSON value looks, or nothing yet."""
_STRUCTURE: Final = 2_000
"""Strings of an error body that are searched for traces."""


@check("error.in-stream", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def in_stream(seen: SeenExchange) -> Iterator[Hit]:
    """Avoid failing inside a 200 stream.

    Rule: no event has an error member that is a non-empty object or string, is named error, is an object of
    type error, or reports a code and its words in place of choices; no choice has such a member or the
    finish_reason error. After one the run has failed: it is classified, the output stays, reading stops (after
    the error of a choice it goes on), and nothing that the rest of the stream lacks is reported. In Responses the
    event response.failed is one, too.
    Why: where the object goes unread, half an answer passes for a whole one.
    Seen in: openai/openai-python src/openai/_streaming.py; zendev-sh/goai#110; genkit-ai/genkit#6259;
    https://openrouter.ai/docs/api/reference/errors-and-debugging
    """
    fact, typed = (
        seen.chat_reading.facts.get("error_event") if seen.chat_reading is not None else None,
        seen.typed_reading,
    )
    if fact is not None:
        yield Hit(f"the stream reports an error: {_describe_error(seen)}", event=fact.event)
    if typed is not None and typed.shape == "stream" and _has_reported_error(typed):
        told = typed.error if typed.closing == "error" else typed.end_event
        yield Hit(
            f"the stream reports an error: {_describe_error(seen)}",
            event=told.event if told is not None else None,
        )


@check("error.unframed", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def unframed(seen: SeenExchange) -> Iterator[Hit]:
    """Frame in-stream errors as data.

    Rule: no line outside the fields of server-sent events holds a JSON object with an error, alone or joined
    with other such lines, and a body labelled text/event-stream is no JSON document with an error. It is
    classified, and reported instead of what the stream lacks.
    Why: to a parser of event streams such a line is nothing: an answer without text, and no reason given.
    Seen in: lemonade-sdk/lemonade#2975; huggingface/text-generation-inference#1896
    """
    at = seen.answer_reading.unframed_error_at if seen.answer_reading is not None else None
    if at is not None:
        yield Hit(f"a line that is no event holds an error: {_describe_error(seen)}", offset=at)
    elif _is_error_document(seen) and _is_labelled_stream(seen):
        yield Hit(f"the body is labelled as a stream and is one error document: {_describe_error(seen)}", offset=0)


@check("error.status-200", ERROR, applies_to="any")
def status_200(seen: SeenExchange) -> Iterator[Hit]:
    """Use an error status for errors.

    Rule: where the status is 2xx, the body is no JSON document that has an error member, says success: false, or
    has a code and its words in place of an answer, and no choice of it has an error or the finish_reason error.
    It is classified by its body, and what was said stays. (A body labelled text/event-stream where a stream was
    asked for is a matter of error.unframed.)
    Why: LM Studio says 200 to a route that it does not have, and clients read an empty reply.
    Seen in: lmstudio-ai/lmstudio-bug-tracker#618; lmstudio-ai/lmstudio-bug-tracker#1323;
    modelscope/evalscope#1673; genkit-ai/genkit#6079
    """
    if _is_error_document(seen) and not _is_labelled_stream(seen):
        yield Hit(f"status {seen.status}, and the body is an error: {_describe_error(seen)}")
    elif seen.chat_reading is not None and "choice_error" in seen.chat_reading.facts:
        yield Hit(f"status {seen.status}, and a choice reports an error: {_describe_error(seen)}")


@check("error.shape", WARN, applies_to="any")
def shape(seen: SeenExchange) -> Iterator[Hit]:
    """Wrap errors as error.message, type, param, code.

    Rule: the body of an error is an object with a member error, which is an object in turn and has a message:
    a string, not an empty one. A flat object, a string, detail or a list is reported, and its message is
    still read. Answers of the Messages API have an envelope and a rule of their own.
    Why: in every other shape the OpenAI SDK finds no words to show.
    Seen in: vllm-project/vllm#12886; huggingface/chat-ui#1343
    """
    body = _find_error_json(seen)
    if seen.schema == "messages" or isinstance(body, Malformed):
        return
    error = body.get("error") if isinstance(body, dict) else None
    message = error.get("message") if isinstance(error, dict) else None
    if not isinstance(message, str) or not message.strip():
        yield Hit(f"no error.message, but {_describe_shape(body)}")


@check("error.not-json", WARN, applies_to="any")
def not_json(seen: SeenExchange) -> Iterator[Hit]:
    """Send JSON error bodies.

    Rule: the body of an answer with status 400 or more is JSON, and not empty. A body that was cut counts where
    its start can be no JSON.
    Why: users get walls of HTML in their error boxes.
    Seen in: JuiceBoxxGames/utsuwa#67
    """
    if seen.status < 400 or not isinstance(_decode_whole_body(seen), Malformed):
        return
    was_cut = seen.raw.end not in ("eof", "done") or seen.body.over_limit
    if was_cut and _MAY_BE_JSON.match(seen.body.data):
        return
    kind = seen.body.media_type or "text without a media type"
    if seen.body.problem is not None:
        yield Hit(f"status {seen.status} with a body that cannot be read: {seen.body.problem}")
    else:
        yield Hit(f"status {seen.status} with {kind if seen.body.data.strip() else 'an empty body'}")


@check("error.status-mismatch", WARN, applies_to="any")
def status_mismatch(seen: SeenExchange) -> Iterator[Hit]:
    """Agree on status and body code.

    Rule: a number from 400 to 599 in error.code or status_code, as an integer or as text, is that of the HTTP
    status (judged from status 400 on).
    Why: of two numbers a client believes one, and retries what is final or gives up what would pass.
    Seen in: ggml-org/llama.cpp#15780
    """
    root = take_first(_find_error_json(seen))
    if seen.status < 400 or not isinstance(root, Mapping):
        return
    error, _ = find_error_object(root)
    named = [to_error_status(error.get("code"))]
    named += [to_error_status(layer.get(name)) for layer in (error, root) for name in ("status_code", "statusCode")]
    other = next((status for status in named if status not in (None, seen.status)), None)
    if other is not None:
        yield Hit(f"the status is {seen.status}, and the body says {other}")


@check("error.stack-trace", WARN, applies_to="any")
def stack_trace(seen: SeenExchange) -> Iterator[Hit]:
    """Leak no stack traces.

    Rule: no error body holds Python's "Traceback (most recent call last)", and no line like JavaScript's `at
    name (path:line:column)`.
    Why: they leak internals and are of no use to users.
    Seen in: vllm-project/vllm#57997
    """
    if seen.status < 400 and not _is_error_document(seen):
        return
    for text in _iterate_strings(seen):
        if _PYTHON_TRACE in text or _JAVASCRIPT_FRAME.search(text):
            yield Hit(f"the error body holds a {'Python' if _PYTHON_TRACE in text else 'JavaScript'} stack trace")
            return


@check("error.retry-after-form", WARN, applies_to="any")
def retry_after_form(seen: SeenExchange) -> Iterator[Hit]:
    """Write Retry-After as seconds or HTTP date.

    Rule: a Retry-After header holds whole seconds, zero or more, or a date in the fixed form of HTTP
    (IMF-fixdate). Other forms are reported; decimals and the obsolete date formats are used all the same.
    Why: a client that called float() on a date lost a whole scoring run.
    Seen in: interviewstreet/hiring-agent#386; promptfoo/promptfoo#8341
    """
    value = seen.head.get_header("retry-after") if seen.head is not None else None
    if value is None or _SECONDS.fullmatch(value.strip()):
        return
    if not _FIXDATE.fullmatch(value.strip()) or read_http_date_s(value) is None:
        yield Hit(f"Retry-After is {value[:80]!r}")


@check("error.retry-after-missing", INFO, applies_to="any")
def retry_after_missing(seen: SeenExchange) -> Iterator[Hit]:
    """Tell clients when to retry.

    Rule: an answer with status 429 or 503 names a usable delay: in a Retry-After header, in the details or the
    text of its error, or (429) by the reset time of a used-up rate limit.
    Why: clients that back off blindly hit the same window again.
    Seen in: letterstory/lettertrace#34
    """
    if seen.status in (429, 503) and (seen.failure is None or seen.failure.retry_after_s is None):
        yield Hit(f"status {seen.status} without a delay")


def _has_reported_error(typed: TypedReading) -> bool:
    """Whether an event of a stream reports an error; a filter's reason to end is none, even if nothing is left."""
    told = typed.closing == "error" or (typed.has_failed and typed.output.finish_reason is None)
    return told and typed.unframed_error_at is None


def _describe_error(seen: SeenExchange) -> str:
    return seen.failure.message[:200] if seen.failure is not None else ""


def _is_error_document(seen: SeenExchange) -> bool:
    """A 2xx answer that is an error by its shape; a failed response object of the Responses API is an answer."""
    document = seen.document
    is_response = isinstance(document, dict) and document.get("object") == "response"
    return seen.is_success and not seen.body.is_html and not is_response and has_error(document)


def _is_labelled_stream(seen: SeenExchange) -> bool:
    """Whether a stream was asked for, and the answer calls itself one."""
    return seen.is_stream_requested and seen.body.media_type == EVENT_STREAM


def _decode_whole_body(seen: SeenExchange) -> Any:
    """The body as any JSON value, or a `Malformed`."""
    return bounded_json.decode_json(decode_text(seen.body.data).strip(" \t\r\n"))


def _find_error_json(seen: SeenExchange) -> Any:
    """The JSON value of an error body; a `Malformed` if the answer has none."""
    if seen.status >= 400:
        return _decode_whole_body(seen)
    judged = _is_error_document(seen) and not _is_labelled_stream(seen)
    return seen.document if judged else Malformed("syntax", "no error")


def _describe_shape(body: object) -> str:
    if isinstance(body, list):
        return "a list"
    if not isinstance(body, dict):
        return f"a JSON {type(body).__name__}"
    if isinstance(body.get("error"), str):
        return "a string as error"
    return "an object with " + (", ".join(sorted(str(name)[:40] for name in body)[:6]) or "no member")


def _iterate_strings(seen: SeenExchange) -> Iterator[str]:
    """The body as text, and every string in it if it is JSON: line breaks are escaped there."""
    yield decode_text(seen.body.data)
    waiting, left = [_decode_whole_body(seen)], _STRUCTURE
    while waiting and left:
        left -= 1
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
