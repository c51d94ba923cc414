"""Find the error in what a server sent, and the server's own words.

A JSON list stands for its first element; the error object is its `error` member, else `errors[0]`,
else the object itself. JSON is recognised by parsing, never by media type; JSON that was cut is text.
What the error means is decided in classify.py. Nothing raises, whatever the bytes or the value.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from byok_bench.dialects.absence import is_absent
from byok_bench.dialects.numbers import is_integer, status_number
from byok_bench.dialects.retry_after import delay_layers
from byok_bench.dialects.server_text import SEARCHED_CHARACTERS, decoded, html_words, is_html, printable
from byok_bench.wire import bounded_json
from byok_bench.wire.bounded_json import Malformed

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
    shown: str = ""
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
    moderated: bool = False
    """The error carries a moderation's reasons."""
    param: str | None = None
    """The parameter that the error is about, if it names one."""


def read_body(body: bytes, content_type: str = "") -> ErrorBody:
    """What the body of an answer says."""
    return read_text(decoded(body, content_type), content_type)


def read_text(text: str, content_type: str = "", nesting: int = _NESTING) -> ErrorBody:
    """What a text says that may be JSON, a page, or neither."""
    value = parsed(text)
    if value is not NOT_JSON:
        said = read_value(value, nesting)
        return msgspec.structs.replace(said, shown=_start(text)) if said.shown else said
    words = html_words(text) if is_html(text, content_type) else printable(text)
    return ErrorBody(words=_start(words), text=words.lower())


def read_value(value: object, nesting: int = _NESTING) -> ErrorBody:
    """What a decoded JSON value says."""
    root = first_of(value)
    if isinstance(root, str):
        return ErrorBody(words=printable(root), text=printable(root).lower())
    if not isinstance(root, Mapping):
        return ErrorBody(shown=_as_json(value))
    error, said = error_of(root)
    layers = [error] if error is root else [error, root]
    wrapped = _wrapped(layers, nesting)
    own = _joined(said, words_of(error)) or words_of(root)
    words = _joined(own, wrapped.words)
    named = [name for layer in layers for name in (*_names(layer), *_numbered_names(layer))]
    details = [part for layer in layers for part in _strings(layer.get("details"))]
    parts = [own, *named, *_numbers(layers), *wrapped.names, wrapped.text, *details]
    return ErrorBody(
        is_error=holds_error(root),
        words=words,
        shown="" if words else _as_json(value),
        names=frozenset(name.lower() for name in named) | wrapped.names,
        text="\n".join(parts)[: 4 * SEARCHED_CHARACTERS].lower(),
        named_status=_named_status(layers) or wrapped.named_status,
        code=_code(layers) or wrapped.code,
        delays=(*(one for layer in layers for one in delay_layers(layer)), *wrapped.delays),
        moderated=any(_metadata(layer).get("reasons") for layer in layers),
        param=next(filter(None, map(_param, layers)), None) or wrapped.param,
    )


def holds_error(value: object) -> bool:
    """Whether a whole JSON document of a 2xx answer is an error."""
    root = first_of(value)
    if not isinstance(root, Mapping):
        return False
    if _error_member(root):
        return True
    message = root.get("message")
    return (
        isinstance(message, str)
        and bool(message.strip())
        and "error" in (root.get("type"), root.get("object"))
    )


def is_error_event(name: str, value: object) -> bool:
    """Whether an event of a stream reports an error: by its name, its type, or a member `error`."""
    if name == "error":
        return True
    return isinstance(value, Mapping) and (
        _error_member(value) or "error" in (value.get("type"), value.get("object"))
    )


def _error_member(root: Mapping[str, object]) -> bool:
    """null, false, "" and an object of nothing but zero values are what servers put where there is no error."""
    error = root.get("error")
    return isinstance(error, Mapping | str) and not is_absent(error)


def parsed(text: str) -> object:
    """The JSON value that a text holds; NOT_JSON if it holds none, or one beyond the limits of a document."""
    value = bounded_json.decode(text)
    return NOT_JSON if isinstance(value, Malformed) else value


def first_of(value: object) -> object:
    """The first element of a list, lists within lists included; anything else as it is."""
    for _ in range(_NESTING):
        if not (isinstance(value, list) and value):
            break
        value = value[0]
    return value


def error_of(root: Mapping[str, Any]) -> tuple[Mapping[str, Any], str]:
    """The error object of a body, and the message of an `error` that is a string ("" otherwise)."""
    for member in ("error", "errors"):
        error = root.get(member)
        error = first_of(error) if member == "errors" or isinstance(error, list) else error
        if isinstance(error, Mapping) and error:
            return error, ""
        if isinstance(error, str) and error.strip():
            return root, printable(error)
    return _inner_error(root), ""


def _inner_error(root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The object in which MiniMax and Tencent tell an error, else the whole."""
    response = root.get("Response")
    told = (root.get("base_resp"), response.get("Error") if isinstance(response, Mapping) else None)
    return next((one for one in told if isinstance(one, Mapping) and one), root)


def words_of(value: object, nesting: int = _NESTING) -> str:
    """The message in a string, an object, or a list of either; "" if there is none."""
    if isinstance(value, str):
        return printable(value)
    if nesting and isinstance(value, list):
        return "; ".join(filter(None, (_located(item, nesting - 1) for item in value[:_LIST_ITEMS])))
    if nesting and isinstance(value, Mapping):
        for member in (*MESSAGE_MEMBERS, "error"):
            words = words_of(value.get(member), nesting - 1)
            if words:
                return words
    return ""


def _located(item: object, nesting: int) -> str:
    """One entry of a list of messages; FastAPI's name the place: `body.model: Field required`."""
    words = words_of(item, nesting)
    if words and isinstance(item, Mapping) and item.get("loc") and "msg" in item:
        loc = item["loc"]
        place = ".".join(str(step) for step in loc[:20]) if isinstance(loc, list) else str(loc)
        return f"{printable(place)}: {words}"
    return words


def _joined(*parts: str) -> str:
    """The parts that say something new, joined by colons."""
    said: list[str] = []
    for part in parts:
        if part and not any(part in earlier for earlier in said):
            said.append(part)
    return ": ".join(said)


def _wrapped(layers: list[Mapping[str, Any]], nesting: int) -> ErrorBody:
    """The upstream error that a gateway put into `metadata.raw`, as an object or as text, or made its message."""
    raw = next((_metadata(layer)["raw"] for layer in layers if _metadata(layer).get("raw")), None)
    if raw is None:
        raw = next((text for layer in layers if (text := _json_message(layer))), None)
    if raw is None or not nesting:
        return ErrorBody()
    if not isinstance(raw, str):
        return read_value(raw, nesting - 1)
    inner = read_text(raw, nesting=nesting - 1)
    return msgspec.structs.replace(inner, text=f"{inner.text}\n{printable(raw).lower()}")


def _json_message(layer: Mapping[str, Any]) -> str | None:
    """A message that is a document of its own (google-gemini/gemini-cli#1609)."""
    message = layer.get("message")
    return message if isinstance(message, str) and message.lstrip()[:1] in ("{", "[") else None


def _metadata(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    metadata = layer.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}


def _names(layer: Mapping[str, Any]) -> list[str]:
    """Codes, types, reasons and named statuses as written, the chain of Azure's `innererror` codes included."""
    found = [layer.get(member) for member in NAME_MEMBERS]
    inner = layer.get("innererror")
    for _ in range(_NESTING):
        if not isinstance(inner, Mapping):
            break
        found.append(inner.get("code"))
        inner = inner.get("innererror")
    found += [part.get("reason") for part in (layer, *_detail_parts(layer))]
    names = [printable(name) for name in found if isinstance(name, str) and name.strip()]
    return [*names, *(name.rpartition("#")[2] for name in names if "#" in name)]


def _numbered_names(layer: Mapping[str, Any]) -> list[str]:
    """Numbers that are names under their member alone: `error_code/17` (Baidu), `status_msg/1008` (MiniMax)."""
    found = [f"error_code/{layer['error_code']}"] if is_integer(layer.get("error_code")) else []
    if "status_msg" in layer and is_integer(layer.get("status_code")):
        found.append(f"status_msg/{layer['status_code']}")
    return found


def _param(layer: Mapping[str, Any]) -> str | None:
    param = layer.get("param")
    return printable(param) or None if isinstance(param, str) else None


def _numbers(layers: list[Mapping[str, Any]]) -> list[str]:
    found = [layer.get(member) for layer in layers for member in STATUS_MEMBERS]
    return [str(number) for number in found if is_integer(number)]


def _named_status(layers: list[Mapping[str, Any]]) -> int | None:
    found = (status_number(layer.get(member)) for layer in layers for member in STATUS_MEMBERS)
    return next((status for status in found if status is not None), None)


def _code(layers: list[Mapping[str, Any]]) -> str | None:
    for member in ("code", "Code", "error_code", "type", "error_type"):
        for layer in layers:
            code = layer.get(member)
            if (isinstance(code, str) and code.strip()) or is_integer(code):
                return printable(str(code))[:TEXT_CHARACTERS]
    return None


def _detail_parts(layer: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    details = layer.get("details")
    entries = details if isinstance(details, list) else [details]
    return [entry for entry in entries[:_STRINGS] if isinstance(entry, Mapping)]


def _strings(value: object) -> Iterator[str]:
    """Every string inside a value, up to a bound; member names stay out."""
    waiting, left = [value], _STRINGS
    while waiting and left:
        left -= 1
        item = waiting.pop()
        if isinstance(item, str):
            yield printable(item)
        elif isinstance(item, Mapping):
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, list):
            waiting.extend(reversed(item))


def _as_json(value: object) -> str:
    """The start of a value as JSON text; "" for one that holds nothing."""
    if value is None or value in ({}, [], ""):
        return ""
    try:
        return _start(json.dumps(value, ensure_ascii=False))
    except RecursionError:  # decoded JSON is not that deep; a value made by hand may be
        return ""


def _start(text: str) -> str:
    return printable(text)[:TEXT_CHARACTERS].rstrip()
