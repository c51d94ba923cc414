"""Why an exchange has no good answer: a value, never an exception past `send`.

Also the one table from library exceptions to kinds and phases. It names classes by text, so that reading a
stored failure imports no HTTP library.
"""

from collections.abc import Mapping
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


def make_failure(
    kind: str,
    phase: str,
    message: str,
    *,
    code: str | None = None,
    status: int | None = None,
    retryable: bool | None = None,
) -> Failure:
    """A failure of our own making (transport, policy, configuration); retryable by its kind where that is None."""
    can_pass = kind in RETRYABLE_KINDS if retryable is None else retryable
    return Failure(kind=kind, phase=phase, message=message, retryable=can_pass, code=code, status=status)


LIBRARY_ERRORS: Final[Mapping[str, tuple[str, str]]] = {
    "httpx.ConnectTimeout": ("timeout", "connect"),
    "httpx.PoolTimeout": ("timeout", "connect"),
    "httpx.WriteTimeout": ("timeout", "request"),
    "httpx.ReadTimeout": ("timeout", "body"),
    "httpx.TimeoutException": ("timeout", "body"),
    "httpx.ConnectError": ("network", "connect"),
    "httpx.WriteError": ("network", "request"),
    "httpx.ReadError": ("network", "body"),
    "httpx.CloseError": ("network", "body"),
    "httpx.NetworkError": ("network", "body"),
    "httpx.ProxyError": ("network", "connect"),
    "httpx.RemoteProtocolError": ("protocol", "headers"),
    "httpx.LocalProtocolError": ("protocol", "request"),
    "httpx.ProtocolError": ("protocol", "headers"),
    "httpx.UnsupportedProtocol": ("egress", "policy"),
    "httpx.TransportError": ("network", "body"),
    "httpx.DecodingError": ("protocol", "body"),
    "httpx.TooManyRedirects": ("redirect", "headers"),
    "httpx.RequestError": ("network", "body"),
    "httpx.HTTPStatusError": ("server", "headers"),
    "httpx.HTTPError": ("network", "body"),
    "httpx.InvalidURL": ("egress", "policy"),
    "httpx.CookieConflict": ("protocol", "headers"),
    "httpx.StreamError": ("protocol", "body"),
    "httptools.parser.errors.HttpParserError": ("protocol", "headers"),
    "ssl.SSLCertVerificationError": ("network", "tls"),
    "ssl.SSLError": ("network", "tls"),
    "socket.gaierror": ("egress", "dns"),
    "builtins.ConnectionRefusedError": ("network", "connect"),
    "builtins.TimeoutError": ("timeout", "connect"),
    "builtins.OSError": ("network", "connect"),
}
"""Class of a library's exception → (kind, phase). The phase is the usual one: who knows better says so."""


def classify_library_error(error: BaseException) -> tuple[str, str] | None:
    """(kind, phase) of the most specific class that the table has; None for what no library raises."""
    for cls in type(error).__mro__:
        found = LIBRARY_ERRORS.get(f"{cls.__module__}.{cls.__qualname__}")
        if found is not None:
            return found
    return None
