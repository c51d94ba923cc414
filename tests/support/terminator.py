"""Where a stream's terminator is, read slowly and line by line: a witness for what the recorder finds."""

import json
import re

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r)")
_DONE = b"[DONE]"


def end_of_done(body: bytes) -> int | None:
    """Bytes up to the line end that dispatches the first event which is the terminator; None without one."""
    values: list[bytes] = []
    if _DONE not in body:
        return None
    for found in _LINE.finditer(body.removeprefix(b"\xef\xbb\xbf")):
        line = found[1]
        if line == b"data" or line.startswith(b"data:"):
            values.append(line[5:].strip())
        elif not line:
            if values and _is_done(values):
                return found.end(1) + 1 + 3 * body.startswith(b"\xef\xbb\xbf")
            values = []
    return None


TERMINAL_TYPES = {
    "responses": ("response.completed", "response.incomplete", "response.failed"),
    "messages": ("message_stop",),
}


def has_ended(body: bytes, terminator: str) -> bool:
    """Whether what came so far holds the event that ends a stream of this kind."""
    if terminator == "sse-done":
        return end_of_done(body) is not None
    types = TERMINAL_TYPES.get(terminator, ())
    lines = re.split(rb"\r\n|\n|\r", body)
    whole = lines[: len(lines) - 1 - lines[::-1].index(b"")] if b"" in lines else []
    return any(_type_of(line) in types for line in whole if line.startswith(b"data:"))


def _type_of(line: bytes) -> object:
    try:
        value = json.loads(line[5:])
    except ValueError:
        return None
    return value.get("type") if isinstance(value, dict) else None


def _is_done(values: list[bytes]) -> bool:
    """Whether data lines are the terminator: alone, behind doubled prefixes, or beside payloads that are objects."""
    if b"\n".join(values).lstrip().startswith(b"data:"):
        values = [re.sub(rb"^(data:\s*)+", b"", value) for value in values]
    if b"\n".join(values).strip() == _DONE:
        return True
    return _DONE in values and all(value == _DONE or _is_object(value) for value in values)


def _is_object(text: bytes) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
