"""A whole chat answer: one JSON document, and whether there is an answer in it."""

from collections.abc import Mapping
from typing import Any, TypeGuard

from byok_bench.dialects.answer import ChatReading, Shape, has_finished_choices
from byok_bench.dialects.body import Body
from byok_bench.dialects.chat.assembly import ChatAssembly, classify_choice_error, classify_missing_answer
from byok_bench.dialects.chat.output import make_chat_output
from byok_bench.dialects.chat.request import ChatRequest
from byok_bench.wire.bodies.sse import find_invalid_utf8
from byok_bench.wire.failures import Failure
from byok_bench.wire.raw_exchange import RawHead


def has_choices(document: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a document has choices that can be read."""
    return isinstance(document, dict) and isinstance(document.get("choices"), list) and bool(document["choices"])


def is_whole_answer(document: object) -> TypeGuard[Mapping[str, Any]]:
    """Whether a document that came in place of a stream is a whole answer: it calls itself one, or has a message."""
    if not isinstance(document, dict):
        return False
    messages = has_choices(document) and any(
        isinstance(one, dict) and isinstance(one.get("message"), dict) for one in document["choices"]
    )
    return document.get("object") == "chat.completion" or messages


def read_whole_answer(
    shape: Shape,
    body: Body,
    document: Mapping[str, Any],
    asked: ChatRequest,
    head: RawHead,
    why: Failure | None,
) -> ChatReading:
    """Read one whole answer. `why`: the failure that is known already."""
    assembly = ChatAssembly(wants_json=asked.wants_json)
    assembly.add_document(document)
    for choice in assembly.choices.values():
        choice.assemble_texts()
    if assembly.error is not None:
        assembly.facts.note("choice_error", None)
    bad_utf8_at = find_invalid_utf8(body.data)
    if bad_utf8_at is not None:
        assembly.facts.pop("replacement_character", None)  # it stands for bad UTF-8
    choices = list(assembly.choices.values())
    return ChatReading(
        body=body,
        shape=shape,
        failure=why or classify_choice_error(assembly.error, head, "body") or classify_missing_answer(choices, "body"),
        output=make_chat_output(assembly),
        choices=choices,
        usages=assembly.usages,
        facts=assembly.facts,
        is_finished=has_finished_choices(choices),
        bad_utf8_at=bad_utf8_at,
    )
