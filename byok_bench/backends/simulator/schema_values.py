"""Values that obey a JSON Schema, taken from a text where it offers some: names, quoted words and numbers.

Covers type, enum, const, properties, items, anyOf, oneOf, allOf, local $ref, lengths, ranges and common formats;
`pattern` is not obeyed.
"""

import re
from collections.abc import Mapping
from typing import Any

_QUOTED = re.compile(r"[\"“`]([^\"“”`]{1,60})[\"”`]")
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
_LARGEST = 10_000
"""Lengths and sizes beyond this are not obeyed."""
_SIZES = ("minItems", "maxItems", "minLength", "maxLength")
_RANGES = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_LISTS = ("enum", "required", "anyOf", "oneOf", "allOf")


class Words:
    """Names and numbers of a text, handed out in order; after the last name the first comes again."""

    def __init__(self, text: str) -> None:
        rest = _QUOTED.sub('""', text)
        names = _QUOTED.findall(text) + _NAME.findall(rest) + _CODE.findall(rest)
        self._names = list(dict.fromkeys(names)) or ["example"]
        self._numbers = [float(number) for number in _NUMBER.findall(text)] or [1.0]
        self._name_at = self._number_at = 0

    def take_name(self) -> str:
        """The next name."""
        self._name_at += 1
        return str(self._names[(self._name_at - 1) % len(self._names)])

    def take_number(self) -> float:
        """The next number."""
        self._number_at += 1
        return self._numbers[(self._number_at - 1) % len(self._numbers)]


def make_schema_value(schema: Any, text: str) -> Any:
    """A value for the schema, with words of the text in it."""
    return _make_value(schema, schema, Words(text), 0)


def _make_value(schema: Any, root: Any, words: Words, depth: int) -> Any:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return None
    schema = _resolve_references(_drop_malformed(schema), root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    match kind := _infer_kind(schema):
        case "object":
            return _make_object(schema, root, words, depth)
        case "array":
            least = schema.get("minItems", 0)
            count = least or (1 if schema.get("maxItems", 1) and depth < _DEEPEST // 2 else 0)
            return [_make_value(schema.get("items", {}), root, words, depth + 1) for _ in range(count)]
        case "integer" | "number":
            return _make_number(schema, kind, words)
        case "boolean":
            return True
        case "null":
            return None
    return _make_string(schema, words)


def _infer_kind(schema: Mapping[str, Any]) -> Any:
    """The type to make: the first that is not null, or what the other members speak of."""
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is None:
        kind = "object" if "properties" in schema else "array" if "items" in schema else "string"
    return kind


def _drop_malformed(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without members that are not of the form they must have."""
    kept = {}
    for name, value in schema.items():
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        good = (
            (name in _SIZES and isinstance(value, int) and number and 0 <= value <= _LARGEST)
            or (name in _RANGES and number and abs(value) < 1e300)
            or (name in _LISTS and isinstance(value, list))
            or (name == "properties" and isinstance(value, dict))
            or name not in (*_SIZES, *_RANGES, *_LISTS, "properties")
        )
        if good:
            kept[name] = [one for one in value if isinstance(one, str)] if name == "required" else value
    return kept


def _make_object(schema: Mapping[str, Any], root: Any, words: Words, depth: int) -> dict[str, Any]:
    """All members: strict schemas require each of them. Near the depth limit only what is required."""
    members = schema.get("properties", {})
    required = schema.get("required", [])
    chosen = [name for name in members if name in required or depth < _DEEPEST // 2]
    names = dict.fromkeys([*chosen, *required])
    return {name: _make_value(members.get(name, {}), root, words, depth + 1) for name in names}


def _make_number(schema: Mapping[str, Any], kind: str, words: Words) -> float | int:
    value = words.take_number()
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


def _make_string(schema: Mapping[str, Any], words: Words) -> str:
    text = _FORMATS.get(str(schema.get("format"))) or words.take_name()
    shortest, longest = schema.get("minLength", 0), schema.get("maxLength")
    text = text.ljust(shortest, "x")
    return text if longest is None else text[:longest]


def _resolve_references(schema: dict[str, Any], root: Any, depth: int = 0) -> dict[str, Any]:
    """The schema with $ref, allOf and the first of anyOf or oneOf folded in."""
    for _ in range(_DEEPEST):
        reference = schema.get("$ref")
        if not isinstance(reference, str):
            break
        schema = _drop_malformed(_find_definition(root, reference))
    if depth > _DEEPEST:
        return schema
    for name in ("anyOf", "oneOf"):
        choices = [one for one in schema.get(name, []) if isinstance(one, dict)]
        if choices:
            best = next((one for one in choices if one.get("type") != "null"), choices[0])
            rest = {key: value for key, value in schema.items() if key != name}
            schema = {**rest, **_resolve_references(_drop_malformed(best), root, depth + 1)}
    for part in schema.get("allOf", []):
        if isinstance(part, dict):
            folded = _resolve_references(_drop_malformed(part), root, depth + 1)
            properties = {**schema.get("properties", {}), **folded.get("properties", {})}
            required = [*schema.get("required", []), *folded.get("required", [])]
            schema = {**folded, **schema, "properties": properties, "required": required}
    return schema


def _find_definition(root: Any, reference: str) -> dict[str, Any]:
    """What a local reference points at; {} for any other."""
    here = root
    for step in reference.removeprefix("#").strip("/").split("/"):
        if step:
            here = here.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(here, dict) else None
    return here if isinstance(here, dict) else {}
