"""Another base URL to try, told by what came back."""

from typing import Any

import pytest
from support.recorded import exchange, raw_exchange

from byok_bench.checks.address_remedies import find_address_remedy
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.wire.failures import make_failure

BASE = "http://127.0.0.1:1"
NOT_FOUND = b'{"error": {"message": "no such route"}}'
PAGE = b"<!doctype html><title>Acme Portal - Sign in</title>"
TLS = b"400 The plain HTTP request was sent to HTTPS port"


def answer(status: int, body: bytes = b"{}", **fields: Any) -> Any:
    return exchange(
        raw_exchange([(1.0, body)], status=status, content_type=fields.pop("type", "application/json"), **fields)
    )


def to(place: str) -> dict[str, Any]:
    return {"headers": (("location", place),)}


CASES = {
    "no version, no route": (BASE, answer(404, NOT_FOUND), f"{BASE}/v1"),
    "no version, a web page": (BASE, answer(200, PAGE, type="text/html"), f"{BASE}/v1"),
    "a version that is wrong": (f"{BASE}/v2", answer(404, NOT_FOUND), None),
    "a port that speaks TLS": (f"{BASE}/v1", answer(400, TLS, type="text/html"), "https://127.0.0.1:1/v1"),
    "a redirect to the same route": (
        f"{BASE}/v1", answer(308, **to("https://api.example.com/v1/chat/completions")), "https://api.example.com/v1"),
    "a redirect within the host": (BASE, answer(307, **to("/api/v1/chat/completions")), f"{BASE}/api/v1"),
    "a redirect to a sign-in": (f"{BASE}/v1", answer(302, **to("https://sso.example.com/login")), None),
    "a redirect to another scheme": (f"{BASE}/v1", answer(302, **to("ftp://h/v1/chat/completions")), None),
    "a redirect to where it came from": (f"{BASE}/v1", answer(302, **to("/v1/chat/completions")), None),
    "a redirect without a place": (f"{BASE}/v1", answer(302), None),
    "a wrong key": (BASE, answer(401), None),
    "a good answer": (BASE, answer(200, b'{"object": "chat.completion", "choices": []}'), None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_an_answer_tells_of_another_address(case: str) -> None:
    """Or of none: a page to sign in at is no API."""
    base_url, came, wanted = CASES[case]
    found = find_address_remedy(Endpoint(label="e", base_url=base_url), [came])
    assert (found.base_url if found else None) == wanted


def test_a_port_that_speaks_tls_is_known_by_its_code() -> None:
    """Where nothing was said in words, the transport noticed."""
    failure = make_failure("protocol", "headers", "x", code="tls_port")
    raw = raw_exchange([], failure=failure)
    raw.head = None
    came = exchange(raw)
    found = find_address_remedy(Endpoint(label="e", base_url=f"{BASE}/v1"), [came])
    assert found is not None
    assert (found.base_url, found.words) == ("https://127.0.0.1:1/v1", "Start over as https")


def test_a_messages_address_gets_no_version() -> None:
    """Providers print it without."""
    one = Endpoint(label="e", base_url=BASE, schema="messages")
    assert find_address_remedy(one, [answer(404, NOT_FOUND)]) is None
