"""Errors that a server wrote into a stream without framing them as an event.

Lines outside all fields count, one by one or joined; a line or an event is not read here for anything else.
"""

from collections.abc import Sequence
from typing import Any

from byok_bench.dialects.body import EVENT_STREAM
from byok_bench.dialects.failures.envelopes import has_error
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.sse import StrayLine


def find_unframed_error(strays: Sequence[StrayLine], media_type: str) -> tuple[StrayLine, dict[str, Any]] | None:
    """The line where an unframed error begins, and its object; None if there is none.

    A single line counts only in an event stream: with another media type it is a JSON document.
    """
    if not strays or (len(strays) == 1 and media_type != EVENT_STREAM):
        return None
    for text in ("\n".join(stray.text for stray in strays), *(stray.text for stray in strays)):
        if text.lstrip()[:1] != "{":
            continue
        value = bounded_json.decode_json(text)
        if isinstance(value, dict) and has_error(value):
            return next(stray for stray in strays if stray.text in text), value
    return None
