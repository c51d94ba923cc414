"""JSON Schema as it is judged here against jsonschema's verdicts."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from byok_bench.scenarios.schema_fit import find_schema_fault
from byok_bench.scenarios.schema_keywords import find_broken_keyword

TREE = {
    "$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}, "v": {"type": "integer"}}}},
    "$ref": "#/$defs/node",
}
SCHEMAS: list[dict[str, Any]] = [
    {"const": 3},
    {"minimum": 2, "maximum": 4},
    {"exclusiveMinimum": 2, "exclusiveMaximum": 4},
    {"multipleOf": 2},
    {"minLength": 2, "maxLength": 3},
    {"pattern": "^a+$"},
    {"format": "date"},
    {"format": "ipv4"},
    {"format": "email"},
    {"format": "uuid"},
    {"anyOf": [{"type": "string"}, {"minimum": 5}]},
    {"oneOf": [{"type": "number"}, {"type": "integer"}, {"type": "null"}]},
    {"allOf": [{"type": "object"}, {"required": ["a"]}]},
    {"not": {"type": "string"}},
    {"if": {"type": "integer"}, "then": {"minimum": 3}, "else": {"type": "string"}},
    TREE,
    {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
    {"items": {"type": "integer"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
    {"contains": {"type": "integer"}, "minContains": 1, "maxContains": 1},
    {"patternProperties": {"^a": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
    {"patternProperties": {"^a": {}}, "additionalProperties": False},
    {"propertyNames": {"pattern": "^[a-z]$"}},
    {"minProperties": 1, "maxProperties": 1},
    {"dependentRequired": {"a": ["b"]}},
    {"dependentSchemas": {"a": {"required": ["b"]}}},
    {"type": ["integer", "null"]},
    {"type": "object", "properties": {"a": {"enum": [1, "x"]}}, "required": ["a"]},
]
VALUES: list[Any] = [
    None, True, 0, 2, 3, 3.0, 4, 7, 0.3, "a", "aaa", "aaaa", "b", "2024-02-29", "2024-02-30", "127.0.0.1", "x@y.z",
    "01234567-89ab-cdef-0123-456789abcdef", [], [1], [1, 1], [1, True], ["x", 1], ["x", 1, 2], ["x"], {}, {"a": 1},
    {"a": "x"}, {"a": 1, "b": "y"}, {"b": "y"}, {"ab": 1}, {"v": 1, "next": {"v": "no"}}, {"next": {"next": {"v": 1}}},
]  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_a_keyword_means_what_the_standard_says(schema: dict[str, Any]) -> None:
    """The same values fit as by jsonschema."""
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    ours = [find_broken_keyword(value, schema) is None for value in VALUES]
    assert dict(zip(map(str, VALUES), ours, strict=True)) == {str(one): validator.is_valid(one) for one in VALUES}


@pytest.mark.parametrize("schema", SCHEMAS, ids=str)
def test_a_schema_is_taken_for_one(schema: dict[str, Any]) -> None:
    """None of them has a fault."""
    assert find_schema_fault(schema) is None


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        ({"type": "integr"}, "type cannot be 'integr'"),
        ({"properties": {"a": {"minLength": -1}}}, "properties.a.minLength"),
        ({"anyOf": []}, "anyOf"),
        ({"items": 3}, "items is neither"),
        ({"$defs": {"x": {"pattern": "("}}}, "$defs.x.pattern"),
        ({"required": "a"}, "required"),
        ({"patternProperties": {"(": {}}}, "patternProperties"),
        ({"pattern": "a{99999999999999999999}"}, "pattern"),
        ({"items": {"$ref": "#/$defs/x"}, "$defs": {"y": {}}}, "items.$ref '#/$defs/x' leads nowhere"),
        ({"allOf": [{}, {"type": 3}]}, "allOf[1].type"),
    ],
)
def test_a_schema_that_is_none_is_told_by_path(schema: dict[str, Any], says: str) -> None:
    """Whoever wrote it finds the place."""
    assert says in str(find_schema_fault(schema))


def test_a_schema_that_leads_round_in_circles_ends() -> None:
    """A reference to itself allows everything, and takes no time."""
    assert find_broken_keyword(3, {"$ref": "#"}) is None
    assert find_broken_keyword(3, {"allOf": [{"$ref": "#"}, {"$ref": "#"}, {"type": "integer"}]}) is None


@pytest.mark.parametrize(
    ("value", "schema", "fits"),
    [
        (float("inf"), {"multipleOf": 3}, False),
        (1e308, {"multipleOf": 0.5}, True),
        (10**400, {"multipleOf": 0.5}, True),
        (10**400 + 1, {"multipleOf": 2}, False),
        ("a" * 200 + "!", {"format": "hostname"}, False),
        ("a.example.", {"format": "hostname"}, True),
        ("é", {"pattern": r"^\p{L}+$"}, True),
        ("b", {"pattern": "^(?<first>a)$"}, False),
        ({"a": 1}, {"patternProperties": {r"^\p{L}": {"type": "string"}}}, False),
    ],
    ids=str,
)
def test_whatever_a_model_sends_is_judged(value: Any, schema: dict[str, Any], fits: bool) -> None:
    """Numbers beyond all bounds, long names, and expressions that are ECMAScript's: no error, and no long wait."""
    assert find_schema_fault(schema) is None
    assert (find_broken_keyword(value, schema) is None) is fits
