import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.dialects.failures.error_body import (
    has_plain_error,
    is_error_event,
    read_error_body,
    read_error_value,
)
from byok_bench.dialects.server_text import decode_text, read_html_words, shorten_text, strip_controls

ERRORS = [
    {"error": {"message": "x"}},
    {"error": {"code": 1}},
    {"error": "x"},
    {"type": "error", "message": "x"},
    {"object": "error", "message": "x"},
    [{"error": {"message": "x"}}],
]
NO_ERRORS = [
    {"error": None},
    {"error": False},
    {"error": {}},
    {"error": ""},
    {"error": 7},
    {"detail": "x"},
    {"message": "x"},
    {"type": "error"},
    {"object": "error", "message": ""},
    {"object": "chat.completion", "choices": []},
    {"errors": [{"message": "x"}]},
    [],
    "error",
    None,
]


@pytest.mark.parametrize("value", ERRORS, ids=repr)
def test_a_document_that_is_an_error_is_known_by_its_shape(value: object) -> None:
    """A non-empty error member, or an object that calls itself an error and says why, is an error body."""
    assert has_plain_error(value)


@pytest.mark.parametrize("value", NO_ERRORS, ids=repr)
def test_a_document_without_an_error_is_none(value: object) -> None:
    """Empty error members and other words for trouble make no error of a 2xx answer."""
    assert not has_plain_error(value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("error", None),
        ("error", {"choices": []}),
        ("error", "text"),
        ("", {"type": "error"}),
        ("", {"object": "error"}),
        ("message", {"error": {"message": "x"}, "choices": [{}]}),
        ("", {"error": "x"}),
    ],
    ids=repr,
)
def test_an_error_event_is_known_by_name_type_or_member(name: str, value: object) -> None:
    """An event named error, an object of type error, and a non-empty error member end a stream."""
    assert is_error_event(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("", {"error": None, "choices": []}),
        ("", {"error": {}}),
        ("", "error"),
        ("", []),
        ("errors", {"type": "x"}),
    ],
    ids=repr,
)
def test_a_chunk_that_mentions_no_error_is_none(name: str, value: object) -> None:
    """Servers put an empty error member into good chunks."""
    assert not is_error_event(name, value)


def test_a_wrapped_error_gives_its_names_words_and_delay() -> None:
    """What a gateway hides in metadata.raw counts as if the gateway had said it."""
    raw = '{"error":{"code":"Rate_Limit_Exceeded","status":429,"message":"slow","details":[{"retryDelay":"3s"}]}}'
    said = read_error_value({"error": {"message": "Provider returned error", "metadata": {"raw": raw}}})
    assert said.words == "Provider returned error: slow"
    assert "rate_limit_exceeded" in said.names
    assert said.named_status == 429
    assert {"retryDelay": "3s"} in said.delays


def test_the_same_words_are_said_once() -> None:
    """An error string that the message repeats is not joined to it."""
    assert read_error_value({"error": "Not Found", "message": "Not Found"}).words == "Not Found"


@pytest.mark.parametrize("charset", ["nonsense", "zip", "unicode_escape", "undefined", "idna", "utf-16", "punycode"])
def test_no_declared_charset_stops_the_reading(charset: str) -> None:
    """A charset that is unknown, no text coding, or wrong leaves the words readable."""
    assert "bad" in decode_text(b"bad \xff", f"text/plain; charset={charset}")


def test_a_byte_order_mark_is_no_word() -> None:
    """The mark at the start of a body is dropped."""
    assert read_error_body(codecs.BOM_UTF8 + b"words").words == "words"


@given(st.text())
def test_printable_text_stays_as_it_is(text: str) -> None:
    """Cleaning twice is cleaning once, and what is left can be encoded and shown."""
    once = strip_controls(text)
    assert strip_controls(once) == once
    once.encode()
    assert not any(0x7F <= ord(char) < 0xA0 or (ord(char) < 32 and char not in "\n\t") for char in once)


@given(st.text(alphabet="<>!-/tile scrp[]\"'&;#x", max_size=200))
def test_any_tag_soup_has_words_or_none(text: str) -> None:
    """Broken markup does not raise."""
    read_html_words(text)


@given(st.text(), st.integers(4, 50))
def test_cut_text_keeps_whole_characters(text: str, limit: int) -> None:
    """A cut falls between characters and within the limit."""
    text = strip_controls(text)
    cut = shorten_text(text, limit)
    assert len(cut.encode()) <= limit
    assert text.startswith(cut.removesuffix("…"))
