"""credentials(): the header that carries a key, and what else must not be shown."""

import pickle
from typing import Any

import pytest
from msgspec.structs import replace

from byok_bench.endpoints.credentials import resolve_credentials
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.secret import Secret
from byok_bench.errors import SecretError
from byok_bench.redact.logs import list_remembered_secrets

KEY = "sk-credentials-0123456789"


def endpoint(**fields: Any) -> Endpoint:
    """An endpoint with a key in this session."""
    return Endpoint(**{"label": "Mine", "base_url": "https://h.example/v1", "key": KeyRef.session(KEY), **fields})


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ({}, ("authorization", f"Bearer {KEY}")),
        ({"key_style": "api-key"}, ("api-key", KEY)),
        ({"key_style": "x-api-key"}, ("x-api-key", KEY)),
        ({"key_style": "header", "key_header": "X-Gateway-Key"}, ("X-Gateway-Key", KEY)),
    ],
)
def test_the_key_style_makes_the_header(fields: dict[str, Any], header: tuple[str, str]) -> None:
    """Each style has its header, and the key is known as a secret."""
    known = resolve_credentials(endpoint(**fields))
    assert known.headers == (header,)
    assert known.secrets == (KEY,)


def test_without_a_key_there_is_no_header() -> None:
    """Kind none sends nothing."""
    known = resolve_credentials(endpoint(key=KeyRef.none(), headers={"X-Title": "t"}))
    assert known.headers == (("X-Title", "t"),)
    assert known.secrets == ()


def test_references_among_headers_and_query_are_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret header or query value is fetched like a key, and known as a secret."""
    monkeypatch.setenv("ORG", "org-secret-1")
    known = resolve_credentials(
        endpoint(headers={"X-Org": KeyRef.env("ORG")}, query={"v": "1", "org": KeyRef.env("ORG")})
    )
    assert known.headers[1:] == (("X-Org", "org-secret-1"),)
    assert known.query == (("v", "1"), ("org", "org-secret-1"))
    assert set(known.secrets) == {KEY, "org-secret-1"}


def test_a_dummy_is_sent_but_is_no_secret() -> None:
    """`ollama` as a key stays readable in every answer."""
    known = resolve_credentials(endpoint(key=KeyRef.session("ollama")))
    assert known.headers == (("authorization", "Bearer ollama"),)
    assert known.secrets == ()


def test_a_key_goes_to_its_own_origin_alone() -> None:
    """After a move the key is not resolved at all."""
    with pytest.raises(SecretError, match=r"https://h\.example:443.*confirm it") as caught:
        resolve_credentials(replace(endpoint(), base_url="https://evil.example/v1"))
    assert caught.value.code == "key_not_confirmed"


def test_an_explicit_key_is_for_the_present_origin_but_stored_ones_are_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A key given to the call may go where the endpoint points now; its stored references may not."""
    monkeypatch.setenv("ORG", "org-secret-1")
    moved = replace(endpoint(), base_url="https://new.example/v1")
    assert resolve_credentials(moved, Secret("sk-given-now-123")).headers[0][1] == "Bearer sk-given-now-123"
    with pytest.raises(SecretError):
        resolve_credentials(replace(moved, headers={"X-Org": KeyRef.env("ORG")}), Secret("sk-given-now-123"))


def test_a_key_that_went_bad_after_entry_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check of entry is made again before every request, without echo."""
    monkeypatch.setenv("K", "sk-line\r\nX-Injected: 1")
    with pytest.raises(SecretError) as caught:
        resolve_credentials(endpoint(key=KeyRef.env("K")))
    assert "Injected" not in str(caught.value)


def test_credentials_show_nothing_and_do_not_travel() -> None:
    """No repr, no pickle."""
    known = resolve_credentials(endpoint())
    assert KEY not in f"{known!r} {known}"
    with pytest.raises(TypeError):
        pickle.dumps(known)


def test_a_key_in_use_is_known_to_the_logs() -> None:
    """From its first use on, log records are searched for it."""
    resolve_credentials(endpoint())
    assert KEY in list_remembered_secrets()
