"""An error body in little: at most so many bytes, and JSON as long as it was JSON.

Servers echo whole requests in their errors. What a reader needs of them is the shape, the names and the start of
each text, so those stay; a body that is no JSON, or nothing but names, is cut at its end. No redaction in here.
"""

import json
from itertools import islice
from typing import Any, Final

from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed
from byok_bench.wire.bodies.sse import find_invalid_utf8

_STEPS: Final = ((1024, 20), (256, 8), (64, 4))
"""Characters of a text and items of a list or object that are kept: the first pair that makes it small enough."""


def shorten_error_body(body: bytes, most: int) -> bytes:
    """The body in at most `most` bytes; as it is if it has no more."""
    if len(body) <= most:
        return body
    value = bounded_json.decode_json(body)
    if not isinstance(value, Malformed):
        for characters, items in _STEPS:
            small = json.dumps(_shorten_value(value, characters, items)).encode()
            if len(small) <= most:
                return small
    return body[:most].decode("utf-8", "ignore").encode() if find_invalid_utf8(body) is None else body[:most]


def _shorten_value(value: Any, characters: int, items: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= characters else f"{value[: characters - 1]}…"
    if isinstance(value, list):
        return [_shorten_value(one, characters, items) for one in value[:items]]
    if isinstance(value, dict):
        kept = islice(value.items(), items)
        return {name[:characters]: _shorten_value(one, characters, items) for name, one in kept}
    return value
