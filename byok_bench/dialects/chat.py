"""The chat dialect: request body, and triage of what came back.

First match decides what an answer is: no response, a refusal, an undecodable coding, a page, an error document,
one JSON answer, lines that are no events, or a stream. Streams are read in chat_closing.py.
"""

from collections.abc import Mapping
from typing import Any, Final

from byok_bench.dialects.answer import ChatReading, Shape, is_finished
from byok_bench.dialects.base import Terminator, merged
from byok_bench.dialects.body import Body
from byok_bench.dialects.chat_closing import read_stream
from byok_bench.dialects.chat_output import output_of
from byok_bench.dialects.chat_stream import Assembly
from byok_bench.dialects.classify import failure_of_answer, failure_of_page
from byok_bench.dialects.error_body import holds_error
from byok_bench.wire import bounded_json
from byok_bench.wire.failures import Failure, failure
from byok_bench.wire.raw import RawExchange, RawHead


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
        if holds_error(body.document):
            return _without_answer("error", body, failure_of_answer(raw.head, body.data))
        sent = bounded_json.decode(raw.request.body)
        request = sent if isinstance(sent, dict) else {}
        if request.get("stream") is True:
            return _read_streamed(raw, raw.head, body, request)
        return _read_whole(raw, raw.head, body)


DIALECT: Final = ChatDialect()


def _without_answer(shape: Shape, body: Body, why: Failure | None) -> ChatReading:
    return ChatReading(body=body, shape=shape, failure=why)


def _read_whole(raw: RawExchange, head: RawHead, body: Body) -> ChatReading:
    """One JSON answer, as asked for."""
    document = body.document
    if isinstance(document, dict) and isinstance(document.get("choices"), list) and document["choices"]:
        return _document("document", body, document, raw.failure)
    return _without_answer("unreadable", body, raw.failure or failure_of_answer(head, body.data))


def _read_streamed(raw: RawExchange, head: RawHead, body: Body, request: Mapping[str, Any]) -> ChatReading:
    """A stream was asked for. One JSON answer in its place is taken, and reported by a rule."""
    document = body.document
    if isinstance(document, dict) and document.get("object") == "chat.completion":
        return _document("ignored", body, document, None)
    n = request.get("n")
    return read_stream(raw, head, body, max(1, n) if type(n) is int else 1)


def _document(shape: Shape, body: Body, document: Mapping[str, Any], why: Failure | None) -> ChatReading:
    assembly = Assembly()
    assembly.add_document(document)
    for choice in assembly.choices.values():
        choice.seal()
    return ChatReading(
        body=body,
        shape=shape,
        failure=why,
        output=output_of(assembly),
        choices=list(assembly.choices.values()),
        usages=assembly.usages,
        facts=assembly.facts,
        finished=is_finished(assembly.choices.values()),
    )
