"""Whether an endpoint can be used, where its key is, and what its requests call: words, and nothing is looked up."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from support.books import PLANTED, an_endpoint

from byok_bench.endpoints.key_places import describe_key_place
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.readiness import (
    describe_unreadiness,
    find_url_problem,
    is_ready,
    render_request_line,
)

UNREADY = {
    "nothing": ({}, ""),
    "no URL and no model": ({"base_url": "", "models": []}, "It needs a base URL and a model."),
    "a URL without a scheme": ({"base_url": "llm.example.com/v1"}, "Put https:// in front"),
    "a hidden character in the URL": ({"base_url": "https://llm.example\u200b.com/v1"}, "The URL holds"),
    "a keyring entry that nobody filled": ({"key": KeyRef.keyring()}, "It needs a key."),
    "a keyring entry of the user's own": ({"key": KeyRef.keyring("mine", "me")}, ""),
    "a key of another address": (
        {"key": KeyRef.env("K"), "key_origin": "https://elsewhere.example:443"},
        "It needs your word that the key may go to this address.",
    ),
    "a key and no address to bind it to": (
        {"key": KeyRef.env("K"), "base_url": "x"},
        "Put https:// in front",
    ),
}


@pytest.mark.parametrize(("fields", "said"), UNREADY.values(), ids=UNREADY)
def test_what_keeps_an_endpoint_from_a_run(fields: dict[str, Any], said: str) -> None:
    """Everything that is missing or wrong is said at once, and an empty text means ready."""
    endpoint = an_endpoint(**fields)
    assert describe_unreadiness(endpoint).startswith(said)
    assert is_ready(endpoint) == (said == "")


def test_a_url_problem_shows_nothing_of_a_pasted_credential() -> None:
    """The words are about the place of the fault, never about what stands there."""
    for url in (f"https://me:{PLANTED}@host/v1", f"https://host/v1?key={PLANTED}", f"{PLANTED}"):
        assert find_url_problem(url)
        assert PLANTED not in find_url_problem(url)


def test_a_request_line_is_what_is_called() -> None:
    """Base URL, route and query as they go out; a reference stays one; nothing for a URL that is none."""
    query = {"api-version": "2025-01-01 a&b", "code": KeyRef.env("CODE")}
    line = render_request_line("HTTPS://LLM.example.com:443/v1/", "responses", query)
    assert line == "POST https://llm.example.com/v1/responses?api-version=2025-01-01%20a%26b&code=<env:CODE>"
    assert render_request_line("llm.example.com", "chat") == ""


NOW = datetime.now(UTC)
PLACES = {
    "none": ({}, "no key is sent", None),
    "env, set": ({"key": KeyRef.env("A_KEY")}, "in the environment as A_KEY", True),
    "env, empty": ({"key": KeyRef.env("EMPTY_KEY")}, "EMPTY_KEY is not set in this process", False),
    "env, unnamed": ({"key": KeyRef.env("")}, "the environment variable is not named yet", False),
    "session, over": ({"key": KeyRef(kind="session", name="x")}, "that one is over", False),
    "keyring, today": ({"key": KeyRef.keyring(), "key_set_at": NOW}, "in the keyring, set today", True),
    "keyring, days ago": (
        {"key": KeyRef.keyring(), "key_set_at": NOW - timedelta(days=3, hours=1)},
        "in the keyring, set 3 days ago",
        True,
    ),
    "keyring, yesterday": (
        {"key": KeyRef.keyring(), "key_set_at": NOW - timedelta(days=1, hours=1)},
        "set yesterday",
        True,
    ),
    "keyring, empty": ({"key": KeyRef.keyring()}, "nothing was put into the keyring yet", False),
    "keyring, one's own": ({"key": KeyRef.keyring("mine", "me")}, "in the keyring as mine/me", None),
}


@pytest.mark.parametrize(("fields", "words", "there"), PLACES.values(), ids=PLACES)
def test_a_key_is_shown_by_its_place(
    fields: dict[str, Any], words: str, there: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it is and since when, and nothing of itself; the keyring, which would fail here, is not asked."""
    monkeypatch.setenv("A_KEY", PLANTED)
    monkeypatch.setenv("EMPTY_KEY", " ")
    place = describe_key_place(an_endpoint(**fields))
    assert words in place.words
    assert place.is_there is there
    assert PLANTED not in place.words
