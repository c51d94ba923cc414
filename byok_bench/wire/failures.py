"""Why an exchange has no good answer: a value, never an exception past `send`."""

from typing import Final

import msgspec

KINDS: Final = frozenset(
    {
        "auth", "permission", "not_found_model", "not_found_route", "invalid_request", "context_length",
        "rate_limit", "quota", "server", "overloaded", "timeout", "network", "protocol", "content_filter",
        "redirect", "egress",
    }
)  # fmt: skip
PHASES: Final = ("config", "policy", "dns", "connect", "tls", "request", "headers", "body", "stream")
RETRYABLE_KINDS: Final = frozenset({"rate_limit", "server", "overloaded", "timeout", "network"})


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """One failure, classified. Holds text that was already redacted, and no live object."""

    kind: str
    """One of KINDS."""
    phase: str
    """One of PHASES: how far the exchange came."""
    message: str
    """The server's own words where there are any, else ours."""
    retryable: bool = False
    """Whether the same request may succeed later."""
    retry_after_s: float | None = None
    """Delay that the server asked for, seconds."""
    status: int | None = None
    """HTTP status, or the status named inside a 200 body or stream."""
    code: str | None = None
    """Finer reason: an egress reason code, or the server's own error code."""


def failure(kind: str, phase: str, message: str, *, code: str | None = None, status: int | None = None) -> Failure:
    """A failure of our own making (transport, policy, configuration), retryable by its kind."""
    return Failure(kind=kind, phase=phase, message=message, retryable=kind in RETRYABLE_KINDS, code=code, status=status)
