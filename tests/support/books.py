"""Books of endpoints for tests: files on disk, a keyring in memory, and endpoints of every shape."""

from pathlib import Path
from typing import Any

import keyring.backend
from hypothesis import strategies as st

from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import DeclaredCapabilities, Model, Price
from byok_bench.endpoints.model_record import Capability
from byok_bench.wire.limits import Timeouts

PLANTED = "sk-proj-PlantedKey0123456789abcdefghijk"
"""A key that no message, file or document may show."""


class MemoryKeyring(keyring.backend.KeyringBackend):
    """A keyring that keeps everything in this process."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if (service, username) not in self.entries:
            raise keyring.errors.PasswordDeleteError("no such entry")
        del self.entries[service, username]


def book_text(*tables: str) -> str:
    """A book of version 1 with these tables."""
    return "\n".join(["version = 1", *(f"\n[[endpoint]]\n{table.strip()}" for table in tables)]) + "\n"


def written(folder: Path, text: str, name: str = "endpoints.toml") -> Path:
    """A file with this text."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def an_endpoint(label: str = "Gateway", **fields: Any) -> Endpoint:
    """A complete endpoint without a key."""
    return Endpoint(**{"label": label, "base_url": "https://llm.example.com/v1", "models": [Model("m-1")], **fields})


_letters = st.characters(categories=("L", "N", "P", "S"))
_words = st.text(_letters, min_size=1, max_size=20)
_tokens = st.from_regex(r"\Ax-[a-z]{1,10}\Z")
_names = st.from_regex(r"\A[A-Z_][A-Z_]{0,10}\Z")
_refs = st.one_of(
    st.just(KeyRef.none()),
    _names.map(KeyRef.env),
    st.uuids(version=4).map(lambda u: KeyRef.keyring(user=str(u))),
)
_texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_values = st.recursive(
    st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False), _texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_texts, inner, max_size=3)),
    max_leaves=8,
)
_extra = st.one_of(st.text(st.characters(categories=("L", "N")), max_size=15), _names.map(KeyRef.env))
_capability = st.builds(Capability, state=st.sampled_from(["yes", "no", "unknown"]), evidence=st.none() | _words)
_prices = st.builds(Price, input=st.none() | st.floats(0, 1e6), output=st.none() | st.floats(0, 1e6), currency=_words)
_models = st.builds(
    Model,
    _words,
    alias=st.none() | _words,
    context_window_tokens=st.none() | st.integers(1, 10**7),
    capabilities=st.builds(DeclaredCapabilities, streaming=_capability, tools=_capability),
    price=st.none() | _prices,
)

endpoints = st.builds(
    Endpoint,
    label=_words,
    base_url=st.sampled_from(["", "http://127.0.0.1:8080/v1", "https://llm.example.com/v1", "not a url"]),
    schema=st.sampled_from(["chat", "responses", "messages"]),
    key=_refs,
    key_style=st.sampled_from(["bearer", "api-key", "x-api-key"]),
    models=st.lists(_models, max_size=3, unique_by=lambda model: model.name),
    headers=st.dictionaries(_tokens, _extra, max_size=3),
    query=st.dictionaries(_tokens, _extra, max_size=3),
    timeouts=st.builds(Timeouts, connect=st.floats(0.001, 1000), total=st.integers(1, 86_400)),
    tls=st.builds(Tls, ca_file=st.none() | _words, verify=st.booleans()),
    body=st.dictionaries(_texts, _values, max_size=4),
    proxy=st.none() | st.just("http://127.0.0.1:3128"),
    accept_encoding=st.sampled_from(["identity", "gzip, deflate", "gzip, deflate, br"]),
    transport=st.sampled_from(["own", "httpx", "http2"]),
)
"""Endpoints of every shape that the form could make."""
