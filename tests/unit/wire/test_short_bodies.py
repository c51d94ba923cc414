"""What is kept of a long error body."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.wire.cleaning.short_bodies import shorten_error_body

MOST = 4096
WORDS = st.text(max_size=30)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS | WORDS.map(lambda text: text * 500),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(WORDS, inner, max_size=30),
    max_leaves=40,
)


@given(JSON)
def test_json_stays_json_in_little(value: object) -> None:
    """Whatever the document, what is kept is small; a short one is kept as it is."""
    body = json.dumps(value).encode()
    kept = shorten_error_body(body, MOST)
    assert len(kept) <= MOST
    assert len(body) > MOST or kept == body


def test_what_classifies_an_error_is_kept() -> None:
    """Codes and messages stay, and the request that a server echoes is cut."""
    error = {"message": "too long: " + "m" * 600, "code": "context_length_exceeded", "status": 400}
    body = {"echo": [{"role": "user", "content": "x" * 9000}] * 50, "error": error}
    kept = json.loads(shorten_error_body(json.dumps(body).encode(), MOST))
    assert kept["error"]["code"] == "context_length_exceeded"
    assert kept["error"]["message"].startswith("too long: ")
    assert kept["echo"][0]["content"].endswith("…")


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"x" * 5000, b"x" * 4096),
        (b"x" + "ü".encode() * 3000, b"x" + "ü".encode() * 2047),
        (b"\xff" * 5000, b"\xff" * 4096),
        (b"9" * 5000, b"9" * 4096),
        (b"[" * 5000, b"[" * 4096),
    ],
    ids=["text", "between two characters", "no text", "a number too long", "too deep"],
)
def test_anything_else_is_cut_at_its_end(body: bytes, kept: bytes) -> None:
    """Text is cut between characters, and what is no text where the bytes end."""
    assert shorten_error_body(body, MOST) == kept


def test_nothing_but_names_is_cut_too() -> None:
    """A document that stays too large in every step is cut as text."""
    deep: object = "x"
    for _ in range(150):
        deep = {"k" * 63: deep}
    assert len(shorten_error_body(json.dumps(deep).encode(), MOST)) == MOST
