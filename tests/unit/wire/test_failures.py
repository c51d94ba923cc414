"""The one table from library exceptions to failure kinds."""

import socket
import ssl

import httptools
import httpx
import pytest

from byok_bench.wire.failures import KINDS, LIBRARY_ERRORS, PHASES, classify_library_error

HTTPX_ERRORS = [value for value in vars(httpx).values() if isinstance(value, type) and issubclass(value, Exception)]


@pytest.mark.parametrize("error", HTTPX_ERRORS, ids=lambda error: error.__name__)
def test_every_httpx_error_is_mapped(error: type[Exception]) -> None:
    """No exception that httpx can raise is unknown to the table."""
    assert classify_library_error(error.__new__(error)) is not None


@pytest.mark.parametrize(
    ("error", "kind", "phase"),
    [
        (httpx.ConnectTimeout("x"), "timeout", "connect"),
        (httpx.ReadTimeout("x"), "timeout", "body"),
        (httpx.ConnectError("x"), "network", "connect"),
        (httpx.RemoteProtocolError("x"), "protocol", "headers"),
        (httptools.HttpParserInvalidStatusError("x"), "protocol", "headers"),
        (ssl.SSLCertVerificationError("x"), "network", "tls"),
        (ConnectionResetError("x"), "network", "connect"),
        (TimeoutError("x"), "timeout", "connect"),
        (socket.gaierror("x"), "egress", "dns"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_the_most_specific_class_decides(error: Exception, kind: str, phase: str) -> None:
    """A class that the table names itself is not taken for the one that it derives from."""
    assert classify_library_error(error) == (kind, phase)


def test_the_table_speaks_the_projects_words() -> None:
    """Every row has a kind and a phase that exist."""
    assert all(kind in KINDS and phase in PHASES for kind, phase in LIBRARY_ERRORS.values())


def test_a_bug_is_not_a_failure() -> None:
    """What no library raises is not mapped: it has to surface."""
    assert classify_library_error(KeyError("x")) is None
