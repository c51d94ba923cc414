"""Base URLs as values: origin, parts, and what the ends of a pasted value lose."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.wire.egress.base_urls import LONGEST_URL, read_base_url, trim_pasted_text
from byok_bench.wire.egress.reasons import EgressRefusal, UrlTrail


@pytest.mark.parametrize(
    ("url", "origin", "port"),
    [
        ("https://example.com/v1", "https://example.com", 443),
        ("https://example.com:443", "https://example.com", 443),
        ("http://example.com:443", "http://example.com:443", 443),
        ("http://example.com", "http://example.com", 80),
        ("https://example.com:80", "https://example.com:80", 80),
        ("https://[::1]:8443/v1", "https://[::1]:8443", 8443),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, origin: str, port: int) -> None:
    """The default port of the scheme, and only that one, is left out."""
    base = read_base_url(url)
    assert (base.origin, base.port) == (origin, port)


def test_what_was_read_before_a_refusal_is_kept() -> None:
    """Host, port and notes stay readable when the path is refused."""
    trail = UrlTrail()
    with pytest.raises(EgressRefusal) as caught:
        read_base_url(" https://Example.com.:8443/..", trail)
    assert caught.value.reason == "invalid_path"
    assert trail == UrlTrail(host="example.com", port=8443, notes=["trimmed", "trailing_dot"])


@given(st.text())
def test_any_text_is_a_base_url_or_refused(text: str) -> None:
    """Nothing but EgressRefusal is raised, and a base URL is a fixed point."""
    try:
        base = read_base_url(text)
    except EgressRefusal:
        return
    assert read_base_url(str(base)).path == base.path


@given(st.text(alphabet=" \t\n\u00a0\ufeff\u200b\u2060\u3000ab"))
def test_trimming_ends_at_what_can_be_seen(text: str) -> None:
    """Only the ends lose anything, and trimming twice changes nothing."""
    short, trimmed = trim_pasted_text(text)
    assert short in text
    assert trimmed == (short != text)
    assert trim_pasted_text(short) == (short, False)
    assert not short or (short[0] in "ab" and short[-1] in "ab")


def test_a_long_url_is_refused_before_it_is_searched() -> None:
    """The length is judged without the blank ends."""
    with pytest.raises(EgressRefusal) as caught:
        read_base_url("x" * (LONGEST_URL + 1))
    assert caught.value.reason == "url_too_long"
    with pytest.raises(EgressRefusal) as caught:
        read_base_url("x" * LONGEST_URL + " ")
    assert caught.value.reason == "missing_scheme"
