"""Extra header and query fields: which names and values they may have, and how a model's stand over an endpoint's.

A value is text, or a reference to a key. In a header's text `${key}` stands for the endpoint's key, which is put in
when a request is built (credentials.py). Rules: docs/endpoints.md, section "Fields".
"""

from collections.abc import Mapping
from typing import Final

from byok_bench.endpoints import entered_text
from byok_bench.endpoints.key_literals import KEY_MARK, find_literal_key
from byok_bench.endpoints.keys import KeyRef

Extras = Mapping[str, str | KeyRef]
_MARK_START: Final = "${"


def find_extras_problem(headers: Extras, query: Extras) -> str | None:
    """What is wrong with the extra header and query fields: names, values, or a key written out."""
    names = [name.lower() for name in headers]
    for name, value in headers.items():
        if names.count(name.lower()) > 1:
            return f"header {name} is listed twice"
        if problem := _find_header_problem(name, value):
            return problem
    for kind, fields in (("header", headers), ("query field", query)):
        if odd := [name for name, value in fields.items() if not isinstance(value, str | KeyRef)]:
            return f'{kind} {odd[0]} must be text, or a reference like KeyRef.env("NAME")'
        written = {name: value for name, value in fields.items() if isinstance(value, str)}
        if found := find_literal_key(written):
            return f'{kind} {found} holds a key: give where it is found instead, like KeyRef.env("NAME")'
    marked = next((name for name, value in query.items() if has_key_mark(value)), None)
    return f"query field {marked}: {KEY_MARK} stands in headers alone, since URLs are logged" if marked else None


def _find_header_problem(name: str, value: str | KeyRef) -> str | None:
    """What is wrong with one header; where the key stands in it, it may have a key's name."""
    if problem := entered_text.find_header_name_problem(name, for_key=has_key_mark(value)):
        return problem
    if not isinstance(value, str):
        return None
    if _MARK_START in value.replace(KEY_MARK, ""):
        return f"the value of header {name} holds a ${{…}} that is none: {KEY_MARK} stands for the endpoint's key"
    return entered_text.find_header_value_problem(name, value)


def has_key_mark(value: str | KeyRef) -> bool:
    """Whether the endpoint's key is put into this value."""
    return isinstance(value, str) and KEY_MARK in value


def list_extra_values(*extras: Extras) -> list[str | KeyRef]:
    """Every value of these header and query fields."""
    return [value for fields in extras for value in fields.values()]


def merge_headers(base: Extras, over: Extras) -> dict[str, str | KeyRef]:
    """`base` with the headers of `over` in place of those that have the same name, in any case."""
    names = {name.lower() for name in over}
    return {**{name: value for name, value in base.items() if name.lower() not in names}, **over}
