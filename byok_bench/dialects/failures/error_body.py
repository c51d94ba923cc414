"""Find the error in what a server sent, and the server's own words.

A JSON list stands for its first element; the error object is its `error` member, else `errors[0]`,
else the object itself. JSON is recognised by parsing, never by media type; JSON that was cut is text.
What the error means is decided in classification.py. Nothing raises, whatever the bytes or the value.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from byok_bench.dialects.failures.retry_after import iterate_delay_layers
from byok_bench.dialects.json_values import is_absent, is_integer, to_error_status
from byok_bench.dialects.server_text import (
    SEARCHED_CHARACTERS,
    decode_text,
    is_html,
    read_html_words,
    strip_controls,
)
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

MESSAGE_MEMBERS: Final = (
    "message", "Message", "detail", "msg", "title", "error_description", "error_msg", "status_msg", "Msg",
)  # fmt: skip
NAME_MEMBERS: Final = ("code", "Code", "type", "error_type", "error_code", "__type", "status")
STATUS_MEMBERS: Final = ("code", "status", "statusCode", "status_code")
TEXT_CHARACTERS: Final = 300
"""How much of a body without a message member stands as the message."""
NOT_JSON: Final = object()
_NESTING = 4
"""Levels of wrapped bodies, nested details and nested messages that are opened."""
_STRINGS = 2_000
_LIST_ITEMS = 50


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of an error that classification and people need."""

    is_error: bool = False
    """Whether it is an error by its shape alone, as it must be where the status is 2xx."""
    words: str = ""
    """The server's message, printable; "" if it gave none."""
    excerpt: str = ""
    """What came instead of a message: the start of a JSON body that has none."""
    names: frozenset[str] = frozenset()
    """Every code, type and named status, lower case, those of a wrapped upstream error included."""
    text: str = ""
    """All parts joined by line breaks, lower case: what phrases are looked for in."""
    named_status: int | None = None
    """A status from 400 to 599 that the body names."""
    code: str | None = None
    """The server's own error code, else its type, as written."""
    delays: tuple[Mapping[str, Any], ...] = ()
    """The objects of the error in which delays are told, as sent."""
    is_moderated: bool = False
    """The error carries a moderation's reasons."""
    param: str | None = None
    """The parameter that the error is about, if it names one."""


def read_error_body(body: bytes, content_type: str = "") -> ErrorBody:
    """What the body of an answer says."""
    return read_error_text(decode_text(body, content_type), content_type)


def read_error_text(text: str, content_type: str = "", nesting: int = _NESTING) -> ErrorBody:
    """What a text says that may be JSON, a page, or neither."""
    value = parse_json(text)
    if value is not NOT_JSON:
        said = read_error_value(value, nesting)
        return msgspec.structs.replace(said, excerpt=_take_start(text)) if said.excerpt else said
    words = read_html_words(text) if is_html(text, content_type) else strip_controls(text)
    return ErrorBody(words=_take_start(words), text=words.lower())


def read_error_value(value: object, nesting: int = _NESTING) -> ErrorBody:
    """What a decoded JSON value says."""
    root = take_first(value)
    if isinstance(root, str):
        return ErrorBody(words=strip_controls(root), text=strip_controls(root).lower())
    if not isinstance(root, Mapping):
        return ErrorBody(excerpt=_to_json_start(value))
    error, said = find_error_object(root)
    layers = [error] if error is root else [error, root]
    wrapped = _read_wrapped_error(layers, nesting)
    own = _join_new_words(said, read_words(error)) or read_words(root)
    words = _join_new_words(own, wrapped.words)
    named = [name for layer in layers for name in (*_list_error_names(layer), *_list_numbered_names(layer))]
    details = [part for layer in layers for part in _iterate_strings(layer.get("details"))]
    parts = [own, *named, *_list_numbers(layers), *wrapped.names, wrapped.text, *details]
    return ErrorBody(
        is_error=has_plain_error(root),
        words=words,
        excerpt="" if words else _to_json_start(value),
        names=frozenset(name.lower() for name in named) | wrapped.names,
        text="\n".join(parts)[: 4 * SEARCHED_CHARACTERS].lower(),
        named_status=_find_named_status(layers) or wrapped.named_status,
        code=_find_code(layers) or wrapped.code,
        delays=(*(one for layer in layers for one in iterate_delay_layers(layer)), *wrapped.delays),
        is_moderated=any(_read_metadata(layer).get("reasons") for layer in layers),
        param=next(filter(None, map(_read_param, layers)), None) or wrapped.param,
    )


def has_plain_error(value: object) -> bool:
    """Whether a whole JSON document of a 2xx answer is an error."""
    root = take_first(value)
    if not isinstance(root, Mapping):
        return False
    if _has_error_member(root):
        return True
    message = root.get("message")
    return isinstance(message, str) and bool(message.strip()) and "error" in (root.get("type"), root.get("object"))


def is_error_event(name: str, value: object) -> bool:
    """Whether an event of a stream reports an error: by its name, its type, or a member `error`."""
    if name == "error":
        return True
    return isinstance(value, Mapping) and (
        _has_error_member(value) or "error" in (value.get("type"), value.get("object"))
    )


def _has_error_member(root: Mapping[str, object]) -> bool:
    """null, false, "" and an object of nothing but zero values are what servers put where there is no error."""
    error = root.get("error")
    return isinstance(error, Mapping | str) and not is_absent(error)


def parse_json(text: str) -> object:
    """The JSON value that a text holds; NOT_JSON if it holds none, or one beyond the limits of a document."""
    value = bounded_json.decode_json(text)
    return NOT_JSON if isinstance(value, Malformed) else value


def take_first(value: object) -> object:
    """The first element of a list, lists within lists included; anything else as it is."""
    for _ in range(_NESTING):
        if not (isinstance(value, list) and value):
            break
        value = value[0]
    return value


def find_error_object(root: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The error object of a body, and the message of an `error` that is a string ("" otherwise)."""
    for member in ("error", "errors"):
        error = root.get(member)
        error = take_first(error) if member == "errors" or isinstance(error, list) else error
        if isinstance(error, Mapping) and error:
            return error, ""
        if isinstance(error, str) and error.strip():
            return root, strip_controls(error)
    return _find_inner_error(root), ""


def _find_inner_error(root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object in which MiniMax and Tencent tell an error, else the whole."""
    response = root.get("Response")
    told = (root.get("base_resp"), response.get("Error") if isinstance(response, Mapping) else None)
    return next((one for one in told if isinstance(one, Mapping) and one), root)


def read_words(value: object, nesting: int = _NESTING) -> str:
    """The message in a string, an object, or a list of either; "" if there is none."""
    if isinstance(value, str):
        return strip_controls(value)
    if nesting and isinstance(value, list):
        return "; ".join(filter(None, (_read_located_words(item, nesting - 1) for item in value[:_LIST_ITEMS])))
    if nesting and isinstance(value, Mapping):
        for member in (*MESSAGE_MEMBERS, "error"):
            words = read_words(value.get(member), nesting - 1)
            if words:
                return words
    return ""


def _read_located_words(item: object, nesting: int) -> str:
    """One entry of a list of messages; FastAPI's name the place: `body.model: Field required`."""
    words = read_words(item, nesting)
    if words and isinstance(item, Mapping) and item.get("loc") and "msg" in item:
        loc = item["loc"]
        place = ".".join(str(step) for step in loc[:20]) if isinstance(loc, list) else str(loc)
        return f"{strip_controls(place)}: {words}"
    return words


def _join_new_words(*parts: str) -> str:
    """The parts that say something new, joined by colons."""
    said: list[str] = []
    for part in parts:
        if part and not any(part in earlier for earlier in said):
            said.append(part)
    return ": ".join(said)


def _read_wrapped_error(layers: list[Mapping[str, Any]], nesting: int) -> ErrorBody:
    """The upstream error that a gateway put into `metadata.raw`, as an object or as text, or made its message."""
    raw = next((_read_metadata(layer)["raw"] for layer in layers if _read_metadata(layer).get("raw")), None)
    if raw is None:
        raw = next((text for layer in layers if (text := _find_json_message(layer))), None)
    if raw is None or not nesting:
        return ErrorBody()
    if not isinstance(raw, str):
        return read_error_value(raw, nesting - 1)
    inner = read_error_text(raw, nesting=nesting - 1)
    return msgspec.structs.replace(inner, text=f"{inner.text}\n{strip_controls(raw).lower()}")


def _find_json_message(layer: Mapping[str, Any]) -> str | None:
    """A message that is a document of its own (google-gemini/gemini-cli#1609)."""
    message = layer.get("message")
    return message if isinstance(message, str) and message.lstrip()[:1] in ("{", "[") else None


def _read_metadata(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = layer.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _list_error_names(layer: Mapping[str, Any]) -> list[str]:
    """Codes, types, reasons and named statuses as written, the chain of Azure's `innererror` codes included."""
    found = [layer.get(member) for member in NAME_MEMBERS]
    inner = layer.get("innererror")
    for _ in range(_NESTING):
        if not isinstance(inner, Mapping):
            break
        found.append(inner.get("code"))
        inner = inner.get("innererror")
    found += [part.get("reason") for part in (layer, *_list_detail_parts(layer))]
    names = [strip_controls(name) for name in found if isinstance(name, str) and name.strip()]
    return [*names, *(name.rpartition("#")[2] for name in names if "#" in name)]


def _list_numbered_names(layer: Mapping[str, Any]) -> list[str]:
    """Numbers that are names under their member alone: `error_code/17` (Baidu), `status_msg/1008` (MiniMax)."""
    found = [f"error_code/{layer['error_code']}"] if is_integer(layer.get("error_code")) else []
    if "status_msg" in layer and is_integer(layer.get("status_code")):
        found.append(f"status_msg/{layer['status_code']}")
    return found


def _read_param(layer: Mapping[str, Any]) -> str | None:
    param = layer.get("param")
    return strip_controls(param) or None if isinstance(param, str) else None


def _list_numbers(layers: list[Mapping[str, Any]]) -> list[str]:
    found = [layer.get(member) for layer in layers for member in STATUS_MEMBERS]
    return [str(number) for number in found if is_integer(number)]


def _find_named_status(layers: list[Mapping[str, Any]]) -> int | None:
    found = (to_error_status(layer.get(member)) for layer in layers for member in STATUS_MEMBERS)
    return next((status for status in found if status is not None), None)


def _find_code(layers: list[Mapping[str, Any]]) -> str | None:
    for member in ("code", "Code", "error_code", "type", "error_type"):
        for layer in layers:
            code = layer.get(member)
            if (isinstance(code, str) and code.strip()) or is_integer(code):
                return strip_controls(str(code))[:TEXT_CHARACTERS]
    return None


def _list_detail_parts(layer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = layer.get("details")
    entries = details if isinstance(details, list) else [details]
    return [entry for entry in entries[:_STRINGS] if isinstance(entry, Mapping)]


def _iterate_strings(value: object) -> Iterator[str]:
    """Every string inside a value, up to a bound; member names stay out."""
    waiting, left = [value], _STRINGS
    while waiting and left:
        left -= 1
        item = waiting.pop()
        if isinstance(item, str):
            yield strip_controls(item)
        elif isinstance(item, Mapping):
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


def _to_json_start(value: object) -> str:
    """The start of a value as JSON text; "" for one that holds nothing."""
    if value is None or value in ({}, [], ""):
        return ""
    try:
        return _take_start(json.dumps(value, ensure_ascii=False))
    except RecursionError:  # decoded JSON is not that deep; a value made by hand may be
        return ""


def _take_start(text: str) -> str:
    return strip_controls(text)[:TEXT_CHARACTERS].rstrip()
