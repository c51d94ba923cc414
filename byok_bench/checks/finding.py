"""Finding: a rule that an exchange broke, and where."""

from typing import Final, Literal

import msgspec

from byok_bench.dialects.server_text import strip_controls

Severity = Literal["error", "warn", "info"]
ERROR: Severity = "error"
WARN: Severity = "warn"
INFO: Severity = "info"
WEIGHTS: Final[dict[Severity, int]] = {ERROR: 2, WARN: 1, INFO: 0}
"""How much a severity weighs."""
_LONGEST: Final = 500


class Hit(msgspec.Struct, frozen=True):
    """What a rule noticed; the registry stamps it with the rule's id and severity."""

    message: str
    event: int | None = None
    """Index into `exchange.events`; None if the finding is about the whole answer."""
    offset: int | None = None
    """Byte offset in the decoded body; filled from the event where the rule gave none."""
    severity: Severity | None = None
    """Where this place weighs less or more than the rule does; None: as the rule."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One broken rule at one place."""

    check: str
    """Id from the catalogue."""
    severity: Severity
    message: str
    event: int | None = None
    offset: int | None = None


def make_finding(check: str, severity: Severity, hit: Hit, *, offset: int | None = None, more: int = 0) -> Finding:
    """The finding that a hit makes; its message is printable and not long, whatever a server said in it.

    `offset` stands where the hit names none; `more`: how many other hits of the rule it stands for.
    """
    message = strip_controls(hit.message)
    if len(message) > _LONGEST:
        message = f"{message[: _LONGEST - 1]}…"
    return Finding(
        check=check,
        severity=hit.severity or severity,
        message=f"{message} (and {more} more)" if more else message,
        event=hit.event,
        offset=hit.offset if hit.offset is not None else offset,
    )
