"""JSON Schema as far as servers can be held to it: type, required, enum, properties, items, and
additionalProperties: false.

Other keywords are ignored, and so is a keyword whose value is none: a schema comes from the user's request,
and what is wrong with it is no fault of the server. Importing jsonschema takes a second where its format
checkers are installed, for keywords that are not judged here; a test holds this module to its verdicts.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.dialects.fragments import render_value

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "null": (type(None),),
    "boolean": (bool,),
    "string": (str,),
    "integer": (int, float),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


def find_violation(value: Any, schema: object) -> str | None:
    """How a JSON value breaks a schema, in one line; None if it does not."""
    return next(_iterate_violations(value, schema, ""), None)


def _iterate_violations(value: Any, schema: object, place: str) -> Iterator[str]:
    if schema is False:
        yield f"{place or 'the value'} is not allowed"
    if not isinstance(schema, Mapping):
        return
    if not _has_type(value, schema.get("type")):
        yield f"{place or 'the value'} is {render_value(value)}, not of type {render_value(schema['type'])}"
    options = schema.get("enum")
    if isinstance(options, list) and not any(is_same_json(value, option) for option in options):
        yield f"{place or 'the value'} is {render_value(value)}, not one of {render_value(options)}"
    if isinstance(value, dict):
        yield from _judge_object(value, schema, place)
    elif isinstance(value, list):
        yield from _judge_array(value, schema, place)


def _judge_object(value: dict[str, Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    required, properties = schema.get("required"), schema.get("properties")
    for name in required if isinstance(required, list) else ():
        if isinstance(name, str) and name not in value:
            yield f"{place}[{name!r}] is required"
    known = properties if isinstance(properties, Mapping) else {}
    for name, item in value.items():
        if name in known:
            yield from _iterate_violations(item, known[name], f"{place}[{render_value(name)}]")
        elif schema.get("additionalProperties") is False and not schema.get("patternProperties"):
            yield f"{place}[{render_value(name)}] is not allowed"


def _judge_array(value: list[Any], schema: Mapping[str, Any], place: str) -> Iterator[str]:
    """One schema for all items, or a list of one for each of the first; beside `prefixItems` it is for the rest."""
    items, prefix = schema.get("items"), schema.get("prefixItems")
    start = len(prefix) if isinstance(prefix, list) else 0
    each = items if isinstance(items, list) else [items] * len(value)
    for index, (item, one) in enumerate(zip(value[start:], each, strict=False), start):
        yield from _iterate_violations(item, one, f"{place}[{index}]")


def _has_type(value: Any, wanted: object) -> bool:
    """Whether a value is of one of the named types; a name that is no type names every value."""
    names = wanted if isinstance(wanted, list) else [wanted]
    return not names or any(_is_a(value, name) for name in names)


def _is_a(value: Any, name: object) -> bool:
    if not isinstance(name, str) or name not in _TYPES:
        return True
    if isinstance(value, bool):
        return name == "boolean"
    if isinstance(value, float) and name == "integer":
        return value.is_integer()
    return isinstance(value, _TYPES[name])


def is_same_json(one: Any, other: Any) -> bool:
    """JSON equality: 1 and 1.0 are the same number, true is none."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same_json, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same_json(one[name], other[name]) for name in one)
    return bool(one == other)
