"""Keys out of every text: `redact(text, secrets)`.

known_keys.py finds what the caller names, suspected_keys.py what nobody named; decoded_views.py undoes encodings;
logs.py guards log records. Pure functions on strings: no I/O, no state. Rules: docs/secrets.md.

Inside: `known_keys`, `suspected_keys`.
"""

from collections.abc import Sequence
from typing import Final

from byok_bench.redact.decoded_views import merge_spans
from byok_bench.redact.known_keys import KnownKey, find_known_spans, prepare_known_keys
from byok_bench.redact.suspected_keys import find_suspected_spans

__all__ = ["REDACTED", "redact"]

REDACTED: Final = "[redacted]"


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """`text` with every form of each secret, and whatever looks like a key, replaced by `[redacted]`.

    Finds that overlap give one replacement, finds that touch give two; what already reads `[redacted]` is
    never searched. Idempotent, about linear in the text, raises nothing for any text and list.
    """
    keys = prepare_known_keys([secrets] if isinstance(secrets, str) else secrets or ())
    while (once := REDACTED.join(_redact_stretch(part, keys) for part in text.split(REDACTED))) != text:
        # A replacement can free a neighbour, as when a key stood right before `sk-…`: look again.
        text = once
    return text


def _redact_stretch(text: str, keys: list[KnownKey]) -> str:
    spans = merge_spans([*find_known_spans(text, keys), *find_suspected_spans(text)]) if text else []
    pieces, copied = [], 0
    for start, end in spans:
        pieces.append(text[copied:start])
        copied = end
    pieces.append(text[copied:])
    return REDACTED.join(pieces)
