"""JSON Schema as far as servers can be held to it: type, required, enum, properties, items, and
additionalProperties: false. Other keywords are ignored, and so is a schema that is none.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

_KEYWORDS: Final = ("type", "required", "enum", "properties", "items")


def violation(value: Any, schema: object) -> str | None:
    """How a value breaks a schema, in one line; None if it does not, or if the schema cannot be used."""
    from jsonschema.exceptions import UnknownType

    if not isinstance(schema, Mapping):
        return None
    try:
        error = next(iter(_validator()(dict(schema)).iter_errors(value)), None)
    except (UnknownType, TypeError, ValueError, AttributeError, RecursionError):
        return None
    if error is None:
        return None
    place = "".join(f"[{step!r}]" for step in error.absolute_path)
    return f"{place}: {error.message}" if place else str(error.message)


@cache
def _validator() -> Any:
    """A validator class that knows these keywords and no other."""
    from jsonschema.validators import Draft7Validator, create

    rules: dict[str, Any] = {name: Draft7Validator.VALIDATORS[name] for name in _KEYWORDS}
    rules["additionalProperties"] = _only_known
    return create(meta_schema={}, validators=rules, version=None, type_checker=Draft7Validator.TYPE_CHECKER)


def _only_known(
    validator: Any, allowed: object, instance: object, schema: Mapping[str, Any]
) -> Iterator[Any]:
    """additionalProperties, where it is false; a schema there is ignored."""
    from jsonschema.exceptions import ValidationError

    properties = schema.get("properties")
    known = properties if isinstance(properties, Mapping) else {}
    if allowed is not False or not isinstance(instance, dict) or schema.get("patternProperties"):
        return
    for name in instance:
        if name not in known:
            yield ValidationError(f"{name!r} is not allowed")
