"""Where an endpoint's key is kept, in words: nothing of the key itself, and nothing is looked up in the keyring.

A key is looked up when a request is built (credentials.py); a list or a form only says where that will be.
"""

import os
from datetime import UTC, datetime
from typing import NamedTuple

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KEYRING_SERVICE


class KeyPlace(NamedTuple):
    """What there is to say of a key."""

    words: str
    is_there: bool | None
    """Whether it is there; None if that is not known, or none is needed."""


def describe_key_place(endpoint: Endpoint) -> KeyPlace:
    """Where the key comes from, and since when."""
    ref = endpoint.key
    match ref.kind:
        case "none":
            return KeyPlace("no key is sent", None)
        case "env" if not ref.name:
            return KeyPlace("the environment variable is not named yet", False)
        case "env" if os.environ.get(ref.name, "").strip():
            return KeyPlace(f"in the environment as {ref.name}", True)
        case "env":
            return KeyPlace(f"{ref.name} is not set in this process", False)
        case "session" if ref.is_set:
            return KeyPlace("kept for this session only", True)
        case "session" if not ref.name:
            return KeyPlace("none was given yet; it is forgotten when this process ends", False)
        case "session":
            return KeyPlace("it was kept for one session only, and that one is over", False)
        case _ if is_awaiting_key(endpoint):
            return KeyPlace("nothing was put into the keyring yet", False)
        case _ if endpoint.key_set_at is None:
            return KeyPlace(f"in the keyring as {ref.service}/{ref.name}, if it was put there", None)
        case _:
            return KeyPlace(f"in the keyring, set {describe_age(endpoint.key_set_at)}", True)


def is_awaiting_key(endpoint: Endpoint) -> bool:
    """Whether the endpoint has a keyring entry of its own into which no key was put."""
    ref = endpoint.key
    own = (ref.service, ref.name) == (KEYRING_SERVICE, endpoint.config_key)
    return ref.kind == "keyring" and own and endpoint.key_set_at is None


def is_key_stored(endpoint: Endpoint) -> bool:
    """Whether a key is kept for it in the keyring or in this session, as far as is known without looking."""
    ref = endpoint.key
    return (ref.kind == "session" and ref.is_set) or (ref.kind == "keyring" and not is_awaiting_key(endpoint))


def describe_age(then: datetime) -> str:
    """`today`, `yesterday` or `n days ago`."""
    days = (datetime.now(UTC) - then).days
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago")
