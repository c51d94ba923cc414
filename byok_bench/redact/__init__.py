"""Keys out of every text: `redact(text, secrets)`."""

from collections.abc import Sequence
from typing import Final

REDACTED: Final = "[redacted]"


def redact(text: str, secrets: Sequence[str] = ()) -> str:
    """`text` with every form of each secret replaced by `[redacted]`."""
    for secret in sorted((one.strip() for one in secrets), key=len, reverse=True):
        if len(secret) >= 3:
            text = text.replace(secret, REDACTED)
    return text


__all__ = ["REDACTED", "redact"]
