"""JSON of unknown origin: a value, or a `Malformed` that says why not. Nothing here raises.

RFC 8259, without the NaN and Infinity that Python would accept, nested at most `json_depth` deep, with
numbers of at most `json_digits` digits. Lone surrogates written as escapes are accepted and stay in the
string, so that a pair split over two deltas can be joined later.
"""

import json
import re
from typing import Any, Final, Literal, NoReturn

import msgspec

from byok_bench.wire.limits import DEFAULT_LIMITS, Limits

_decode: Final = msgspec.json.Decoder().decode
_TOKENS: Final = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]|-?[0-9][0-9.eE+-]*', re.DOTALL)
_LONG_NUMBER: Final = "[0-9.eE+-]{%d}"
SMALL: Final = min(2 * DEFAULT_LIMITS.json_depth, DEFAULT_LIMITS.json_digits)
"""Characters: a JSON text this short passes neither limit."""


class Malformed(msgspec.Struct, frozen=True):
    """Why a text is not taken as JSON."""

    why: Literal["syntax", "depth", "digits"]
    message: str
    """For people; holds no more of the text than the parser's position."""


def decode_json(text: str | bytes, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The value of a JSON text, or a `Malformed`. Bytes must be UTF-8 to be JSON."""
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError as error:
            return Malformed("syntax", f"not UTF-8 at byte {error.start}")
    beyond = find_passed_limit(text, limits)
    if beyond is not None:
        return beyond
    try:
        return _decode(text)
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return _decode_slowly(text)


def _decode_slowly(text: str) -> Any:
    """The standard library's verdict, which takes lone surrogates and numbers beyond a double."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        return Malformed("syntax", str(error))


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def find_passed_limit(text: str, limits: Limits = DEFAULT_LIMITS) -> Malformed | None:
    """The limit that a JSON text passes, if any; counts brackets and digits outside strings only."""
    if len(text) <= min(2 * limits.json_depth, limits.json_digits):
        return None
    brackets = text.count("{") + text.count("[")
    if brackets <= limits.json_depth and not re.search(_LONG_NUMBER % (limits.json_digits + 1), text):
        return None
    depth = 0
    for found in _TOKENS.finditer(text):
        token = found[0]
        if token[0] in "{[":
            depth += 1
            if depth > limits.json_depth:
                return Malformed("depth", f"nested deeper than {limits.json_depth}")
        elif token[0] in "}]":
            depth -= 1
        elif token[0] != '"' and sum(map(str.isdigit, token)) > limits.json_digits:
            return Malformed("digits", f"a number of more than {limits.json_digits} digits")
    return None
