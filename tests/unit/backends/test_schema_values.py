"""Values made up for a JSON Schema obey it."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.backends.simulator.schema_values import make_schema_value

TEXT = 'What is the weather in Paris and "New York" on day 3, in 25 degrees, for order A1234?'
BOUNDS = st.fixed_dictionaries({}, optional={"minimum": st.integers(-50, 10), "maximum": st.integers(20, 90)})
LENGTHS = st.fixed_dictionaries({}, optional={"minLength": st.integers(0, 5), "maxLength": st.integers(6, 20)})
SIZES = st.fixed_dictionaries({}, optional={"minItems": st.integers(0, 2), "maxItems": st.integers(2, 4)})


def with_type(kind: str, more: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Schemas of one type with some constraints."""
    return more.map(lambda extra: {"type": kind, **extra})


PLAIN = st.one_of(
    with_type("string", LENGTHS),
    with_type("integer", BOUNDS),
    with_type("number", BOUNDS),
    st.sampled_from(
        [
            {"type": "boolean"},
            {"type": "null"},
            {"enum": ["b", 2]},
            {"const": {"x": 1}},
            {"type": ["null", "string"]},
        ]
    ),
)


def objects(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Strict objects, arrays and unions of simpler schemas."""
    members = st.dictionaries(st.sampled_from("abcd"), inner, max_size=4)
    strict = members.map(
        lambda found: {
            "type": "object",
            "properties": found,
            "required": sorted(found),
            "additionalProperties": False,
        }
    )
    arrays = st.tuples(inner, SIZES).map(lambda pair: {"type": "array", "items": pair[0], **pair[1]})
    unions = st.lists(inner, min_size=1, max_size=3).map(lambda found: {"anyOf": found})
    return st.one_of(strict, arrays, unions)


@given(st.recursive(PLAIN, objects, max_leaves=8))
def test_a_made_up_value_obeys_its_schema(schema: dict[str, Any]) -> None:
    """Whatever the schema is built of, the value is valid."""
    jsonschema.validate(make_schema_value(schema, TEXT), schema)


REFERRING: list[dict[str, Any]] = [
    {"$ref": "#/$defs/city", "$defs": {"city": {"type": "string"}}},
    {
        "allOf": [{"required": ["a"], "properties": {"a": {"type": "integer"}}}],
        "type": "object",
        "properties": {"b": {"type": "string"}},
        "required": ["b"],
    },
    {
        "$defs": {
            "node": {
                "type": "object",
                "properties": {"next": {"type": "array", "items": {"$ref": "#/$defs/node"}}},
            }
        },
        "$ref": "#/$defs/node",
    },
    {"properties": {"only": {"type": "number", "multipleOf": 5}}, "required": ["only", "undescribed"]},
    {"type": "string", "format": "date", "maxLength": 10},
    {"type": "integer", "exclusiveMinimum": 30, "exclusiveMaximum": 32},
]


@pytest.mark.parametrize("schema", REFERRING, ids=str)
def test_references_and_merged_parts_are_followed(schema: dict[str, Any]) -> None:
    """$ref, allOf, recursion and missing types end in a valid value."""
    jsonschema.validate(make_schema_value(schema, TEXT), schema)


@pytest.mark.parametrize(
    "schema", [True, None, {}, {"$ref": "#/nowhere"}, {"$ref": "https://example.com"}, {"type": []}]
)
def test_a_schema_that_says_nothing_gives_some_value(schema: Any) -> None:
    """Nonsense in a schema is no reason to fall over."""
    make_schema_value(schema, TEXT)


def test_values_are_taken_from_the_text() -> None:
    """Quoted words come first, then names and codes; numbers in their order."""
    strings = {"type": "array", "items": {"type": "string"}, "minItems": 3}
    numbers = {"type": "array", "items": {"type": "integer"}, "minItems": 2}
    assert make_schema_value(strings, TEXT) == ["New York", "Paris", "A1234"]
    assert make_schema_value(numbers, TEXT) == [3, 25]
    assert make_schema_value({"type": "string"}, "what is it?") == "example"
    assert make_schema_value({"type": "string"}, "What's the time in Rome? I'm late.") == "Rome"
