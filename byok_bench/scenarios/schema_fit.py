"""Whether a text is JSON of a schema, all keywords of JSON Schema 2020-12 included; and whether a schema is one.

The keywords that rules judge (checks/json_schema.py) are judged there. For the others jsonschema is imported, which
takes a second: only where a schema has one. Nothing is fetched: a `$ref` leads within its document or nowhere.
"""

import functools
from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final

from byok_bench.checks.json_schema import find_violation
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

_SIMPLE: Final = frozenset(
    {"type", "required", "enum", "properties", "items", "additionalProperties", "title", "description", "default"}
)

_TYPES: Final = frozenset({"null", "boolean", "string", "integer", "number", "array", "object"})


def decode_json_text(text: str) -> Any:
    """The JSON value of a text, or Malformed."""
    return bounded_json.decode_json(text)


def find_misfit(text: str, schema: Mapping[str, Any]) -> str | None:
    """Why a text is not JSON of this schema; None if it is."""
    value = decode_json_text(text)
    if isinstance(value, Malformed):
        return "not JSON"
    broken = find_violation(value, schema)
    if broken is None and not is_simple_schema(schema):
        broken = find_full_violation(value, schema)
    return None if broken is None else f"does not fit the schema: {broken}"


def is_simple_schema(schema: Any) -> bool:
    """Whether it is well formed, with no keywords and forms of them but those that are judged without jsonschema."""
    if not isinstance(schema, Mapping):
        return isinstance(schema, bool)
    members, required = schema.get("properties", {}), schema.get("required", [])
    names = schema.get("type", [])
    return (
        _SIMPLE.issuperset(schema)
        and set([names] if isinstance(names, str) else names) <= _TYPES
        and isinstance(members, Mapping)
        and isinstance(required, list)
        and isinstance(schema.get("additionalProperties", True), bool)
        and isinstance(schema.get("enum", []), list)
        and all(is_simple_schema(one) for one in (*members.values(), schema.get("items", True)))
    )


def find_full_violation(value: Any, schema: Mapping[str, Any]) -> str | None:
    """How a value breaks a schema, formats included, in one line; None if it does not, or the schema is none."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError, best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator.check_schema(schema)
        validator = Draft202012Validator(schema, registry=Registry(), format_checker=_make_format_checker())
        found = best_match(validator.iter_errors(value))
    except (SchemaError, Unresolvable, RecursionError):
        return None  # the user's schema, not the server's answer, is at fault; scenario_rules says so
    return None if found is None else f"{found.json_path}: {found.message}"


def find_schema_fault(schema: Mapping[str, Any]) -> str | None:
    """Why this is no JSON Schema; None if it is one."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{error.json_path.removeprefix('$.')}: {error.message}"
    except RecursionError:
        return "it is nested too deeply"
    return None


@functools.cache
def _make_format_checker() -> Any:
    """jsonschema's formats that need no further package, and the two of RFC 3339 that do."""
    from jsonschema import FormatChecker

    checker = FormatChecker()

    @checker.checks("date-time", ValueError)
    def is_date_time(value: object) -> bool:
        return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None

    @checker.checks("time", ValueError)
    def is_time(value: object) -> bool:
        return not isinstance(value, str) or time.fromisoformat(value).tzinfo is not None

    return checker
