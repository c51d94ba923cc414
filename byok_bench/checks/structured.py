"""JSON modes of chat answers: response_format json_object and json_schema."""

from collections.abc import Iterator
from typing import Any, Final

from byok_bench.checks.finding import ERROR, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.schema import violation
from byok_bench.checks.seen import Seen
from byok_bench.dialects.answer import Choice
from byok_bench.dialects.fragments import brief
from byok_bench.wire import bounded_json
from byok_bench.wire.bounded_json import Malformed

_FENCE: Final = "```"


def _mode(seen: Seen) -> str | None:
    """json_object or json_schema if the request asks for it."""
    form = seen.request.get("response_format")
    kind = form.get("type") if isinstance(form, dict) else None
    return kind if kind in ("json_object", "json_schema") else None


def _judged(seen: Seen) -> Iterator[Choice]:
    """Choices that ended with stop and text: no calls, no refusal, nothing blank, no error in the stream."""
    answer = seen.answer
    if answer is None or answer.closing == "error" or _mode(seen) is None:
        return
    for choice in answer.choices:
        spoke = choice.text.strip() and not choice.refusal and not choice.calls
        if spoke and choice.finish_reason == "stop":
            yield choice


def _parsed(seen: Seen) -> Iterator[tuple[Choice, Any]]:
    """Judged choices without a fence, with the value of their text."""
    for choice in _judged(seen):
        if not choice.text.strip().startswith(_FENCE):
            yield choice, bounded_json.decode(choice.text.strip())


@check("structured.valid-json", ERROR, applies_to="chat")
def valid_json(seen: Seen) -> Iterator[Hit]:
    """Return JSON in JSON modes.

    Rule: with response_format json_object or json_schema, content that ends with stop and has no calls beside it
    is JSON from end to end, white space aside; for json_object an object.
    Why: parsers fail on a sentence after it.
    Seen in: ROCm/FastFlowLM#554
    """
    for choice, value in _parsed(seen):
        if isinstance(value, Malformed):
            if value.why == "syntax":
                yield Hit(f"the content is no JSON: {value.message}", choice.event)
        elif _mode(seen) == "json_object" and not isinstance(value, dict):
            yield Hit(f"the content is JSON, but no object: {brief(value)}", choice.event)


@check("structured.fenced", ERROR, applies_to="chat")
def fenced(seen: Seen) -> Iterator[Hit]:
    """Put no fence around JSON.

    Rule: content of a JSON mode does not begin with three backticks. Stands for the finding that it is no JSON.
    Why: parse() of the SDK fails on it.
    Seen in: veniceai/api-docs#264; mealie-recipes/mealie#8133
    """
    for choice in _judged(seen):
        if choice.text.strip().startswith(_FENCE):
            yield Hit("the JSON is fenced", choice.event)


@check("structured.schema", ERROR, applies_to="chat")
def schema(seen: Seen) -> Iterator[Hit]:
    """Match the schema that was asked for.

    Rule: with response_format json_schema the content satisfies json_schema.schema, as far as type, required,
    enum, properties, items and additionalProperties: false go.
    Why: the request is taken without complaint, and the answer has whatever form the model likes.
    Seen in: laravel/ai#879; mealie-recipes/mealie#8133
    """
    if _mode(seen) != "json_schema":
        return
    wanted = seen.request["response_format"].get("json_schema")
    for choice, value in _parsed(seen):
        if isinstance(wanted, dict) and not isinstance(value, Malformed):
            broken = violation(value, wanted.get("schema"))
            if broken is not None:
                yield Hit(f"the content breaks the schema: {broken}", choice.event)
