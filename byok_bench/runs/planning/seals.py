"""Seals: whether extra header and query fields are the same as in a stored run, without their values in the store."""

import hashlib
import secrets

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.extra_fields import Extras
from byok_bench.endpoints.keys import KeyRef


def seal_extras(endpoint: Endpoint, salt: str | None = None) -> str:
    """What tells the values of an endpoint's extra header and query fields from others; empty where it has none.

    The values are not stored. Eight digits of a salted hash say whether they are the same, and nothing else: of any
    value there are countless others with the same ones.
    """
    of_models = {model.name: model.headers for model in endpoint.models if model.headers}
    if not endpoint.headers and not endpoint.query and not of_models:
        return ""
    salt = salt or secrets.token_hex(8)
    fields = [_list_headers(endpoint.headers), sorted((n, find_key_source(v)) for n, v in endpoint.query.items())]
    fields += [[(model, ""), *_list_headers(headers)] for model, headers in sorted(of_models.items())]
    digest = hashlib.sha256(salt.encode() + msgspec.json.encode(fields)).hexdigest()
    return f"{salt}:{digest[:8]}"


def _list_headers(headers: Extras) -> list[tuple[str, str]]:
    return sorted((name.lower(), find_key_source(value)) for name, value in headers.items())


def find_key_source(value: str | KeyRef) -> str:
    """A value, or where it is found; every session has keys of its own."""
    if isinstance(value, KeyRef):
        return "session:" if value.kind == "session" else str(value)
    return value
