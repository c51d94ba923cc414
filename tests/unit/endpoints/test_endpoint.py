"""Endpoint: what is refused on entry, what is missing yet, and where its key may go."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from byok_bench.endpoints.endpoint import Endpoint, extract_origin, make_picker_label
from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model, Price
from byok_bench.errors import EndpointError

URL = "https://llm.example.com/v1"


def endpoint(**fields: Any) -> Endpoint:
    """A complete endpoint, but for what a test changes."""
    return Endpoint(**{"label": "Mine", "base_url": URL, "models": [Model("m-1", alias="one")], **fields})


REFUSED = {
    "no label": ({"label": " "}, "label_missing"),
    "a label of 81 characters": ({"label": "x" * 81}, "label_too_long"),
    "a label with a line break": ({"label": "a\nb"}, "label_invalid"),
    "a label with a zero-width space": ({"label": "a\u200bb"}, "label_invalid"),
    "an unknown schema": ({"schema": "completions"}, "schema_invalid"),
    "an unknown key style": ({"key_style": "basic"}, "key_style_invalid"),
    "a key header without its style": ({"key_header": "X-Key"}, "key_header_unexpected"),
    "a key header that is none": ({"key_style": "header", "key_header": "X Key"}, "key_header_invalid"),
    "a key header that is ours": ({"key_style": "header", "key_header": "Host"}, "key_header_invalid"),
    "a model twice": ({"models": [Model("m"), Model("m")]}, "model_twice"),
    "an id that is none": ({"config_key": "abc"}, "config_key_invalid"),
    "an id of another version": (
        {"config_key": "6ba7b810-9dad-11d1-80b4-00c04fd430c8"},
        "config_key_invalid",
    ),
    "a header name that is none": ({"headers": {"X Title": "a"}}, "extra_field_invalid"),
    "a header that carries a key": ({"headers": {"Authorization": "x"}}, "extra_field_invalid"),
    "a header for a proxy": ({"headers": {"Proxy-Connection": "x"}}, "extra_field_invalid"),
    "a header twice": ({"headers": {"X-A": "1", "x-a": "2"}}, "extra_field_invalid"),
    "a header value with CR LF": ({"headers": {"X-A": "1\r\nX-B: 2"}}, "extra_field_invalid"),
    "a header value with NUL": ({"headers": {"X-A": "1\0"}}, "extra_field_invalid"),
    "a key written into a header": ({"headers": {"x-goog-api-key": "abc"}}, "extra_field_invalid"),
    "a key written into the query": ({"query": {"api_key": "abc"}}, "extra_field_invalid"),
}


@pytest.mark.parametrize(("fields", "code"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(fields: dict[str, Any], code: str) -> None:
    """Each rule of entry refuses with its code, in words that say what to change."""
    with pytest.raises(EndpointError) as caught:
        endpoint(**fields)
    assert caught.value.code == code
    assert len(str(caught.value)) > 20


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "Content-Length",
        "TE",
        "cookie",
        "content-type",
        "Upgrade",
        "Expect",
        "Trailer",
    ],
)
def test_headers_of_the_client_itself_are_reserved(name: str) -> None:
    """A header that we write, or that would change how a message is read, cannot be an extra one."""
    with pytest.raises(EndpointError, match="written by the client itself"):
        endpoint(headers={name: "x"})


def test_accept_encoding_is_a_field_of_its_own() -> None:
    """As an extra header it is refused with the field's name; as the field it is kept in one way of writing."""
    with pytest.raises(EndpointError, match="set the endpoint's accept_encoding"):
        endpoint(headers={"Accept-Encoding": "gzip"})
    said = [endpoint(accept_encoding=text).accept_encoding for text in (" GZIP ,deflate,gzip", "", "identity")]
    assert said == ["gzip, deflate", "identity", "identity"]


@pytest.mark.parametrize("text", ["utf-8", "gzip;q=0.5", "*", "gzip deflate", "gzip,,br"])
def test_what_is_no_content_coding_is_refused(text: str) -> None:
    """A mistyped name would silently ask for nothing."""
    with pytest.raises(EndpointError, match="is no content coding"):
        endpoint(accept_encoding=text)


def test_an_unknown_transport_is_refused() -> None:
    """The choices are named."""
    with pytest.raises(EndpointError, match="own, httpx, http2"):
        endpoint(transport="quic")


@pytest.mark.parametrize("header", ["Authorization", "X-Key", "api-key"])
def test_a_key_may_have_any_header(header: str) -> None:
    """The key field is the way to every header that carries a key."""
    assert endpoint(key_style="header", key_header=header).key_header == header


@pytest.mark.parametrize("name", ["m\r1", "gpt 4", "m\u200b1", "m\u00ad1", "m\u202e1", "m\ue0001", "m\u00a01"])
def test_a_model_id_hides_nothing(name: str) -> None:
    """Control, format and private characters and white space inside an id are refused, and named by code point."""
    with pytest.raises(EndpointError, match=r"U\+[0-9A-F]{4}"):
        Model(name)


@pytest.mark.parametrize("name", ["org/Model-70B:free", "C:\\models\\a.gguf", "модель", "a@b#c", "模型-1"])
def test_a_model_id_is_the_providers_business(name: str) -> None:
    """Visible characters of any kind pass, and white space around them goes."""
    assert Model(f"\ufeff {name}\n").name == name


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_a_price_is_a_number(price: float) -> None:
    """Neither negative nor without end."""
    with pytest.raises(EndpointError, match="price"):
        Price(input=price)


MISSING = {
    "nothing": ({}, ()),
    "a URL": ({"base_url": " "}, ("base_url",)),
    "a model": ({"models": []}, ("models",)),
    "a model's name": ({"models": [Model("")]}, ("models",)),
    "a variable's name": ({"key": KeyRef.env("")}, ("key",)),
    "a session's key": ({"key": KeyRef(kind="session", name="gone")}, ("key",)),
    "a header's name": ({"key": KeyRef.env("K"), "key_style": "header"}, ("key_header",)),
    "everything": ({"base_url": "", "models": [], "key": KeyRef.env("")}, ("base_url", "models", "key")),
}


@pytest.mark.parametrize(("fields", "missing"), MISSING.values(), ids=MISSING)
def test_what_is_missing_is_data(fields: dict[str, Any], missing: tuple[str, ...]) -> None:
    """An incomplete endpoint is kept, and says which fields it lacks."""
    assert endpoint(**fields).list_missing_fields() == missing


def test_a_variable_that_is_not_set_is_not_missing_yet() -> None:
    """The environment is looked at when a request is built, not when a list is shown."""
    assert endpoint(key=KeyRef.env("NOT_SET_ANYWHERE")).list_missing_fields() == ()


@pytest.mark.parametrize(
    ("url", "confirmed"),
    [
        ("https://LLM.example.com:443/other/path", True),
        ("https://llm.example.com/v2", True),
        ("http://llm.example.com/v1", False),
        ("https://llm.example.com:8443/v1", False),
        ("https://llm.example.org/v1", False),
        ("https://llm.example.com.evil.example/v1", False),
        ("https://llm.example.com@evil.example/v1", False),
    ],
)
def test_a_key_belongs_to_one_origin(url: str, confirmed: bool) -> None:
    """A changed scheme, host or port asks for the key again; a changed path does not."""
    moved = replace(endpoint(key=KeyRef.env("K")), base_url=url)
    assert moved.key_is_confirmed == confirmed
    assert moved.list_missing_fields() == (() if confirmed else ("key_origin",))
    assert moved.confirm_key().list_missing_fields() == ()


def test_a_secret_header_is_bound_to_the_origin_too() -> None:
    """References among headers and query fields go nowhere else either."""
    for fields in ({"headers": {"X-Org": KeyRef.env("K")}}, {"query": {"org": KeyRef.env("K")}}):
        assert replace(endpoint(**fields), base_url="https://evil.example").list_missing_fields() == ("key_origin",)


def test_without_a_key_an_endpoint_moves_freely() -> None:
    """Nothing is asked where nothing secret is sent."""
    assert replace(endpoint(), base_url="http://127.0.0.1:1234/v1").list_missing_fields() == ()


@given(st.text())
def test_any_text_has_an_origin_or_none(text: str) -> None:
    """Reading an origin never fails, and an origin is its own."""
    origin = extract_origin(text)
    assert origin is None or extract_origin(origin) == origin


def test_a_keyring_entry_is_named_by_the_endpoint() -> None:
    """Two endpoints never share an entry by accident."""
    one, two = endpoint(key=KeyRef.keyring()), endpoint(key=KeyRef.keyring())
    assert str(one.key) == f"keyring:byok-bench/{one.config_key}"
    assert one.key != two.key


@pytest.mark.parametrize(("name", "found"), [("m-1", "m-1"), ("one", "m-1"), ("m-2", "m-2"), (None, "m-1")])
def test_a_model_is_found_by_name_alias_or_not_named(name: str | None, found: str) -> None:
    """Name, alias and config_key lead to the model; without one it is the first."""
    known = endpoint(models=[Model("m-1", alias="one"), Model("m-2")])
    assert known.get_model(name).name == found
    assert known.get_model(known.get_model(name).config_key) == known.get_model(name)


def test_an_unknown_model_names_the_known_ones() -> None:
    """The message lists what there is."""
    with pytest.raises(EndpointError, match="configured: m-1"):
        endpoint().get_model("m-9")


def test_a_picker_says_whose_a_model_is() -> None:
    """Alias or name, and the endpoint's label as one's own or the team's."""
    assert make_picker_label(endpoint(), Model("m", alias="Fast")) == "Fast (Custom • Mine)"
    assert make_picker_label(endpoint(), Model("m"), team=True) == "m (Team • Mine)"


def test_repr_shows_no_header_and_no_credential() -> None:
    """A verbose traceback prints reprs: header values and URL credentials are not in them."""
    shown = repr(endpoint(base_url="https://user:pw-123@h/v1?key=abc-1", headers={"X-Title": "private title"}))
    assert "pw-123" not in shown
    assert "abc-1" not in shown
    assert "private title" not in shown


@given(st.text())
def test_trimming_leaves_nothing_to_trim(text: str) -> None:
    """Trimming is idempotent and takes only from the ends."""
    trimmed = trim_ends(text)
    assert trim_ends(trimmed) == trimmed
    assert trimmed in text
