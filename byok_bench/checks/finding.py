"""Finding: a rule that an exchange broke, and where."""

from typing import Literal

import msgspec

Severity = Literal["error", "warn", "info"]
ERROR: Severity = "error"
WARN: Severity = "warn"
INFO: Severity = "info"


class Hit(msgspec.Struct, frozen=True):
    """What a rule noticed; the registry stamps it with the rule's id and severity."""

    message: str
    event: int | None = None
    """Index into `exchange.events`; None if the finding is about the whole answer."""
    offset: int | None = None
    """Byte offset in the decoded body; filled from the event where the rule gave none."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One broken rule at one place."""

    check: str
    """Id from the catalogue."""
    severity: Severity
    message: str
    event: int | None = None
    offset: int | None = None
