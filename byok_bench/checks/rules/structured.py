"""JSON modes: response_format of chat, text.format of Responses, output_config.format of Messages."""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from byok_bench.checks.finding import ERROR, Hit
from byok_bench.checks.json_schema import find_violation
from byok_bench.checks.registry import TYPED, check
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.answer import Choice
from byok_bench.dialects.fragments import render_value
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

_FENCE: Final = "```"
_MODES: Final = ("json_object", "json_schema")


class _Mode(NamedTuple):
    """What the request asks for."""

    kind: str
    """json_object or json_schema; empty if it asks for neither."""
    schema: Any
    """The JSON schema; None if there is none."""


def _read_mode(seen: SeenExchange) -> _Mode:
    """The JSON mode of the request, in the words of its dialect."""
    if seen.schema == "chat":
        form = _get_part(seen.request, "response_format")
        schema = _get_part(form, "json_schema").get("schema")
    else:
        outer = "text" if seen.schema == "responses" else "output_config"
        form = _get_part(_get_part(seen.request, outer), "format") or _get_part(seen.request, "output_format")
        schema = form.get("schema")
    kind = form.get("type")
    return _Mode(kind, schema) if kind in _MODES else _Mode("", None)


def _get_part(value: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    found = value.get(member)
    return found if isinstance(found, dict) else {}


def _iterate_judged_choices(seen: SeenExchange) -> Iterator[Choice]:
    """Choices that ended with stop and text: no calls, no refusal, nothing blank, no error in the stream.

    A stop sequence of the request may have cut the JSON, where nothing says that it did not.
    """
    for choice in (
        seen.error_free_answer.choices if seen.error_free_answer and _read_mode(seen).kind and not seen.has_stop else ()
    ):
        spoke = choice.text.strip() and not choice.refusal and not choice.calls
        if spoke and choice.finish_reason == "stop":
            yield choice


def _iterate_decoded_texts(seen: SeenExchange) -> Iterator[tuple[Choice, Any]]:
    """Judged choices without a fence, with the value of their text."""
    for choice in _iterate_judged_choices(seen):
        if not choice.text.strip().startswith(_FENCE):
            yield choice, bounded_json.decode_json(choice.text.strip())


@check("structured.valid-json", ERROR, applies_to="chat", also=TYPED)
def valid_json(seen: SeenExchange) -> Iterator[Hit]:
    """Return JSON in JSON modes.

    Rule: with response_format json_object or json_schema (text.format in Responses, output_config.format in
    Messages), content that ends with stop and has no calls beside it is JSON from end to end, white space aside;
    for json_object an object. Not judged where the request has stop sequences.
    Why: parsers fail on a sentence after it.
    Seen in: ROCm/FastFlowLM#554
    """
    for choice, value in _iterate_decoded_texts(seen):
        if isinstance(value, Malformed):
            if value.why == "syntax":
                yield Hit(f"the content is no JSON: {value.message}", choice.event)
        elif _read_mode(seen).kind == "json_object" and not isinstance(value, dict):
            yield Hit(f"the content is JSON, but no object: {render_value(value)}", choice.event)


@check("structured.fenced", ERROR, applies_to="chat", also=TYPED)
def fenced(seen: SeenExchange) -> Iterator[Hit]:
    """Put no fence around JSON.

    Rule: content of a JSON mode does not begin with three backticks. Stands for the finding that it is no JSON.
    Why: parse() of the SDK fails on it.
    Seen in: veniceai/api-docs#264; mealie-recipes/mealie#8133
    """
    for choice in _iterate_judged_choices(seen):
        if choice.text.strip().startswith(_FENCE):
            yield Hit("the JSON is fenced", choice.event)


@check("structured.schema", ERROR, applies_to="chat", also=TYPED)
def schema(seen: SeenExchange) -> Iterator[Hit]:
    """Match the schema that was asked for.

    Rule: with a mode json_schema the content satisfies the schema of the request, as far as type, required,
    enum, properties, items and additionalProperties: false go.
    Why: the request is taken without complaint, and the answer has whatever form the model likes.
    Seen in: laravel/ai#879; mealie-recipes/mealie#8133
    """
    mode = _read_mode(seen)
    for choice, value in _iterate_decoded_texts(seen) if mode.kind == "json_schema" else ():
        if not isinstance(value, Malformed):
            broken = find_violation(value, mode.schema)
            if broken is not None:
                yield Hit(f"the content breaks the schema: {broken}", choice.event)
