"""Values that obey a JSON Schema, taken from a text where it offers some: names, quoted words and numbers.

Covers type, enum, const, properties, items, anyOf, oneOf, allOf, local $ref, lengths, ranges and common formats;
`pattern` is not obeyed.
"""

import re
from collections.abc import Mapping
from typing import Any

_QUOTED = re.compile(r"[\"“'‘`]([^\"”'’`]{1,60})[\"”'’`]")
_NAME = re.compile(r"(?<=[^.!?\s]\s)\b[A-Z][\w-]*(?: [A-Z][\w-]*)*")
_CODE = re.compile(r"\b(?=\w*\d)(?=\w*[A-Za-z])\w+\b")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_FORMATS = {
    "date": "2025-01-31",
    "date-time": "2025-01-31T12:00:00Z",
    "time": "12:00:00Z",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "ipv4": "127.0.0.1",
    "hostname": "example.com",
}
_DEEPEST = 12


class Words:
    """Names and numbers of a text, handed out in order; after the last name the first comes again."""

    def __init__(self, text: str) -> None:
        names = _QUOTED.findall(text) + _NAME.findall(text) + _CODE.findall(text)
        self._names = names or ["example"]
        self._numbers = [float(number) for number in _NUMBER.findall(text)] or [1.0]
        self._name_at = self._number_at = 0

    def name(self) -> str:
        """The next name."""
        self._name_at += 1
        return str(self._names[(self._name_at - 1) % len(self._names)])

    def number(self) -> float:
        """The next number."""
        self._number_at += 1
        return self._numbers[(self._number_at - 1) % len(self._numbers)]


def fill(schema: Any, text: str) -> Any:
    """A value for the schema, with words of the text in it."""
    return _value(schema, schema, Words(text), 0)


def _value(schema: Any, root: Any, words: Words, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    match kind:
        case "object":
            return _object(schema, root, words, depth)
        case "array":
            least = schema.get("minItems", 0)
            count = least or (1 if schema.get("maxItems", 1) and depth < _DEEPEST // 2 else 0)
            return [_value(schema.get("items", {}), root, words, depth + 1) for _ in range(count)]
        case "integer" | "number":
            return _number(schema, kind, words)
        case "boolean":
            return True
        case "null":
            return None
    return _string(schema, words)


def _object(schema: Mapping[str, Any], root: Any, words: Words, depth: int) -> dict[str, Any]:
    """All members: strict schemas require each of them. Near the depth limit only what is required."""
    properties = schema.get("properties")
    members = properties if isinstance(properties, dict) else {}
    required = schema.get("required") or []
    chosen = [name for name in members if name in required or depth < _DEEPEST // 2]
    names = dict.fromkeys([*chosen, *required])
    return {name: _value(members.get(name, {}), root, words, depth + 1) for name in names}


def _number(schema: Mapping[str, Any], kind: str, words: Words) -> float | int:
    value = words.number()
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    high = schema.get("maximum", schema.get("exclusiveMaximum"))
    if low is not None and value <= low:
        value = low if "minimum" in schema else low + 1
    if high is not None and value >= high:
        value = high if "maximum" in schema else high - 1
    step = schema.get("multipleOf")
    if step:
        value = round(value / step) * step
    return int(value) if kind == "integer" or value == int(value) else value


def _string(schema: Mapping[str, Any], words: Words) -> str:
    text = _FORMATS.get(str(schema.get("format"))) or words.name()
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    text = text.ljust(shortest, "x")
    return text if longest is None else text[:longest]


def _resolved(schema: dict[str, Any], root: Any) -> dict[str, Any]:
    """The schema with $ref, allOf and the first of anyOf or oneOf folded in."""
    for _ in range(_DEEPEST):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            break
        schema = _at(root, reference)
    for name in ("anyOf", "oneOf"):
        choices = [one for one in schema.get(name) or [] if isinstance(one, dict)]
        if choices:
            best = next((one for one in choices if one.get("type") != "null"), choices[0])
            schema = {**{k: v for k, v in schema.items() if k != name}, **_resolved(best, root)}
    for part in schema.get("allOf") or []:
        if isinstance(part, dict):
            part = _resolved(part, root)
            properties = {**(schema.get("properties") or {}), **(part.get("properties") or {})}
            required = [*(schema.get("required") or []), *(part.get("required") or [])]
            schema = {**part, **schema, "properties": properties, "required": required}
    return schema


def _at(root: Any, reference: str) -> dict[str, Any]:
    """What a local reference points at; {} for any other."""
    here = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            here = here.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None
    return here if isinstance(here, dict) else {}
