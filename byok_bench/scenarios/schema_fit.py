"""Whether a text is JSON of a schema, all keywords included; and whether a schema is one."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from byok_bench.checks.json_schema import find_violation
from byok_bench.scenarios.patterns import is_schema_pattern
from byok_bench.scenarios.schema_keywords import find_broken_keyword, find_referenced
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed


def decode_json_text(text: str) -> Any:
    """The JSON value of a text, or Malformed."""
    return bounded_json.decode_json(text)


def find_misfit(text: str, schema: Mapping[str, Any]) -> str | None:
    """Why a text is not JSON of this schema; None if it is. Of a schema that is none, the plain keywords are judged."""
    value = decode_json_text(text)
    if isinstance(value, Malformed):
        return "not JSON"
    judge = find_broken_keyword if find_schema_fault(schema) is None else find_violation
    broken = judge(value, schema)
    return None if broken is None else f"does not fit the schema: {broken}"


def find_schema_fault(schema: Any, place: str = "", root: Any = None) -> str | None:
    """Why this is no JSON Schema, with the path; None if it is one. Keywords that are not known are remarks.

    `root` is the document that it stands in, if it is not one itself: what references lead into.
    """
    root = schema if root is None else root
    if isinstance(schema, bool):
        return None
    if not isinstance(schema, Mapping):
        return f"{place or 'it'} is neither an object nor true or false"
    for word, value in schema.items():
        where = f"{place}.{word}".strip(".")
        if word in _SHAPES and not _SHAPES[word](value):
            return f"{where} cannot be {value!r}"
        if word == "$ref" and str(value).startswith("#/") and find_referenced(root, value) is None:
            return f"{where} {value!r} leads nowhere"
        for name, inner in _list_inner_schemas(word, value):
            if fault := find_schema_fault(inner, f"{where}{name}", root):
                return fault
    return None


def _list_inner_schemas(word: str, value: Any) -> list[tuple[str, Any]]:
    if word in _OF_SCHEMAS:
        return [(f".{name}", one) for name, one in value.items()]
    if word in _LISTS_OF_SCHEMAS:
        return [(f"[{number}]", one) for number, one in enumerate(value)]
    return [("", value)] if word in _SCHEMAS else []


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_name_list(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _is_type(value: Any) -> bool:
    names = value if isinstance(value, list) else [value]
    return bool(names) and all(isinstance(name, str) and name in _TYPES for name in names)


_TYPES: Final = frozenset({"null", "boolean", "string", "integer", "number", "array", "object"})
_SCHEMAS: Final = (
    "items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else", "unevaluatedProperties",
    "unevaluatedItems",
)  # fmt: skip
_LISTS_OF_SCHEMAS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_OF_SCHEMAS: Final = ("properties", "patternProperties", "$defs", "dependentSchemas")
_COUNTS: Final = (
    "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains",
)  # fmt: skip
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_SHAPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "type": _is_type,
    "enum": lambda value: isinstance(value, list),
    "required": _is_name_list,
    "pattern": is_schema_pattern,
    "format": lambda value: isinstance(value, str),
    "uniqueItems": lambda value: isinstance(value, bool),
    "multipleOf": lambda value: _is_number(value) and value > 0,
    "$ref": lambda value: isinstance(value, str),
    "dependentRequired": lambda value: isinstance(value, dict) and all(map(_is_name_list, value.values())),
    **dict.fromkeys(_COUNTS, _is_count),
    **dict.fromkeys(_NUMBERS, _is_number),
    **dict.fromkeys(_LISTS_OF_SCHEMAS, lambda value: isinstance(value, list) and bool(value)),
    **dict.fromkeys(_OF_SCHEMAS, lambda value: isinstance(value, dict)),
    "patternProperties": lambda value: isinstance(value, dict) and all(map(is_schema_pattern, value)),
}
"""Keyword → what its value has to be."""
