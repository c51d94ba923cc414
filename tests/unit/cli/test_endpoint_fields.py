"""One door into the fields of an endpoint: what an option gives and what `--set` gives is the same record."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from support.books import an_endpoint

from byok_bench.cli.endpoint_fields import EndpointOptions
from byok_bench.cli.endpoint_options import make_ad_hoc_endpoint
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import DeclaredCapabilities, Model, Price
from byok_bench.endpoints.model_record import Capability

SEEN = DeclaredCapabilities(tools=Capability(state="yes", evidence="a call came"))
BEFORE = {
    "new": Endpoint(label="new"),
    "probed": an_endpoint("probed", models=[Model("m-1", alias="one", capabilities=SEEN, price=Price(input=1.0))]),
    "two models": an_endpoint("two", models=[Model("m-1", capabilities=SEEN), Model("m-2", alias="second")]),
    "key in the keyring": an_endpoint(
        "keyed", key=KeyRef.keyring(), key_set_at=datetime(2026, 1, 2, tzinfo=UTC), key_style="header",
        key_header="x-goog-api-key",
    ),
    "moved key": an_endpoint("moved", key=KeyRef.env("OLD"), key_origin="https://elsewhere.example:443"),
}  # fmt: skip
"""What the fields are entered into."""
SAME: dict[str, tuple[dict[str, Any], list[str]]] = {
    "label": ({"label": " other "}, ["label= other "]),
    "address": ({"base_url": "https://other.example/v1"}, ["base_url=https://other.example/v1"]),
    "schema": ({"schema": "messages"}, ["schema=messages"]),
    "same model": ({"model": ["m-1"]}, ["model=m-1"]),
    "new model": ({"model": ["m-9"]}, ["model=m-9"]),
    "model of the others": ({"model": ["m-2"]}, ["model=m-2"]),
    "several models": ({"model": ["m-9", "m-1"]}, ["model=m-9", "other_models=m-1"]),
    "variable of the key": ({"key_env": "NEW_KEY"}, ["key_env=NEW_KEY"]),
    "no key": ({"no_key": True}, ["key_source=none"]),
    "key style": ({"key_style": "x-api-key"}, ["key_style=x-api-key"]),
    "key header": (
        {"key_style": "header", "key_header": "x-key"}, ["key_header=x-key", "key_style=header"],
    ),
    "address and key": (
        {"base_url": "https://other.example/v1", "key_env": "NEW_KEY"},
        ["key_env=NEW_KEY", "base_url=https://other.example/v1"],
    ),
}  # fmt: skip
"""Options → the same as FIELD=TEXT."""


def plain(endpoint: Endpoint) -> Any:
    """All of it but the ids of models that are new, which are random."""
    known = {model.config_key for one in BEFORE.values() for model in one.models}
    models = [
        model if model.config_key in known else msgspec.structs.replace(model, config_key=endpoint.config_key)
        for model in endpoint.models
    ]
    return msgspec.structs.replace(endpoint, models=models)


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("case", SAME)
def test_an_option_and_set_give_the_same_record(case: str, before: str) -> None:
    """Whichever way a field is named, the same is known of the endpoint afterwards."""
    options, settings = SAME[case]
    if case == "several models" and before == "probed":
        settings = ["model=m-9", "other_models=m-1 = one"]  # an alias is part of the text, and no part of the id
    by_options = EndpointOptions(**options).apply(BEFORE[before])
    assert plain(by_options) == plain(EndpointOptions(settings=settings).apply(BEFORE[before]))


@pytest.mark.parametrize("case", ["label", "schema", "new model", "several models", "variable of the key", "key style"])
def test_it_is_so_beside_a_base_url_too(case: str) -> None:
    """An endpoint of no book is made of the same fields."""
    options, settings = SAME[case]
    home = "http://127.0.0.1:9/v1"
    given = (EndpointOptions(base_url=home, **options), EndpointOptions(base_url=home, settings=settings))
    one, other = (
        plain(msgspec.structs.replace(make_ad_hoc_endpoint(each), config_key=BEFORE["new"].config_key))
        for each in given
    )
    assert one == other


def test_what_a_probe_found_does_not_move_with_the_address() -> None:
    """That was another server, however its address was changed."""
    moved = EndpointOptions(base_url="https://other.example/v1").apply(BEFORE["probed"])
    assert moved.models[0].capabilities == DeclaredCapabilities()
    assert moved.models[0].price == Price(input=1.0)


def test_a_model_brought_to_the_front_loses_no_other() -> None:
    """The first model is the one that is asked; what is known of the others stays theirs."""
    first, second = BEFORE["two models"].models
    assert EndpointOptions(model=["m-2"]).apply(BEFORE["two models"]).models == (second, first)


def test_a_variable_of_the_key_is_for_the_address_that_stands_beside_it() -> None:
    """The key is confirmed for where it is to go, and nothing of a key in the keyring is left."""
    keyed = EndpointOptions(base_url="https://other.example/v1", key_env="NEW_KEY").apply(BEFORE["key in the keyring"])
    assert (keyed.key_origin, keyed.key_set_at) == ("https://other.example:443", None)
