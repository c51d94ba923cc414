"""Which provider a LiteLLM entry means, and where that is: litellm_providers.toml, and rules of names."""

import functools
import re
import tomllib
from importlib.resources import files
from typing import Final

import msgspec

from byok_bench.endpoints.endpoint import KeyStyle
from byok_bench.endpoints.model import Schema
from byok_bench.errors import EndpointError
from byok_bench.redact import redact

RESPONSES: Final = "responses/"
"""Before a model's name: it is called by the route of responses (docs.litellm.ai/docs/response_api)."""
_OPENAI_NAME: Final = re.compile(r"(ft:)?(gpt-[3-9]|chatgpt-|o[134](-|\Z))")
"""Names that LiteLLM's own list gives to OpenAI where no provider is named (model_prices_and_context_window.json)."""


class Provider(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server that LiteLLM reaches by OpenAI's routes; the fields are explained in litellm_providers.toml."""

    prefix: str
    key_env: str
    source: str
    base_url: str | None = None
    base_env: tuple[str, ...] = ()
    key_style: KeyStyle = "bearer"
    path: str = ""
    version: str | None = None
    """Variable of the API version, where one is needed."""
    vendor: bool = False


class ResolvedModel(msgspec.Struct, frozen=True, kw_only=True):
    """What an entry's model means."""

    provider: Provider
    model: str | None
    """The server's own id; None for a wildcard, which is no model."""
    schema: Schema


class _File(msgspec.Struct, forbid_unknown_fields=True):
    version: int
    provider: tuple[Provider, ...]


@functools.cache
def load_providers() -> dict[str, Provider]:
    """Every provider by its prefix."""
    text = (files("byok_bench.endpoints") / "litellm_providers.toml").read_text(encoding="utf-8")
    return {one.prefix: one for one in msgspec.convert(tomllib.loads(text), _File).provider}


def resolve_model(model: str, custom_provider: str | None, mode: str | None) -> ResolvedModel:
    """The provider, model and route that `model`, `custom_llm_provider` and `model_info.mode` mean.

    As LiteLLM reads them: `custom_llm_provider` wins and its own prefix is taken off; a name without any
    provider is looked up in a list. Raises EndpointError for an entry whose server cannot be known.
    """
    prefix, slash, rest = model.partition("/")
    if custom_provider is not None:
        provider, name = (
            find_provider(custom_provider),
            rest if prefix == custom_provider and slash else model,
        )
    elif slash:
        provider, name = find_provider(prefix), rest
    elif _OPENAI_NAME.match(model):
        provider, name = find_provider("openai"), model
    else:
        raise EndpointError(
            f"{_redact_name(model)} names no provider, and which server LiteLLM takes it to is in a list of its own: "
            f"write openai/{_redact_name(model)} with an api_base",
            code="import_entry",
        )
    schema: Schema = "responses" if name.startswith(RESPONSES) or mode == "responses" else "chat"
    name = name.removeprefix(RESPONSES)
    if provider.vendor and "/" not in name and "*" not in name:
        name = f"{provider.prefix}/{name}"
    return ResolvedModel(provider=provider, model=None if "*" in name or not name else name, schema=schema)


def find_provider(prefix: str) -> Provider:
    """The provider of this name. Raises EndpointError for one that is not reached by OpenAI's routes."""
    provider = load_providers().get(prefix)
    if provider is None:
        raise EndpointError(
            f"LiteLLM reaches the provider {_redact_name(prefix)!r} in a format of its own; "
            "point an endpoint at the LiteLLM proxy instead",
            code="import_entry",
        )
    return provider


def _redact_name(text: str) -> str:
    return redact(text, ())
