"""The chat dialect: request body, and triage of what came back.

First match decides what an answer is: no response, a refusal, an undecodable coding, a page, an error document,
one JSON answer, lines that are no events, or a stream. Documents are read in whole_answer.py, streams in
stream.py.
"""

from collections.abc import Mapping
from typing import Any, Final

from byok_bench.dialects.answer import ChatReading, Shape
from byok_bench.dialects.body import Body
from byok_bench.dialects.chat.request import ChatRequest, read_chat_request
from byok_bench.dialects.chat.stream import read_chat_stream
from byok_bench.dialects.chat.whole_answer import has_choices, is_whole_answer, read_whole_answer
from byok_bench.dialects.dialect import merge_request
from byok_bench.dialects.failures.classification import classify_error_answer, classify_page
from byok_bench.dialects.failures.envelopes import has_error
from byok_bench.dialects.failures.missing_answers import classify_error_document, classify_unusable_body
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.raw_exchange import RawExchange, RawHead
from byok_bench.wire.recording.terminators import Terminator


class ChatDialect:
    """Chat Completions."""

    name: str = "chat"
    route: str = "/chat/completions"
    terminator: Terminator = "sse-done"

    def build(self, body: Mapping[str, Any], model: str | None, extra: Mapping[str, Any]) -> dict[str, Any]:
        """The wire request."""
        return merge_request(body, model, extra)

    def read(self, raw: RawExchange) -> ChatReading:
        """What the record says."""
        body = Body(raw)
        if raw.head is None:
            missing = None if raw.end == "cancelled" else make_failure("network", "headers", "no response")
            return _make_empty_reading("none", body, raw.failure or missing)
        if not 200 <= raw.head.status < 300:
            refused = classify_error_answer(raw.head, body.data, url=raw.request.url)
            return _make_empty_reading("refused", body, refused)
        if body.problem is not None:
            return _make_empty_reading("undecodable", body, make_failure("protocol", "body", body.problem))
        if body.is_html:
            return _make_empty_reading("page", body, classify_page(raw.head, body.data))
        asked = read_chat_request(raw)
        if has_error(body.document):
            return _read_error_document(raw.head, body, asked)
        return (
            _read_requested_stream(raw, raw.head, body, asked)
            if asked.stream
            else _read_requested_answer(raw, raw.head, body, asked)
        )


DIALECT: Final = ChatDialect()


def _make_empty_reading(shape: Shape, body: Body, why: Failure | None) -> ChatReading:
    return ChatReading(body=body, shape=shape, failure=why)


def _read_error_document(head: RawHead, body: Body, asked: ChatRequest) -> ChatReading:
    """An error document; what it holds of an answer is kept."""
    why = classify_error_document(head, body)
    if not has_choices(body.document):
        return _make_empty_reading("error", body, why)
    return read_whole_answer("error", body, body.document, asked, head, why)


def _read_requested_answer(raw: RawExchange, head: RawHead, body: Body, asked: ChatRequest) -> ChatReading:
    """One JSON answer, as asked for."""
    if has_choices(body.document):
        return read_whole_answer("document", body, body.document, asked, head, raw.failure)
    what = "the body is no chat completion"
    why = None if raw.end == "cancelled" else raw.failure or classify_unusable_body(head, body, what)
    return _make_empty_reading("unreadable", body, why)


def _read_requested_stream(raw: RawExchange, head: RawHead, body: Body, asked: ChatRequest) -> ChatReading:
    """A stream was asked for. One JSON answer in its place is taken, and reported by a rule."""
    if is_whole_answer(body.document):
        return read_whole_answer("ignored", body, body.document, asked, head, None)
    return read_chat_stream(raw, head, body, asked)
