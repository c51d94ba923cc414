"""checks/json_schema.py: the keywords of JSON Schema that servers are held to."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema.validators import create

from byok_bench.checks.json_schema import find_violation

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.sampled_from([0, 1, 1.0, 1.5, "a", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)
TYPES = st.sampled_from(["null", "boolean", "string", "integer", "number", "array", "object"])
SCHEMAS = st.recursive(
    st.just({}) | st.fixed_dictionaries({"type": TYPES | st.lists(TYPES, min_size=1, unique=True)}),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES,
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "required": st.lists(NAMES, unique=True),
            "properties": st.dictionaries(NAMES, inner, max_size=3),
            "items": inner,
            "additionalProperties": st.just(False),
            "minimum": st.just(100),
            "pattern": st.just("^never$"),
        },
    ),
    max_leaves=6,
)
_RULES = jsonschema.Draft7Validator.VALIDATORS


def independent(value: Any, schema: Any) -> Iterator[Any]:
    """The errors that jsonschema finds when it knows these keywords only."""
    names = ("type", "required", "enum", "properties", "items", "additionalProperties")
    validator = create({}, {name: _RULES[name] for name in names}, type_checker=jsonschema.Draft7Validator.TYPE_CHECKER)
    yield from validator(schema).iter_errors(value)


@settings(max_examples=300)
@given(VALUES, SCHEMAS)
def test_verdicts_are_those_of_jsonschema(value: Any, schema: dict[str, Any]) -> None:
    """With the same keywords an independent implementation comes to the same verdict."""
    assert (find_violation(value, schema) is None) == (next(independent(value, schema), None) is None)


@pytest.mark.parametrize(
    ("value", "schema", "words"),
    [
        ({"city": 7}, {"properties": {"city": {"type": "string"}}}, "['city'] is 7, not of type 'string'"),
        ({}, {"required": ["city"]}, "['city'] is required"),
        ({"x": 1}, {"properties": {}, "additionalProperties": False}, "['x'] is not allowed"),
        ({"l": [1, "a"]}, {"properties": {"l": {"items": {"type": "integer"}}}}, "['l'][1] is 'a'"),
        ("d", {"enum": ["c", "f"]}, "the value is 'd', not one of ['c', 'f']"),
        ({"a": 1}, {"properties": {"a": False}}, "['a'] is not allowed"),
    ],
)
def test_a_violation_names_place_and_reason(value: Any, schema: Any, words: str) -> None:
    """The message can be acted on without the schema at hand."""
    assert words in (find_violation(value, schema) or "")


@pytest.mark.parametrize(
    "schema",
    [
        None, 7, "object", [], {"type": "text"}, {"type": 7}, {"type": []}, {"enum": "abc"}, {"required": True},
        {"properties": []}, {"properties": {"a": 7}}, {"items": 7}, {"additionalProperties": {"type": "null"}},
        {"additionalProperties": False, "patternProperties": {".": {}}}, {"$ref": "#/definitions/x"},
    ],
)  # fmt: skip
def test_a_schema_that_says_nothing_is_satisfied(schema: Any) -> None:
    """What is wrong with the request is no fault of the server."""
    assert find_violation({"a": [1]}, schema) is None
