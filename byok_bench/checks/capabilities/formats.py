"""Structured output: is a format that was asked for obeyed?"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from byok_bench.checks.capabilities.feature import Asks, Feature, Subject, is_cut, judge_failure, make_capability
from byok_bench.checks.json_schema import find_violation
from byok_bench.checks.probes.bodies import build_question
from byok_bench.checks.probes.probe import ProbeRequest
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_record import Capability
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

SHAPE: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"kind_of_place": {"enum": ["alpha", "beta"]}, "digits": {"type": "integer"}},
    "required": ["kind_of_place", "digits"],
    "additionalProperties": False,
}
"""Nothing that a model would write without having been told."""
OBJECT: Final = {"type": "json_object"}


def make_format_asker(wanted: dict[str, Any], question: str) -> Callable[[Subject], Asks]:
    """What asks one question in a format."""

    def ask_in_format(subject: Subject) -> Asks:
        yield ProbeRequest(body=build_question(question, max_tokens=120, response_format=wanted))

    return ask_in_format


def make_schema_format(*, strict: bool) -> dict[str, Any]:
    """response_format with the schema."""
    return {"type": "json_schema", "json_schema": {"name": "place", "schema": SHAPE, "strict": strict}}


def make_format_judge(schema: dict[str, Any]) -> Callable[[Subject, Sequence[Exchange]], Capability]:
    """What judges whether the answer is JSON that fits a schema."""

    def judge_format(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
        (answer,) = exchanges
        if refused := judge_failure(answer):
            return refused
        value = bounded_json.decode_json(answer.output.text)
        if not isinstance(value, Malformed):
            misfit = find_violation(value, schema)
            if misfit is None:
                return make_capability("yes", "the answer is JSON that fits", answer)
            return make_capability("no", f"accepted, and the answer does not fit: {misfit}", answer, "ignored")
        if is_cut(answer) and answer.output.text.lstrip().startswith("{"):
            return make_capability("unknown", "max_tokens cut the answer before it was JSON", answer)
        return make_capability("no", "accepted, and the answer is no JSON", answer, "ignored")

    return judge_format


FORMAT_FEATURES: Final = (
    Feature(
        name="structured.object",
        about="does response_format json_object make the answer a JSON object?",
        ask=make_format_asker(OBJECT, "Tell me about Paris as a JSON object with the members name and country."),
        judge=make_format_judge({"type": "object"}), requests=1, tokens=180, schemas=("chat", "responses"),
    ),
    Feature(
        name="structured.schema",
        about="does a JSON Schema hold for the answer?",
        ask=make_format_asker(make_schema_format(strict=False), "Tell me about Paris."),
        judge=make_format_judge(SHAPE), requests=1, tokens=180,
    ),
    Feature(
        name="structured.strict",
        about="does it hold with strict, even against the question?",
        ask=make_format_asker(make_schema_format(strict=True), "Tell me about Paris in two sentences of plain prose."),
        judge=make_format_judge(SHAPE), requests=1, tokens=180, schemas=("chat", "responses"),
    ),
)  # fmt: skip
