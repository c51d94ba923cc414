"""Keys out of every text: `redact(text, secrets)`.

known.py finds what the caller names, unknown.py what nobody named; views.py undoes encodings; logs.py guards
log records. Pure functions on strings: no I/O, no state. Rules: docs/secrets.md.
"""

from collections.abc import Sequence
from typing import Final

from byok_bench.redact.known import Known, known_keys, known_spans
from byok_bench.redact.unknown import unknown_spans
from byok_bench.redact.views import merged

__all__ = ["REDACTED", "redact"]

REDACTED: Final = "[redacted]"


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """`text` with every form of each secret, and whatever looks like a key, replaced by `[redacted]`.

    Finds that overlap give one replacement, finds that touch give two; what already reads `[redacted]` is
    never searched. Idempotent, about linear in the text, raises nothing for any text and list.
    """
    keys = known_keys([secrets] if isinstance(secrets, str) else secrets or ())
    while (once := REDACTED.join(_redacted(part, keys) for part in text.split(REDACTED))) != text:
        # A replacement can free a neighbour, as when a key stood right before `sk-…`: look again.
        text = once
    return text


def _redacted(text: str, keys: list[Known]) -> str:
    spans = merged([*known_spans(text, keys), *unknown_spans(text)]) if text else []
    pieces, copied = [], 0
    for start, end in spans:
        pieces.append(text[copied:start])
        copied = end
    pieces.append(text[copied:])
    return REDACTED.join(pieces)
