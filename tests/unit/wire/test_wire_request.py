"""A request taken apart for the wire: what may stand in its header."""

import pytest

from byok_bench.errors import EndpointError
from byok_bench.wire.wire_request import WireRequest, to_sendable

CONTROLS = ("\r", "\n", "\0", "\t", "\x1f", "\x7f", "\x85", "a\r\nx-other: 1", "a\r\n folded")


def sent(name: str, value: str) -> list[tuple[bytes, bytes]]:
    """The header fields of a GET with one extra field."""
    request = WireRequest(id="1", url="https://example.com/v1", method="GET", headers=((name, value),))
    return to_sendable(request).headers


@pytest.mark.parametrize("value", CONTROLS)
def test_a_value_with_a_control_character_is_refused(value: str) -> None:
    """Nothing is stripped or folded, and the refusal does not show the value."""
    with pytest.raises(EndpointError) as caught:
        sent("x-note", f"secretpass{value}secretpass")
    assert caught.value.code == "header_invalid"
    assert "secretpass" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "x note", "x:note", "x-nöte", "x\n", "(x)", "x\0"])
def test_a_name_that_is_no_token_is_refused(name: str) -> None:
    """Names follow RFC 9110."""
    with pytest.raises(EndpointError):
        sent(name, "1")


@pytest.mark.parametrize("value", ["", "a b", "Grüße", "~!\"'"])
def test_any_other_value_goes_out_as_it_is(value: str) -> None:
    """Spaces, quotes and text outside ASCII are values."""
    assert sent("X-Note", value)[1] == (b"X-Note", value.encode())
