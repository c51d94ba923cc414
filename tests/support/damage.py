"""Ways to damage a body: each takes hypothesis' `draw` and a body, and returns what became of it."""

import json
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 3, 0.5, 1e308, 2**53, 2**63, -(2**63), 10**30, "", " ", "0", "1", "a"),
    *("null", "stop", "assistant", "error", "[DONE]", "{", "{}", '{"a":1}', '"{}"', "\ud83d", "\ude00"),
    *("\ufffd", "\0", "é\n", [], {}, [None], [[]], [{}], ["a"], {"a": 1}, {"": ""}, {"error": {}}),
    *({"message": "m"}, {"error": {"message": "m"}}, {"index": 0}),
    *({"function": {"name": "f", "arguments": "{}"}}, [[[[[{}]]]]], {"type": "error"}, {"text": "t"}),
)  # fmt: skip
"""What takes the place of a member: the values that readers forget."""
NAMES = (
    *("error", "choices", "delta", "message", "content", "tool_calls", "function", "arguments", "name", "id", "index"),
    *("type", "object", "finish_reason", "usage", "role", "created", "model", "reasoning", "reasoning_details", "item"),
    *("response", "output", "output_index", "item_id", "content_index", "part", "text", "status", "sequence_number"),
    *("content_block", "partial_json", "stop_reason", "code", "details", "metadata", "raw", "detail", "data"),
)  # fmt: skip
TOKENS = (
    *(b"\n", b"\r", b"\r\n", b"\n\n", b"data: ", b"data:", b"data", b":", b": c\n", b"event: error\n"),
    *(b"event: x\n", b"id: 1\n", b"retry: 1\n", b"\xef\xbb\xbf", b"\xff", b"\xf0\x9f\x98", b"\x00"),
    *(b"\xe2\x80\xa8", b"[DONE]", b"{", b"}", b"data: [DONE]\n\n", b"[", b"]", b'"', b"\\", b"\\ud83d", b","),
    *(b"null", b"1e999", b"-", b"NaN", b"<html>", b"[[[[[", b'{"error":{"message":"m"}}\n'),
    *(b'data: {"error":"e"}\n\n', b"data: null\n\n", b"data:\n\n", b"data: data: {}\n\n"),
)  # fmt: skip
FRAMINGS = (
    *((b"\n", b"\r\n"), (b"\n", b"\r"), (b"\n\n", b"\r\n\n"), (b"\n\n", b"\n\n\n"), (b"\n", b"\n: c\n")),
    *((b"data: ", b"data:"), (b"data: ", b"event: x\ndata: "), (b"\n\n", b"\n"), (b",", b",\ndata: ")),
)  # fmt: skip
_BLOCK = re.compile(rb"(?<=\n\n)")
_PAYLOAD = re.compile(rb"(?:(?<=data: )|\A)[{\[].*$", re.MULTILINE)


_VALUES = st.sampled_from(VALUES)
_NAMES = st.sampled_from(NAMES)
_TOKENS = st.sampled_from(TOKENS)
_FRAMINGS = st.sampled_from(FRAMINGS)
_TIMES = st.sampled_from((1, 1, 2, 300))
_CHANGES = st.sampled_from(("value", "value", "value", "name", "gone"))
# Made once: a strategy looks at all its values when it is made.


def one_of(draw: st.DrawFn, some: Sequence[Any]) -> Any:
    """One element, without a strategy made for the purpose."""
    return some[draw(st.integers(0, len(some) - 1))]


def _place(draw: st.DrawFn, body: bytes) -> int:
    return draw(st.integers(0, len(body)))


def flip(draw: st.DrawFn, body: bytes) -> bytes:
    """One bit the other way."""
    if not body:
        return body
    at = draw(st.integers(0, len(body) - 1))
    return body[:at] + bytes([body[at] ^ (1 << draw(st.integers(0, 7)))]) + body[at + 1 :]


def truncate(draw: st.DrawFn, body: bytes) -> bytes:
    """The end is missing."""
    return body[: _place(draw, body)]


def remove(draw: st.DrawFn, body: bytes) -> bytes:
    """A piece is missing."""
    start, stop = sorted((_place(draw, body), _place(draw, body)))
    return body[:start] + body[stop:]


def insert(draw: st.DrawFn, body: bytes) -> bytes:
    """Something that means much to a reader."""
    at = _place(draw, body)
    return body[:at] + draw(_TOKENS) * draw(_TIMES) + body[at:]


def shuffle(draw: st.DrawFn, body: bytes) -> bytes:
    """Events twice, swapped, or left out."""
    blocks = _BLOCK.split(body)
    order = draw(st.lists(st.integers(0, len(blocks) - 1), max_size=2 * len(blocks)))
    return b"".join(blocks[number] for number in order)


def reframe(draw: st.DrawFn, body: bytes) -> bytes:
    """Other line ends, comments, fields without a space."""
    old, new = draw(_FRAMINGS)
    return body.replace(old, new)


DEEPEST = 12
"""Members below that are left as they are."""
Path = tuple[str, ...]
"""Names of the members that lead to a place in a JSON value; `*` for any element of an array."""


def places(body: bytes) -> Iterator[tuple[int, Path]]:
    """(where a payload begins, path) of each member of each JSON payload of a body."""
    for found in _PAYLOAD.finditer(body):
        with suppress(ValueError, RecursionError):
            yield from {(found.start(), path) for _, _, path in _members(json.loads(found[0]))}


def change_member(draw: st.DrawFn, body: bytes, aim: tuple[int, Path] | None = None) -> bytes:
    """A member of one JSON payload has another value, another name, or is gone."""
    payloads = [found for found in _PAYLOAD.finditer(body) if aim is None or found.start() == aim[0]]
    if not payloads:
        return body
    found = one_of(draw, payloads)
    try:
        value = json.loads(found[0])
    except (ValueError, RecursionError):
        return body
    members = [(holder, key) for holder, key, path in _members(value) if aim is None or path == aim[1]]
    if not members:
        return body
    holder, key = one_of(draw, members)
    change = draw(_CHANGES)
    if change == "value" or isinstance(holder, list):
        holder[key] = draw(_VALUES)
    else:
        kept = holder.pop(key)
        if change == "name":
            holder[draw(_NAMES)] = kept
    text = json.dumps(value, ensure_ascii=draw(st.booleans()))
    return body[: found.start()] + text.encode("utf-8", "surrogatepass") + body[found.end() :]


def _members(value: Any, path: Path = ()) -> Iterator[tuple[Any, Any, Path]]:
    """(holder, key, path) of everything inside a JSON value."""
    if isinstance(value, dict | list) and len(path) < DEEPEST:
        for key, inner in list(value.items() if isinstance(value, dict) else enumerate(value)):
            here = (*path, key if isinstance(key, str) else "*")
            yield value, key, here
            yield from _members(inner, here)


def encoded(draw: st.DrawFn, body: bytes) -> bytes:
    """Compressed, perhaps cut or in two members."""
    at = _place(draw, body)
    parts = draw(st.sampled_from(([body], [body[:at], body[at:]])))
    whole = b""
    for part in parts:
        coder = zlib.compressobj(wbits=draw(st.sampled_from((31, 15, -15))))
        whole += coder.compress(part) + coder.flush()
    return whole if draw(st.booleans()) else flip(draw, whole)


DAMAGES = (flip, truncate, remove, insert, shuffle, reframe, change_member, change_member)
