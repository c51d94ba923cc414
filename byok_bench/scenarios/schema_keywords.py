"""The keywords of JSON Schema 2020-12 that tools use, beyond those that rules judge (checks/json_schema.py).

Judged here and not by jsonschema, whose import takes seconds where its format checkers are installed; a test holds
both to the same verdicts. https://json-schema.org/draft/2020-12/json-schema-validation. A `$ref` leads within its
document or nowhere: nothing is fetched.
"""

import ipaddress
import math
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, time
from fractions import Fraction
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlsplit
from uuid import UUID

from byok_bench.checks.json_schema import find_violation, is_same_json
from byok_bench.scenarios.patterns import is_schema_pattern, read_schema_pattern

DEEPEST: Final = 200
"""Steps into a schema and its references; a schema that leads round in circles ends here."""
LONGEST_SEARCHED: Final = 10_000
"""Characters that a pattern looks at."""


class Place(NamedTuple):
    """Where in the value, by which document, and how deep."""

    root: Mapping[str, Any]
    path: str = ""
    depth: int = 0
    followed: frozenset[tuple[str, str]] = frozenset()
    """References that led here, each with the path at which it stood."""

    def step(self, into: str = "") -> "Place":
        """One step further."""
        return Place(self.root, f"{self.path}{into}", self.depth + 1, self.followed)

    def step_behind(self, reference: str) -> "Place | None":
        """Behind a reference; None where it leads round in a circle at the same value, which says nothing more."""
        mark = (reference, self.path)
        return None if mark in self.followed else self.step()._replace(followed=self.followed | {mark})


def find_broken_keyword(value: Any, schema: Any) -> str | None:
    """How a value breaks a schema, all keywords considered, in one line; None if it does not."""
    root = schema if isinstance(schema, Mapping) else {}
    return next(_iterate_problems(value, schema, Place(root)), None)


def _iterate_problems(value: Any, schema: Any, place: Place) -> Iterator[str]:
    name = place.path or "the value"
    if schema is False:
        yield f"{name} is not allowed"
    if not isinstance(schema, Mapping) or place.depth > DEEPEST:
        return
    own = {word: schema[word] for word in ("type", "enum", "required") if word in schema}
    if problem := find_violation(value, own):
        yield f"{place.path}: {problem}" if place.path else problem
    if "const" in schema and not is_same_json(value, schema["const"]):
        yield f"{name} is not the one value allowed"
    for word, judge in _KEYWORDS.items():
        if word in schema:
            yield from judge(value, schema, place)
    if isinstance(value, dict):
        yield from _judge_members(value, schema, place)
    if isinstance(value, list):
        yield from _judge_items(value, schema, place)


def _is_met(value: Any, schema: Any, place: Place) -> bool:
    return next(_iterate_problems(value, schema, place.step()), None) is None


def _judge_members(value: dict[str, Any], schema: Mapping[str, Any], place: Place) -> Iterator[str]:
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, item in value.items():
        inner = place.step(f"[{name!r}]")
        matching = [one for pattern, one in patterns.items() if _is_matching(name, pattern)]
        if name in known:
            matching.append(known[name])
        for one in matching or ([schema["additionalProperties"]] if "additionalProperties" in schema else []):
            yield from _iterate_problems(item, one, inner)
        if "propertyNames" in schema and not _is_met(name, schema["propertyNames"], place):
            yield f"{inner.path} has a name that is not allowed"
    yield from _judge_count(len(value), schema, "Properties", place)
    for name, needed in schema.get("dependentRequired", {}).items():
        missing = [one for one in needed if name in value and one not in value]
        if missing:
            yield f"{place.path}[{missing[0]!r}] is required beside {name!r}"
    for name, one in schema.get("dependentSchemas", {}).items():
        if name in value:
            yield from _iterate_problems(value, one, place.step())


def _judge_items(value: list[Any], schema: Mapping[str, Any], place: Place) -> Iterator[str]:
    first = schema.get("prefixItems", [])
    for number, item in enumerate(value):
        one = first[number] if number < len(first) else schema.get("items", True)
        yield from _iterate_problems(item, one, place.step(f"[{number}]"))
    yield from _judge_count(len(value), schema, "Items", place)
    name = place.path or "the list"
    if schema.get("uniqueItems") is True and any(
        is_same_json(one, other) for at, one in enumerate(value) for other in value[:at]
    ):
        yield f"{name} holds an item twice"
    if "contains" in schema:
        held = sum(_is_met(item, schema["contains"], place) for item in value)
        if not schema.get("minContains", 1) <= held <= schema.get("maxContains", held):
            yield f"{name} holds {held} items of the kind that it must contain"


def _judge_count(count: int, schema: Mapping[str, Any], of: str, place: Place) -> Iterator[str]:
    least, most = schema.get(f"min{of}", 0), schema.get(f"max{of}", count)
    if not least <= count <= most:
        yield f"{place.path or 'the value'} has {count} {of.lower()}, allowed are {least} to {most}"


def _judge_reference(value: Any, schema: Mapping[str, Any], place: Place) -> Iterator[str]:
    behind = place.step_behind(str(schema["$ref"]))
    if behind is not None:
        # What leads nowhere allows all: None is no schema, and nothing is judged by it.
        yield from _iterate_problems(value, find_referenced(place.root, schema["$ref"]), behind)


def find_referenced(root: Mapping[str, Any], reference: Any) -> Any:
    """What `#` or `#/…` leads to within a document; None where it leads nowhere, or elsewhere."""
    if reference == "#":
        return root
    at: Any = root
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return None
    for part in reference[2:].split("/"):
        name = unquote(part).replace("~1", "/").replace("~0", "~")
        if isinstance(at, list):
            at = at[int(name)] if name.isdecimal() and len(name) < 7 and int(name) < len(at) else None
        else:
            at = at.get(name) if isinstance(at, Mapping) else None
    return at


def _judge_all(value: Any, schema: Mapping[str, Any], place: Place) -> Iterator[str]:
    for one in schema["allOf"]:
        yield from _iterate_problems(value, one, place.step())


def _judge_any(value: Any, schema: Mapping[str, Any], place: Place) -> Iterator[str]:
    if not any(_is_met(value, one, place) for one in schema["anyOf"]):
        yield f"{place.path or 'the value'} fits none of the forms allowed"


def _judge_one(value: Any, schema: Mapping[str, Any], place: Place) -> Iterator[str]:
    fitting = sum(_is_met(value, one, place) for one in schema["oneOf"])
    if fitting != 1:
        yield f"{place.path or 'the value'} fits {fitting} of the forms, not one"


def _judge_none(value: Any, schema: Mapping[str, Any], place: Place) -> Iterator[str]:
    if _is_met(value, schema["not"], place):
        yield f"{place.path or 'the value'} has the form that is not allowed"


def _judge_condition(value: Any, schema: Mapping[str, Any], place: Place) -> Iterator[str]:
    branch = "then" if _is_met(value, schema["if"], place) else "else"
    yield from _iterate_problems(value, schema.get(branch, True), place.step())


def _make_number_rule(word: str, is_kept: Callable[[Any, Any], bool]) -> "Rule":
    def judge(value: Any, schema: Mapping[str, Any], place: Place) -> Iterator[str]:
        if isinstance(value, int | float) and not isinstance(value, bool) and not is_kept(value, schema[word]):
            yield f"{place.path or 'the value'} is {value}, against {word} {schema[word]}"

    return judge


def _make_text_rule(word: str, is_kept: Callable[[str, Any], bool]) -> "Rule":
    def judge(value: Any, schema: Mapping[str, Any], place: Place) -> Iterator[str]:
        if isinstance(value, str) and not is_kept(value, schema[word]):
            yield f"{place.path or 'the value'} is against {word} {schema[word]!r}"

    return judge


def _is_multiple(value: float, of: float) -> bool:
    """Exactly for whole numbers; else as near as floating point is. What is beyond all numbers is no multiple."""
    if isinstance(value, int) and isinstance(of, int):
        return value % of == 0
    parts = value / of if abs(value) < 1e15 else math.inf
    if math.isfinite(parts):
        return abs(parts - round(parts)) < 1e-9
    return -math.inf < value < math.inf and Fraction(value) % Fraction(of) == 0


def _is_matching(text: str, pattern: str) -> bool:
    """Whether it is found in the text; True of a pattern that Python has no word for, which is not judged."""
    known = read_schema_pattern(pattern)
    return known is None or known.search(text[:LONGEST_SEARCHED]) is not None


def _has_format(value: str, name: str) -> bool:
    check = _FORMATS.get(name)
    if check is None:
        return True
    try:
        return bool(check(value))
    except ValueError:
        return False


_LABEL: Final = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_FORMATS: Final[Mapping[str, Callable[[str], Any]]] = {
    "date": lambda text: len(text) == 10 and date.fromisoformat(text),
    "date-time": lambda text: "T" in text.upper() and datetime.fromisoformat(text).tzinfo is not None,
    "time": lambda text: time.fromisoformat(text).tzinfo is not None,
    "email": lambda text: re.fullmatch(r"[^@\s]+@[^@\s]+", text),
    "hostname": lambda text: len(text) <= 253 and all(map(_LABEL.fullmatch, text.removesuffix(".").split("."))),
    "ipv4": lambda text: ipaddress.IPv4Address(text) is not None,
    "ipv6": lambda text: ipaddress.IPv6Address(text) is not None,
    "uri": lambda text: bool(urlsplit(text).scheme) and " " not in text,
    "uuid": lambda text: len(text) == 36 and UUID(text) is not None,
    "regex": is_schema_pattern,
}
"""Formats that are judged; any other is a remark, as the standard has it."""


Rule = Callable[[Any, Mapping[str, Any], Place], Iterator[str]]
_KEYWORDS: Final[Mapping[str, Rule]] = {
    "$ref": _judge_reference,
    "allOf": _judge_all,
    "anyOf": _judge_any,
    "oneOf": _judge_one,
    "not": _judge_none,
    "if": _judge_condition,
    "minimum": _make_number_rule("minimum", lambda value, bound: value >= bound),
    "maximum": _make_number_rule("maximum", lambda value, bound: value <= bound),
    "exclusiveMinimum": _make_number_rule("exclusiveMinimum", lambda value, bound: value > bound),
    "exclusiveMaximum": _make_number_rule("exclusiveMaximum", lambda value, bound: value < bound),
    "multipleOf": _make_number_rule("multipleOf", _is_multiple),
    "minLength": _make_text_rule("minLength", lambda text, bound: len(text) >= bound),
    "maxLength": _make_text_rule("maxLength", lambda text, bound: len(text) <= bound),
    "pattern": _make_text_rule("pattern", lambda text, rule: _is_matching(text, rule)),
    "format": _make_text_rule("format", _has_format),
}
