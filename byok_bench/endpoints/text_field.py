"""TextField: one field of an endpoint as a person types it, and how the common kinds of text are read and shown."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import EndpointError

REFERENCES: Final = ("env:", "keyring:", "session:")
"""How the value of a header or query field begins if it is a reference."""


class TextField(msgspec.Struct, frozen=True, kw_only=True):
    """One field."""

    label: str
    placeholder: str
    read: Callable[[Endpoint, str], Endpoint]
    show: Callable[[Endpoint], str]


def read_pairs(text: str, what: str) -> dict[str, str | KeyRef]:
    """`Name: value` lines; a value such as env:NAME is a reference. Raises EndpointError."""
    found: dict[str, str | KeyRef] = {}
    for number, line in enumerate(filter(None, map(trim_ends, text.splitlines())), start=1):
        name, colon, value = (trim_ends(part) for part in line.partition(":"))
        if not colon or not name:
            raise EndpointError(f"{what} {number} is not written as Name: value", code="pair_invalid")
        if name in found:
            raise EndpointError(f"{what} {number} has the name of another one", code="pair_twice")
        found[name] = KeyRef.parse(value) if value.startswith(REFERENCES) else value
    return found


def show_pairs(fields: Mapping[str, str | KeyRef]) -> str:
    """The fields as they would be typed."""
    return "\n".join(f"{name}: {value}" for name, value in fields.items())


def read_names(text: str) -> list[str]:
    """Names with commas or line ends between them."""
    return [name for part in text.replace("\n", ",").split(",") if (name := trim_ends(part))]


def read_number(text: str, what: str) -> float:
    """A number. Raises EndpointError."""
    try:
        return float(text)
    except ValueError:
        problem = f"{what} must be a number"
    raise EndpointError(problem, code="number_invalid")


def read_token_count(text: str, what: str, code: str) -> int | None:
    """A whole number of tokens; None for an empty text. Raises EndpointError."""
    digits = trim_ends(text).replace("_", "").replace(",", "")
    if digits and not digits.isdecimal():
        raise EndpointError(f"the {what} must be a whole number of tokens", code=code)
    return int(digits) if digits else None


def read_members(text: str) -> dict[str, Any]:
    """Members of a request body, as a JSON object; an empty text has none. Raises EndpointError."""
    try:
        value = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        where = f": line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        problem = f"the extra fields are not JSON{where}"
    else:
        if isinstance(value, dict):
            return value
        problem = 'the extra fields must be a JSON object, like {"reasoning_effort": "low"}'
    raise EndpointError(problem, code="body_invalid")


def show_members(members: Mapping[str, Any]) -> str:
    """The members as they would be typed."""
    return json.dumps(msgspec.to_builtins(members), ensure_ascii=False) if members else ""
