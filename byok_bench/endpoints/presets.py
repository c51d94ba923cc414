"""Presets: what is known of common servers, as data in presets.toml. A preset fills in an endpoint and is forgotten.

Nothing in the package acts on a preset's name: OpenRouter is called like a server of one's own.
"""

import functools
import tomllib
from collections.abc import Sequence
from importlib.resources import files

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model, Schema
from byok_bench.errors import EndpointError


class Preset(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to fill in for one server."""

    id: str
    """Name on the command line."""
    label: str
    base_url: str
    docs: str
    """Page that documents its wire format."""
    quirks: tuple[str, ...]
    """What to expect of it, in sentences."""
    schema: Schema = "chat"
    key_env: str | None = None
    """Environment variable where its key usually is; None: no key is needed."""

    def make_endpoint(self, label: str | None = None, models: Sequence[str] = ()) -> Endpoint:
        """An endpoint with these models; incomplete without any."""
        return Endpoint(
            label=label or self.label,
            base_url=self.base_url,
            schema=self.schema,
            key=KeyRef.env(self.key_env) if self.key_env else KeyRef.none(),
            models=[Model(name) for name in models],
        )


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    preset: tuple[Preset, ...]


@functools.cache
def load_presets() -> tuple[Preset, ...]:
    """Every preset, in the order of the file."""
    text = (files("byok_bench.endpoints") / "presets.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _File).preset


def get_preset(name: str) -> Preset:
    """The preset with this id. Raises EndpointError with the ids there are."""
    for one in load_presets():
        if one.id == name:
            return one
    have = ", ".join(one.id for one in load_presets())
    raise EndpointError(f"no preset is called {name!r}; there are {have}", code="preset_unknown")
