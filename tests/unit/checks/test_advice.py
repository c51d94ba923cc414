"""checks/advice.py: what to do about a failure never goes against what was seen."""

from typing import Any

import pytest

from byok_bench.checks.advice import (
    ADVICE,
    NO_LIST,
    NOT_DONE_HERE,
    PROXY_ASKS,
    ROUTE_ANSWERED,
    TOO_LARGE,
    choose_advice,
    describe_failure,
)
from byok_bench.dialects.failures.classification import classify_page
from byok_bench.wire.failures import KINDS, Failure, make_failure
from byok_bench.wire.raw_exchange import RawHead


def failed(kind: str, message: str = "No.", **fields: Any) -> Failure:
    return Failure(**{"kind": kind, "phase": "body", "message": message, "status": 400, **fields})


def test_every_kind_has_advice() -> None:
    """No failure is left without a sentence."""
    assert set(ADVICE) == KINDS


def test_a_base_url_that_answered_is_not_doubted() -> None:
    """A 404 on a route that answered before is no reason to look at /v1."""
    missing = failed("not_found_route", status=404)
    assert "/v1" in choose_advice(missing)
    assert choose_advice(missing, route_answered=True) == ROUTE_ANSWERED
    assert "/v1" not in ROUTE_ANSWERED


def test_a_server_without_a_list_is_not_doubted_at_once() -> None:
    """Not every server lists its models; the base URL is doubted only if nothing answers."""
    said = describe_failure(failed("not_found_route", "404 page not found", status=404), is_list=True)
    assert said == f"404 page not found. {NO_LIST}"
    assert NO_LIST.startswith("Not every server lists")


def test_a_server_without_a_worker_is_not_called_full() -> None:
    """503 has more reasons than a limit (a gateway without workers: no_models_available)."""
    assert "limit" not in choose_advice(failed("overloaded", "no_models_available", status=503))


def test_what_never_fits_is_not_waited_for() -> None:
    """A request that is larger than the limit is told so, without the delay that came with it."""
    said = describe_failure(failed("rate_limit", status=413, retryable=False, retry_after_s=9.0))
    assert said == f"No. {TOO_LARGE}"
    assert "9 s" in describe_failure(failed("rate_limit", status=429, retryable=True, retry_after_s=9.0))


def test_a_server_that_does_nothing_of_the_kind_is_not_tried_again_later() -> None:
    """501, as a server of files answers a POST, unless the same route answered before."""
    unknown = failed("server", "Error response", status=501, retryable=True)
    assert choose_advice(unknown) == NOT_DONE_HERE
    assert choose_advice(unknown, route_answered=True) == ADVICE["server"]


def test_a_proxy_that_wants_credentials_is_no_fault_of_the_request() -> None:
    """407 comes from the way, not from the API: there is no field to drop."""
    assert choose_advice(failed("invalid_request", status=407)) == PROXY_ASKS


def test_a_model_that_failed_is_no_failed_server() -> None:
    """A call that a model did not manage (tool_use_failed, 400) needs no operator."""
    assert "operator" not in choose_advice(failed("server", status=400, retryable=True))
    assert "operator" in choose_advice(failed("server", status=500, retryable=True))


def test_words_of_ours_are_no_words_of_a_server() -> None:
    """Where no status came, the sentence goes by kind and phase."""
    tls = failed("network", "the SSL certificate has expired", status=None, phase="tls")
    assert "client certificate" not in choose_advice(tls)


@pytest.mark.parametrize(
    ("kind", "phase", "message", "status", "has", "has_not"),
    [
        ("auth", "body", "400 No required SSL certificate was sent", 400, "client certificate", "Check the key"),
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
        (
            "permission",
            "body",
            "No endpoints found matching your data policy",
            404,
            "privacy settings",
            "/v1",
        ),
        ("network", "tls", "the certificate of a.example is not trusted", None, "See to TLS", "firewall"),
        ("network", "connect", "the connection failed: refused", None, "firewall", "TLS"),
        (
            "network",
            "headers",
            "the connection was closed before an answer came",
            None,
            "was reached",
            "firewall",
        ),
        ("network", "body", "litellm.APIConnectionError: gone", 500, "behind it", "firewall"),
    ],
)
def test_advice_fits_what_was_seen(
    kind: str, phase: str, message: str, status: int | None, has: str, has_not: str
) -> None:
    """Words about TLS stand in place of those about keys, routes and firewalls."""
    said = describe_failure(make_failure(kind, phase, message, status=status))
    assert (has in said, has_not in said) == (True, False)


@pytest.mark.parametrize(("code", "has"), [("http2_only", "--set transport=http2"), ("tls_port", "https://")])
def test_another_protocol_has_its_own_advice(code: str, has: str) -> None:
    """What the first bytes told needs no guess about proxies."""
    said = describe_failure(make_failure("protocol", "headers", "it speaks another protocol", code=code))
    assert (has in said, "is a proxy in between" in said) == (True, False)


@pytest.mark.parametrize("message", ["is it plain http?", "it is", "it is.", "is it?."])
def test_a_sentence_ends_once(message: str) -> None:
    """Whatever a message ends with, one mark stands before what to do."""
    said = describe_failure(make_failure("network", "connect", message))
    assert [marks for marks in ("..", "?.", ".?") if marks in said] == []


def test_a_key_that_was_not_sent_is_not_called_wrong() -> None:
    """A 401 to a request without a key asks for one."""
    said = describe_failure(failed("auth", "Missing key", status=401), key_sent=False)
    assert "No key was sent" in said
    assert "is missing, wrong" not in said


def test_a_web_page_is_called_one() -> None:
    """Its title alone says nothing of what came back."""
    head = RawHead(status=200, http="1.1", headers=(("content-type", "text/html"),))
    failure = classify_page(head, b"<html><title>Acme Portal - Sign in</title></html>")
    said = describe_failure(failure)
    assert "Acme Portal - Sign in" in said
    assert "A web page came back" in said
