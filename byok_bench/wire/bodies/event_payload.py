"""The data of one event of a chat stream → what it holds: objects, the sentinel, or text that is no JSON.

The order of the forms is part of the rule: blank, [DONE], JSON, a doubled `data:` prefix, several payloads
glued into one event. Pure functions; nothing is assembled here.
"""

import re
from typing import Any, Final, Literal

import msgspec

from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

SENTINEL: Final = "[DONE]"
LARGE_EVENT: Final = 64 * 1024
"""Characters; more of them in one event are legal, but break line readers."""
SPACE: Final = " \t\r\n\f\v"
Repair = Literal["double_prefix", "glued_events"]
_PREFIX: Final = re.compile(r"^(?:[ \t]*data:)+ ?", re.MULTILINE)


class PayloadItem(msgspec.Struct, frozen=True):
    """One payload."""

    kind: Literal["blank", "done", "json", "text"]
    value: Any = None
    """The JSON value; for `text` the Malformed that says why it is none."""

    @property
    def is_usable(self) -> bool:
        """Whether it is what a stream is made of: a JSON object or the sentinel."""
        return self.kind == "done" or (self.kind == "json" and isinstance(self.value, dict))


class Payload(msgspec.Struct, frozen=True):
    """The data of one event, taken apart."""

    items: list[PayloadItem]
    repairs: tuple[Repair, ...] = ()


_BLANK: Final = PayloadItem("blank")
_DONE: Final = PayloadItem("done")


def read_payload(data: str) -> Payload:
    """What an event's data holds."""
    item = _read_item(data)
    if item.kind != "text":
        return Payload([item])
    if data.lstrip(SPACE).startswith("data:"):
        inner = _PREFIX.sub("", data)
        rest = _read_item(inner)
        glued = _split_glued(inner) if rest.kind == "text" else None
        return Payload(glued, ("double_prefix", "glued_events")) if glued else Payload([rest], ("double_prefix",))
    glued = _split_glued(data)
    return Payload(glued, ("glued_events",)) if glued else Payload([item])


def _read_item(data: str) -> PayloadItem:
    text = data.strip(SPACE)
    if not text:
        return _BLANK
    if text == SENTINEL:
        return _DONE
    value = bounded_json.decode_json(data)
    return PayloadItem("text" if isinstance(value, Malformed) else "json", value)


def _split_glued(data: str) -> list[PayloadItem] | None:
    """Several data lines, each alone an object or the sentinel; None if they are not that."""
    if "\n" not in data:
        return None
    items: list[PayloadItem] = []
    for line in data.split("\n"):
        item = _read_item(line)
        if not item.is_usable:
            return None
        items.append(item)
    return items
