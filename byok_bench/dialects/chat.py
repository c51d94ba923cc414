"""The chat dialect: request body, and triage of what came back.

First match decides what an answer is: no response, a refusal, an undecodable coding, a page, an error document,
one JSON answer, lines that are no events, or a stream. Documents are read in chat_document.py, streams in
chat_closing.py.
"""

from collections.abc import Mapping
from typing import Any, Final

from byok_bench.dialects.answer import ChatReading, Shape
from byok_bench.dialects.base import merged
from byok_bench.dialects.body import Body
from byok_bench.dialects.chat_closing import read_stream
from byok_bench.dialects.chat_document import has_choices, is_answer, read_document
from byok_bench.dialects.chat_request import Asked, read_request
from byok_bench.dialects.classify import failure_of_answer, failure_of_page
from byok_bench.dialects.envelope import has_error
from byok_bench.dialects.unasked import failure_of_error, failure_of_unasked
from byok_bench.wire.failures import Failure, failure
from byok_bench.wire.raw import RawExchange, RawHead
from byok_bench.wire.terminators import Terminator


class ChatDialect:
    """Chat Completions."""

    name: str = "chat"
    route: str = "/chat/completions"
    terminator: Terminator = "sse-done"

    def build(self, body: Mapping[str, Any], model: str | None, extra: Mapping[str, Any]) -> dict[str, Any]:
        """The wire request."""
        return merged(body, model, extra)

    def read(self, raw: RawExchange) -> ChatReading:
        """What the record says."""
        body = Body(raw)
        if raw.head is None:
            return _without_answer("none", body, raw.failure or failure("network", "headers", "no response"))
        if not 200 <= raw.head.status < 300:
            refused = failure_of_answer(raw.head, body.data, url=raw.request.url)
            return _without_answer("refused", body, refused)
        if body.problem is not None:
            return _without_answer("undecodable", body, failure("protocol", "body", body.problem))
        if body.is_html:
            return _without_answer("page", body, failure_of_page(raw.head, body.data))
        asked = read_request(raw)
        if has_error(body.document):
            return _read_error(raw.head, body, asked)
        return (
            _read_streamed(raw, raw.head, body, asked)
            if asked.stream
            else _read_whole(raw, raw.head, body, asked)
        )


DIALECT: Final = ChatDialect()


def _without_answer(shape: Shape, body: Body, why: Failure | None) -> ChatReading:
    return ChatReading(body=body, shape=shape, failure=why)


def _read_error(head: RawHead, body: Body, asked: Asked) -> ChatReading:
    """An error document; what it holds of an answer is kept."""
    why = failure_of_error(head, body)
    if not has_choices(body.document):
        return _without_answer("error", body, why)
    return read_document("error", body, body.document, asked, head, why)


def _read_whole(raw: RawExchange, head: RawHead, body: Body, asked: Asked) -> ChatReading:
    """One JSON answer, as asked for."""
    if has_choices(body.document):
        return read_document("document", body, body.document, asked, head, raw.failure)
    why = raw.failure or failure_of_unasked(head, body, "the body is no chat completion")
    return _without_answer("unreadable", body, why)


def _read_streamed(raw: RawExchange, head: RawHead, body: Body, asked: Asked) -> ChatReading:
    """A stream was asked for. One JSON answer in its place is taken, and reported by a rule."""
    if is_answer(body.document):
        return read_document("ignored", body, body.document, asked, head, None)
    return read_stream(raw, head, body, asked)
