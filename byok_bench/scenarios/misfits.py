"""What is wrong with a scenario file, by path and with the nearest name: msgspec's message in words for people."""

import re
from difflib import get_close_matches
from typing import Any, Final

import msgspec
from msgspec import inspect

_FIELD: Final = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_VALUE: Final = re.compile(r"Invalid (?:enum )?value '(?P<name>.*)'")
_PLACE: Final = re.compile(r" - at `\$\.?(?P<path>.*)`$")
_STEP: Final = re.compile(r"\.?([A-Za-z_]\w*)|\[(\d+|\.\.\.)\]")


def describe_misfit(error: msgspec.DecodeError, wanted: type, prefix: str = "") -> str:
    """`request.tool_choise: there is no such field; did you mean tool_choice?`

    `wanted` is the type that was to be read, `prefix` the path at which it stands.
    """
    message = str(error)
    found = _PLACE.search(message)
    path = found["path"] if found else ""
    words = _PLACE.sub("", message)
    types = _find_types(inspect.type_info(wanted), path)
    place = ".".join(part for part in (prefix, path) if part)
    if unknown := _FIELD.fullmatch(words):
        names = [field.encode_name for one in types if isinstance(one, inspect.StructType) for field in one.fields]
        where = f"{place}.{unknown['name']}".strip(".")
        homes = [] if get_close_matches(unknown["name"], names, n=1) else _find_homes(types, unknown["name"])
        if homes:
            return f"{where}: there is no such field here; it stands in {' or '.join(homes)}"
        return _suggest(where, "there is no such field", unknown["name"], names)
    if odd := _VALUE.fullmatch(words):
        values = [value for one in types for value in _list_values(one)]
        parents = _find_types(inspect.type_info(wanted), path.rpartition(".")[0])
        tags = [str(one.tag) for one in parents if isinstance(one, inspect.StructType) and one.tag is not None]
        return _suggest(place, f"there is no {odd['name']!r}", odd["name"], values or tags)
    return f"{place}: {words[0].lower()}{words[1:]}" if place else words


def suggest_name(name: str, known: list[str]) -> str:
    """`; did you mean …?`, or the names that there are, or nothing if there are none."""
    near = get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; there are {', '.join(known)}" if known else ""


def _suggest(place: str, problem: str, name: str, known: list[str]) -> str:
    return f"{place}: {problem}{suggest_name(name, known)}"


def _find_homes(types: list[inspect.Type], name: str) -> list[str]:
    """Fields of these types in which a field of that name would be right."""
    return [
        field.encode_name
        for one in types
        if isinstance(one, inspect.StructType)
        for field in one.fields
        if any(
            isinstance(inner, inspect.StructType) and name in [part.encode_name for part in inner.fields]
            for outer in _list_alternatives(field.type)
            for inner in (outer, *_step_into(outer, ""))
        )
    ]


def _find_types(root: inspect.Type, path: str) -> list[inspect.Type]:
    """Every type that may stand at a path: a union has several."""
    at = _list_alternatives(root)
    for name, _ in _STEP.findall(path):
        at = [inner for one in at for inner in _step_into(one, name)]
    return at


def _step_into(one: inspect.Type, name: str) -> list[inspect.Type]:
    if isinstance(one, inspect.StructType):
        return [inner for field in one.fields if field.encode_name == name for inner in _list_alternatives(field.type)]
    if isinstance(one, inspect.VarTupleType | inspect.ListType) and not name:
        return _list_alternatives(one.item_type)
    return []


def _list_alternatives(one: inspect.Type) -> list[inspect.Type]:
    return (
        [inner for part in one.types for inner in _list_alternatives(part)]
        if isinstance(one, inspect.UnionType)
        else [one]
    )


def _list_values(one: inspect.Type) -> list[Any]:
    return list(one.values) if isinstance(one, inspect.LiteralType) else []
