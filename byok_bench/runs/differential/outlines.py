"""What an answer is made of: its members by JSON path, the order of members, headers, events, and the form of texts.

Paths leave out the position in a list: `choices[].delta.content`. A member of a stream has the path that it has in its
events, below the name of the event in typed dialects. What the model said is no part of it: its text, its arguments.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

SPOKEN: Final = frozenset(
    {
        "content", "reasoning_content", "reasoning", "text", "arguments", "partial_json", "thinking", "delta",
        "signature", "refusal", "token", "logprob", "bytes", "message", "output_text", "summary", "input",
    }
)  # fmt: skip
"""Members whose texts are what the model, or a server in its own words, said."""
NAMELESS: Final = ("date", "content-length", "transfer-encoding", "connection", "keep-alive")
"""Headers of one hop, or of one moment: https://www.rfc-editor.org/rfc/rfc9110#section-7.6.1 ."""
_MARK: Final = re.compile(r"[A-Za-z]+[-_]")
SHORT: Final = 64
"""Characters of a text that may be an id."""


class Outline(msgspec.Struct, frozen=True, kw_only=True):
    """One answer, without what was said in it."""

    status: int | None
    kind: str | None
    """Of the failure; None for an answer."""
    headers: Mapping[str, str]
    members: Mapping[str, tuple[str, ...]]
    """Path → the values of its scalars as JSON, each once, in order; `{}` for objects, `[n]` for lists of n."""
    orders: Mapping[str, tuple[str, ...]]
    """Path of an object → its members, in the order in which they first came."""
    events: tuple[str, ...]
    """Names of the events in order, `data` for one without; comments are not among them."""
    deltas: int
    """Events that carried output."""
    reads: int
    """Reads of the socket that the body came in."""
    is_json: bool
    """Its body, or the data of all its events but [DONE], is JSON."""


def make_outline(exchange: Exchange) -> Outline:
    """What an answer is made of; pure."""
    response = exchange.response
    members: dict[str, list[str]] = {}
    orders: dict[str, list[str]] = {}
    documents = list(_iterate_documents(exchange))
    for prefix, document in documents:
        if not isinstance(document, Malformed):
            _note_members(document, prefix, members, orders)
    return Outline(
        status=response.status if response else None,
        kind=exchange.error.kind if exchange.error else None,
        headers={name: value for name, value in (response.headers if response else {}).items() if name not in NAMELESS},
        members={path: tuple(dict.fromkeys(values)) for path, values in members.items()},
        orders={path: tuple(names) for path, names in orders.items()},
        events=tuple(one.name or "data" for one in exchange.events),
        deltas=len({mark[2] for mark in exchange.reading.marks}),
        reads=len(exchange.chunks),
        is_json=bool(documents) and not any(isinstance(document, Malformed) for _, document in documents),
    )


def _iterate_documents(exchange: Exchange) -> Iterator[tuple[str, Any]]:
    """(path to begin with, JSON value) of the body, or of each event."""
    for one in exchange.events:
        if one.data != "[DONE]":
            yield "" if one.name in (None, "", "message") else f"{one.name}:", bounded_json.decode_json(one.data)
    if not exchange.events and exchange.chunks:
        document = exchange.reading.body.document
        yield "", Malformed("syntax", "") if document is None else document


def _note_members(value: Any, path: str, members: dict[str, list[str]], orders: dict[str, list[str]]) -> None:
    if isinstance(value, dict):
        known = orders.setdefault(path, [])
        known += [name for name in value if name not in known]
        for name, inner in value.items():
            inside = f"{path}.{name}" if path and not path.endswith(":") else f"{path}{name}"
            _note_members(inner, inside, members, orders)
        members.setdefault(path, []).append("{}")
    elif isinstance(value, list):
        members.setdefault(path, []).append(f"[{len(value)}]")
        for inner in value:
            _note_members(inner, f"{path}[]", members, orders)
    else:
        is_spoken = isinstance(value, str) and path.rpartition(".")[2].rstrip("[]") in SPOKEN
        members.setdefault(path, []).append('"…"' if is_spoken else msgspec.json.encode(value).decode())


def describe_form(value: str) -> str:
    """What an id looks like, without what is its own: `"chatcmpl-…" (41 characters)`; other values as they are."""
    if not value.startswith('"') or len(value) > SHORT + 2:
        return value if len(value) <= SHORT else f"{value[:SHORT]}…"
    mark = _MARK.match(value[1:])
    return f'"{mark[0] if mark else ""}…" ({len(value) - 2} characters)'
