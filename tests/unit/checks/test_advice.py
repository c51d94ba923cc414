"""What is said to do about a failure: one sentence that fits what was seen."""

import pytest

from byok_bench.checks.advice import advice
from byok_bench.wire.failures import failure


@pytest.mark.parametrize(
    ("kind", "phase", "message", "status", "has", "has_not"),
    [
        ("auth", "body", "400 No required SSL certificate was sent", 400, "use an address", "Check the key"),
        ("auth", "body", "Incorrect API key", 401, "Check the key", "certificate"),
        ("not_found_route", "body", "The plain HTTP request was sent to HTTPS port", 400, "https://", "/v1"),
        (
            "not_found_route",
            "body",
            "Client sent an HTTP request to an HTTPS server.",
            400,
            "https://",
            "/v1",
        ),
        ("not_found_route", "body", "404 page not found", 404, "/v1", "https://"),
        ("network", "tls", "the certificate of a.example is not trusted", None, "See to TLS", "firewall"),
        ("network", "connect", "the connection failed: refused", None, "firewall", "TLS"),
    ],
)
def test_advice_fits_what_was_seen(
    kind: str, phase: str, message: str, status: int | None, has: str, has_not: str
) -> None:
    """Words about TLS stand in place of those about keys, routes and firewalls."""
    said = advice(failure(kind, phase, message, status=status))
    assert (has in said, has_not in said) == (True, False)


@pytest.mark.parametrize("message", ["is it plain http?", "it is", "it is.", "is it?."])
def test_a_sentence_ends_once(message: str) -> None:
    """Whatever a message ends with, one mark stands before what to do."""
    said = advice(failure("network", "connect", message))
    assert [marks for marks in ("..", "?.", ".?") if marks in said] == []
