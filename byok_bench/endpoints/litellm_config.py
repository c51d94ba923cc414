"""A LiteLLM config.yaml, read: which server, key and models each entry of its `model_list` means.

Nothing here guesses. What decides where prompts and keys go is read whole, or the entry is left out by its name;
every member that was not taken over is listed. A key's value is never taken over. Rules: docs/endpoints.md.
Format: https://docs.litellm.ai/docs/proxy/config_settings
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from byok_bench.endpoints.endpoint import Endpoint, KeyStyle, make_host_label, refuse_credentials
from byok_bench.endpoints.entered_text import find_hidden_character, trim_ends
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.litellm_providers import Provider, ResolvedModel, resolve_model
from byok_bench.endpoints.model import Model, Price, Schema
from byok_bench.endpoints.secret import DUMMIES
from byok_bench.errors import ByokBenchError, EndpointError
from byok_bench.redact import redact

FROM_ENVIRONMENT: Final = "os.environ/"
"""How a LiteLLM configuration refers to a variable."""
_TAKEN: Final = frozenset(
    {
        "model", "api_base", "base_url", "api_key", "custom_llm_provider", "litellm_credential_name", "api_version",
        "extra_headers", "headers", "organization", "input_cost_per_token", "output_cost_per_token",
        "cache_read_input_token_cost", "output_cost_per_reasoning_token", "additional_drop_params",
    }
)  # fmt: skip
_COSTS: Final = {
    "input": "input_cost_per_token", "output": "output_cost_per_token",
    "cached_input": "cache_read_input_token_cost", "reasoning": "output_cost_per_reasoning_token",
}  # fmt: skip
"""Field of a price → LiteLLM's name for the cost of one token."""
_TAKEN_INFO: Final = frozenset({"mode", "max_input_tokens", "max_output_tokens", *_COSTS.values()})
_ELSEWHERE: Final = (
    "azure_ad_token", "azure_ad_token_provider", "tenant_id", "client_id", "client_secret", "azure_username",
    "aws_access_key_id", "aws_secret_access_key", "aws_region_name", "aws_role_name", "vertex_project",
    "vertex_credentials", "mock_response", "fallbacks", "auto_router_config",
)  # fmt: skip
"""Members that send the prompt, or authenticate, in a way that an endpoint cannot."""
_MODES: Final = (None, "chat", "responses")
_KEY_HEADERS: Final[Mapping[str, KeyStyle]] = {"api-key": "api-key", "x-api-key": "x-api-key"}


class LiteLLMConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a configuration means."""

    endpoints: tuple[Endpoint, ...]
    notes: tuple[str, ...]
    """What was left out or not taken over, by name; shows no key."""


class _Place(msgspec.Struct, frozen=True, kw_only=True):
    """What entries of one endpoint share."""

    base_url: str
    schema: Schema
    key: KeyRef
    key_style: KeyStyle
    headers: tuple[tuple[str, str | KeyRef], ...]
    query: tuple[tuple[str, str], ...]


def read_litellm_config(path: Path) -> LiteLLMConfig:
    """One endpoint for each server, key and set of headers that `model_list` names.

    Raises EndpointError if the file cannot be read or names no entry.
    """
    document = _read_yaml(path)
    notes = list(_list_file_notes(document))
    found: dict[_Place, list[Model]] = {}
    for number, entry in enumerate(document["model_list"], 1):
        name = _name_entry(number, entry)
        try:
            reader = _Entry(entry, document)
            place, model = reader.read()
            _make_endpoint(place, [])  # so that a field that cannot be is said of its entry
        except ByokBenchError as error:
            notes.append(f"{name} was left out: {error}")
            continue
        notes += [f"{name}: {said}" for said in reader.notes]
        models = found.setdefault(place, [])
        if model is not None and model.name not in [one.name for one in models]:
            models.append(model)
        elif model is not None and model.alias is not None:
            notes.append(f"{name}: its model is listed already, so this name was not taken over")
    return LiteLLMConfig(
        endpoints=tuple(_make_endpoint(place, models) for place, models in found.items()), notes=tuple(notes)
    )


def _make_endpoint(place: _Place, models: list[Model]) -> Endpoint:
    return Endpoint(
        label=make_host_label(place.base_url),
        base_url=place.base_url,
        schema=place.schema,
        key=place.key,
        key_style=place.key_style,
        headers=dict(place.headers),
        query=dict(place.query),
        models=models,
    )


def _read_yaml(path: Path) -> dict[str, Any]:
    """The document of a configuration, with a list of entries in it."""
    import yaml

    try:
        document = yaml.safe_load(path.read_bytes())
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}"
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = f"{path}{f', line {mark.line + 1}' if mark else ''}: this is not YAML"
    else:
        entries = document.get("model_list") if isinstance(document, dict) else None
        if isinstance(entries, list) and entries:
            return {str(name): value for name, value in document.items()}
        problem = f"{path} has no model_list with entries"
    raise EndpointError(problem, code="import_broken")


def _list_file_notes(document: Mapping[str, Any]) -> Iterator[str]:
    if "include" in document:
        yield "`include` names other files: they were not read; import each of them"
    known = ("model_list", "credential_list", "environment_variables", "include")
    if others := [name for name in document if name not in known]:
        yield f"not taken over from the file: {_join_names(others)}"


class _Entry:
    """One entry of `model_list`, with what the rest of the file says to it."""

    def __init__(self, entry: Any, document: Mapping[str, Any]) -> None:
        self.notes: list[str] = []
        given = entry.get("litellm_params") if isinstance(entry, Mapping) else None
        if not isinstance(given, Mapping) or not isinstance(given.get("model"), str):
            raise EndpointError("it has no litellm_params with a model", code="import_entry")
        self._entry = entry
        self._variables = _as_mapping(document.get("environment_variables"))
        self._given = {**_find_credential(given, document), **given}
        self._info = _as_mapping(entry.get("model_info"))

    def read(self) -> tuple[_Place, Model | None]:
        """Where the entry goes, and its model; None for a wildcard. Raises EndpointError for one of no use."""
        self._refuse_other_ways()
        mode = self._info.get("mode")
        if mode not in _MODES:
            raise EndpointError(f"it is no chat model (mode {_redact_value(mode)})", code="import_entry")
        named = resolve_model(trim_ends(self._given["model"]), self._get_text("custom_llm_provider"), mode)
        if "/" not in self._given["model"] and "custom_llm_provider" not in self._given:
            self.notes.append(f"{_redact_value(self._given['model'])} without a provider is OpenAI's to LiteLLM")
        base_url, is_own = self._read_address(named.provider)
        query = self._read_version(named.provider)
        headers, key_header = self._read_headers()
        key = self._choose_key(named.provider, is_own, key_header is not None)
        place = _Place(
            base_url=base_url.rstrip("/") + self._build_path(named),
            schema=named.schema,
            key=headers.pop(key_header) if key_header is not None else key,  # type: ignore[arg-type]
            key_style=_KEY_HEADERS[key_header.lower()] if key_header is not None else named.provider.key_style,
            headers=tuple(headers.items()),
            query=query,
        )
        self._note_the_rest(named)
        return place, self._make_model(named)

    def _refuse_other_ways(self) -> None:
        found = [name for name in _ELSEWHERE if self._given.get(name) not in (None, "", False)]
        if found:
            raise EndpointError(
                f"{_join_names(found)} cannot be said of an endpoint; point one at the LiteLLM proxy instead",
                code="import_entry",
            )

    def _make_model(self, named: ResolvedModel) -> Model | None:
        if named.model is None:
            self.notes.append("it stands for every model of its server: add those you want with --model")
            return None
        alias = self._entry.get("model_name")
        is_name = isinstance(alias, str) and "*" not in alias and alias != named.model
        dropped = self._given.get("additional_drop_params")
        return Model(
            named.model,
            alias=alias if is_name else None,
            context_window_tokens=self._read_count("max_input_tokens"),
            max_output_tokens=self._read_count("max_output_tokens"),
            price=self._read_price(),
            drop=[str(name) for name in dropped] if isinstance(dropped, list) else (),
        )

    def _read_price(self) -> Price | None:
        costs = {field: cost for field, name in _COSTS.items() if (cost := self._compute_cost(name)) is not None}
        return msgspec.convert(costs, Price) if costs else None

    def _read_count(self, name: str) -> int | None:
        """A number of tokens that `model_info` states."""
        count = self._info.get(name)
        return count if type(count) is int and count > 0 else None

    def _compute_cost(self, name: str) -> float | None:
        """Price of a million tokens."""
        given = self._given.get(name, self._info.get(name))
        try:
            cost = float(str(given))  # YAML reads 6e-07 as a text, LiteLLM as a number
        except ValueError:
            return None
        return round(cost * 1e6, 9) if 0 <= cost < float("inf") else None

    def _read_address(self, provider: Provider) -> tuple[str, bool]:
        """The server, and whether the entry names it itself."""
        given = self._given.get("api_base") or self._given.get("base_url")
        if given:
            return self._check_address(self._resolve(given, "api_base"), "its api_base"), True
        for variable in provider.base_env:
            found = self._read_variable(variable)
            if found:
                self.notes.append(f"its address is in {variable}")
                return self._check_address(found, variable), False
        if provider.base_url is not None:
            return provider.base_url, False
        raise EndpointError(
            f"it names no api_base, and {' or '.join(provider.base_env)} is not set", code="import_entry"
        )

    def _resolve(self, given: Any, name: str) -> str:
        """A text of the entry, looked up if it refers to a variable."""
        if not isinstance(given, str):
            raise EndpointError(f"its {name} is no text", code="import_entry")
        if not given.startswith(FROM_ENVIRONMENT):
            return given
        variable = given.removeprefix(FROM_ENVIRONMENT)
        found = self._read_variable(variable)
        if not found:
            raise EndpointError(f"its {name} is in {_redact_value(variable)}, which is not set", code="import_entry")
        return found

    def _read_variable(self, name: str) -> str:
        """What a variable holds: the file's own `environment_variables` come first, as in the proxy."""
        own = self._variables.get(name)
        return own.strip() if isinstance(own, str) else os.environ.get(name, "").strip()

    def _check_address(self, given: str, what: str) -> str:
        address = trim_ends(given)
        refuse_credentials(address, what)
        if found := find_hidden_character(address, spaces=True):
            raise EndpointError(f"{what} holds white space or a hidden character ({found})", code="import_entry")
        return address

    def _build_path(self, named: ResolvedModel) -> str:
        """What the provider's routes have between the address and themselves."""
        template = named.provider.path
        if not template:
            return ""
        if named.model is None:
            raise EndpointError("its routes hold the model, and it names none", code="import_entry")
        if named.schema != "chat":
            raise EndpointError(
                f"its route of {named.schema} is not below the model's own address", code="import_entry"
            )
        return template.format(model=named.model)

    def _read_version(self, provider: Provider) -> tuple[tuple[str, str], ...]:
        if provider.version is None:
            if self._given.get("api_version"):
                self.notes.append("not taken over: api_version, which this provider's routes do not have")
            return ()
        given = self._given.get("api_version") or self._read_variable(provider.version)
        if not given:
            raise EndpointError(f"it names no api_version, and {provider.version} is not set", code="import_entry")
        return (("api-version", self._resolve(str(given), "api_version")),)

    def _read_headers(self) -> tuple[dict[str, str | KeyRef], str | None]:
        """Extra headers, and the name of the one that carries the key."""
        headers: dict[str, str | KeyRef] = {}
        for member in ("headers", "extra_headers"):
            for name, value in _as_mapping(self._given.get(member)).items():
                text = value if isinstance(value, str) else str(value)
                is_reference = text.startswith(FROM_ENVIRONMENT)
                headers[str(name)] = KeyRef.env(text.removeprefix(FROM_ENVIRONMENT)) if is_reference else text
        if organization := self._given.get("organization"):
            headers["OpenAI-Organization"] = self._resolve(organization, "organization")
        written = [name for name, value in headers.items() if isinstance(value, str) and _is_secret(name, value)]
        if written:
            raise EndpointError(
                f"header {_join_names(written)} holds a key written out: refer to a variable, "
                f"as {FROM_ENVIRONMENT}NAME",
                code="import_entry",
            )
        return headers, next((name for name in headers if name.lower() in _KEY_HEADERS), None)

    def _choose_key(self, provider: Provider, is_own: bool, by_header: bool) -> KeyRef:
        given = self._given.get("api_key")
        is_dummy = given is not None and str(given).strip().lower() in DUMMIES
        if by_header:
            if given and not is_dummy:
                raise EndpointError("it has an api_key and a header with a key", code="import_entry")
            return KeyRef.none()
        if given is None or given == "":
            if not is_own:
                return KeyRef.env(provider.key_env)
            # The usual variable belongs to the usual address: it is not sent to another one unasked.
            self.notes.append(
                f"it names no api_key: no key is sent (LiteLLM would send {provider.key_env} if that is set)"
            )
            return KeyRef.none()
        if isinstance(given, str) and given.startswith(FROM_ENVIRONMENT):
            name = given.removeprefix(FROM_ENVIRONMENT)
            if name in self._variables:
                self.notes.append(f"{name} is written in the file's environment_variables: set it yourself")
            return KeyRef.env(name)
        if is_dummy:
            return KeyRef.none()
        self.notes.append(
            "the key written in the file was not taken over; give it with "
            "`byok-bench endpoints edit LABEL --key-stdin`, or name a variable with --key-env"
        )
        return KeyRef.env("")

    def _note_the_rest(self, named: ResolvedModel) -> None:
        info = set(_TAKEN_INFO) if named.model is not None else {"mode"}
        rest = [
            *(name for name in self._given if name not in _TAKEN),
            *(f"model_info.{name}" for name in self._info if name not in info),
            *(str(name) for name in self._entry if name not in ("model_name", "litellm_params", "model_info")),
        ]
        if rest:
            self.notes.append(f"not taken over: {_join_names(rest)}")

    def _get_text(self, name: str) -> str | None:
        value = self._given.get(name)
        return value if isinstance(value, str) and value else None


def _find_credential(given: Mapping[str, Any], document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The values of the credential that an entry names; what the entry says itself wins over them."""
    name = given.get("litellm_credential_name")
    if not name:
        return {}
    listed = document.get("credential_list")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping) and one.get("credential_name") == name:
            return _as_mapping(one.get("credential_values"))
    raise EndpointError(
        f"its credential {_redact_value(name)!r} is not in credential_list: where it sends keys is not known",
        code="import_entry",
    )


def _is_secret(name: str, value: str) -> bool:
    return name.lower() in ("authorization", *_KEY_HEADERS) or redact(f"{name}: {value}", ()) != f"{name}: {value}"


def _name_entry(number: int, entry: Any) -> str:
    name = entry.get("model_name") if isinstance(entry, Mapping) else None
    return f"entry {number} ({_redact_value(name)})" if isinstance(name, str) else f"entry {number}"


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _join_names(names: list[str]) -> str:
    return ", ".join(_redact_value(name) for name in names)


def _redact_value(value: Any) -> str:
    return redact(str(value), ())[:80]
