"""Endpoints made from what is set up already: environment variables, a LiteLLM config.yaml, a preset.

A key's place is taken over, its value never: one that is written out in a file is left there and said, unseen.
Nothing is stored in here; `add_to` puts what was found into a book. Rules: docs/endpoints.md, "Import and presets".
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint, Model, origin_of
from byok_bench.endpoints.entry import LABEL_CHARACTERS, hidden, trim
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.presets import Preset, preset, presets
from byok_bench.endpoints.secret import DUMMIES
from byok_bench.errors import EndpointError
from byok_bench.redact import redact

URL_VARIABLE: Final = "OPENAI_BASE_URL"
KEY_VARIABLE: Final = "OPENAI_API_KEY"
FROM_ENVIRONMENT: Final = "os.environ/"
"""How a LiteLLM configuration refers to a variable."""


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    endpoints: tuple[Endpoint, ...]
    notes: tuple[str, ...] = ()
    """What was not taken over, and why; shows no key."""


def from_environment(
    environment: Mapping[str, str] | None = None, label: str | None = None, models: Sequence[str] = ()
) -> Imported:
    """The endpoint that OPENAI_BASE_URL and OPENAI_API_KEY mean to other clients.

    Raises EndpointError if neither is set.
    """
    seen = os.environ if environment is None else environment
    base_url, has_key = seen.get(URL_VARIABLE, "").strip(), bool(seen.get(KEY_VARIABLE, "").strip())
    if not base_url and not has_key:
        raise EndpointError(
            f"neither {URL_VARIABLE} nor {KEY_VARIABLE} is set: there is nothing to import",
            code="import_empty",
        )
    notes = []
    if not base_url:
        base_url = preset("openai").base_url
        notes.append(f"{URL_VARIABLE} is not set: {base_url} is what clients call then")
    _refuse_credentials(base_url, URL_VARIABLE)
    if not has_key:
        notes.append(f"{KEY_VARIABLE} is not set: the endpoint sends no key")
    endpoint = Endpoint(
        label=label or _host(base_url),
        base_url=base_url,
        key=KeyRef.env(KEY_VARIABLE) if has_key else KeyRef.none(),
        models=[Model(name) for name in models],
    )
    return Imported(endpoints=(endpoint,), notes=tuple(notes))


def from_preset(name: str, label: str | None = None, models: Sequence[str] = ()) -> Imported:
    """The endpoint of a preset, with its quirks as notes. Raises EndpointError for an unknown one."""
    chosen = preset(name)
    return Imported(endpoints=(chosen.endpoint(label, models),), notes=chosen.quirks)


def from_litellm(path: str | os.PathLike[str]) -> Imported:
    """One endpoint for each server and key that `model_list` names. Raises EndpointError if the file cannot be read."""
    entries = _model_list(Path(path))
    found: dict[tuple[str, KeyRef], list[Model]] = {}
    notes: list[str] = []
    for number, entry in enumerate(entries, 1):
        try:
            place, model, said = _read_entry(entry)
        except EndpointError as error:
            notes.append(f"entry {number} was left out: {error}")
            continue
        if said:
            notes.append(f"entry {number}: {said}")
        models = found.setdefault(place, [])
        if model.name not in [one.name for one in models]:
            models.append(model)
    endpoints = [
        Endpoint(label=_host(base_url), base_url=base_url, key=key, models=models)
        for (base_url, key), models in found.items()
    ]
    return Imported(endpoints=tuple(endpoints), notes=tuple(notes))


def add_to(book: EndpointBook, found: Imported) -> Imported:
    """Add the endpoints to `book` under free labels; what is in it already is left as it is, with a note."""
    added, notes = [], list(found.notes)
    for endpoint in found.endpoints:
        twin = next((one for one in book if _place(one) == _place(endpoint)), None)
        if twin is not None:
            notes.append(f"{endpoint.base_url} is in the book already, as {twin.label}: left as it is")
            continue
        chosen = replace(endpoint, label=_free(endpoint.label, [one.label for one in book]))
        book.add(chosen)
        added.append(chosen)
    return Imported(endpoints=tuple(added), notes=tuple(notes))


def _model_list(path: Path) -> list[Any]:
    """The entries of a LiteLLM configuration."""
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
            return entries
        problem = f"{path} has no model_list with entries"
    raise EndpointError(problem, code="import_broken")


def _read_entry(entry: Any) -> tuple[tuple[str, KeyRef], Model, str]:
    """Address and key, model, and what there is to say of one entry. Raises EndpointError for one of no use."""
    given = entry.get("litellm_params") if isinstance(entry, Mapping) else None
    if not isinstance(given, Mapping) or not isinstance(given.get("model"), str):
        raise EndpointError("it has no litellm_params with a model", code="import_entry")
    prefix, slash, name = given["model"].partition("/")
    known = next((one for one in presets() if slash and prefix in one.litellm), None)
    if known is None:
        raise EndpointError(
            "its provider speaks a format of its own to LiteLLM; point an endpoint at the LiteLLM proxy instead",
            code="import_entry",
        )
    base_url = _base_url(given.get("api_base") or given.get("base_url"), known)
    key, said = _key(given.get("api_key"), known if base_url == known.base_url else None)
    alias = entry.get("model_name")
    model = Model(name, alias=alias if isinstance(alias, str) and alias not in (name, "*") else None)
    return (base_url, key), model, said


def _base_url(given: Any, known: Preset) -> str:
    if not given:
        return known.base_url
    if not isinstance(given, str):
        raise EndpointError("its api_base is no text", code="import_entry")
    if given.startswith(FROM_ENVIRONMENT):
        variable = given.removeprefix(FROM_ENVIRONMENT)
        given = os.environ.get(variable, "")
        if not given:
            raise EndpointError(
                f"its api_base is in {redact(variable, ())}, which is not set", code="import_entry"
            )
    address = trim(str(given))
    _refuse_credentials(address, "its api_base")
    if found := hidden(address, spaces=True):
        raise EndpointError(
            f"its api_base holds white space or a hidden character ({found})", code="import_entry"
        )
    return address


def _key(given: Any, known: Preset | None) -> tuple[KeyRef, str]:
    """Where the key is, and what to say of one that is written out; `known` if the address is the preset's own."""
    if given is None or given == "":
        # The usual variable belongs to the usual address: it is not sent to another one unasked.
        return (KeyRef.env(known.key_env) if known and known.key_env else KeyRef.none()), ""
    if isinstance(given, str) and given.startswith(FROM_ENVIRONMENT):
        return KeyRef.env(given.removeprefix(FROM_ENVIRONMENT)), ""
    if str(given).strip().lower() in DUMMIES:
        return KeyRef.none(), ""
    return KeyRef.env(""), (
        "the key written in the file was not taken over; give it with "
        "`byok-bench endpoints edit LABEL --key-stdin`, or name a variable with --key-env"
    )


def _refuse_credentials(url: str, what: str) -> None:
    """Raise EndpointError, without the URL, if there is a credential in it."""
    if redact(url, ()) != url:
        raise EndpointError(f"{what} holds a credential: give the address without it", code="key_literal")


def _place(endpoint: Endpoint) -> tuple[object, ...]:
    return endpoint.base_url.rstrip("/"), endpoint.schema, endpoint.key


def _host(base_url: str) -> str:
    """A label for an address: its host, with the port if that is not the usual one."""
    origin = origin_of(base_url)
    if origin is None:
        return "Imported"
    return origin.partition("://")[2].removesuffix(":443").removesuffix(":80")[:LABEL_CHARACTERS]


def _free(label: str, taken: Sequence[str]) -> str:
    """`label`, with a number after it if it is taken."""
    number, chosen = 2, label
    while chosen in taken:
        ending = f" {number}"
        chosen, number = label[: LABEL_CHARACTERS - len(ending)] + ending, number + 1
    return chosen
