"""Seals: whether extra header and query fields are the same as in a stored run, without their values in the store."""

import hashlib
import secrets

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef


def seal_extras(endpoint: Endpoint, salt: str | None = None) -> str:
    """What tells the values of an endpoint's extra header and query fields from others; empty where it has none.

    The values are not stored. Eight digits of a salted hash say whether they are the same, and nothing else: of any
    value there are countless others with the same ones.
    """
    if not endpoint.headers and not endpoint.query:
        return ""
    salt = salt or secrets.token_hex(8)
    fields = [
        sorted((name.lower() if place == "header" else name, find_key_source(value)) for name, value in extras.items())
        for place, extras in (("header", endpoint.headers), ("query", endpoint.query))
    ]
    digest = hashlib.sha256(salt.encode() + msgspec.json.encode(fields)).hexdigest()
    return f"{salt}:{digest[:8]}"


def find_key_source(value: str | KeyRef) -> str:
    """A value, or where it is found; every session has keys of its own."""
    if isinstance(value, KeyRef):
        return "session:" if value.kind == "session" else str(value)
    return value
