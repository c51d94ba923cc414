"""Endpoints made from what is set up already: environment variables, a LiteLLM config.yaml, a preset.

A key's place is taken over, its value never: one that is written out in a file is left there and said, unseen.
Nothing is stored in here; `add_to_book` puts what was found into a book.
Rules: docs/endpoints.md, "Import and presets".
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint, make_host_label, refuse_credentials
from byok_bench.endpoints.entered_text import LABEL_CHARACTERS
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.presets import get_preset
from byok_bench.errors import EndpointError

URL_VARIABLES: Final = ("OPENAI_BASE_URL", "OPENAI_API_BASE")
"""Where clients look for the address: the name of today's SDKs first, then the one of older ones and of LiteLLM."""
KEY_VARIABLE: Final = "OPENAI_API_KEY"


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    endpoints: tuple[Endpoint, ...]
    notes: tuple[str, ...] = ()
    """What was not taken over, and why; shows no key."""


def from_environment(
    environment: Mapping[str, str] | None = None, label: str | None = None, models: Sequence[str] = ()
) -> Imported:
    """The endpoint that the variables of OpenAI's clients name, and the variable that named it.

    A key alone says nothing of where it may go, so it makes no endpoint: EndpointError with the command that
    does. EndpointError, too, if nothing is set.
    """
    seen = os.environ if environment is None else environment
    addresses = {name: text for name in URL_VARIABLES if (text := seen.get(name, "").strip())}
    has_key = bool(seen.get(KEY_VARIABLE, "").strip())
    if not addresses:
        unset = f"neither {' nor '.join(URL_VARIABLES)} is set"
        raise EndpointError(
            f"only {KEY_VARIABLE} is set, and {unset}: where may the key go? For OpenAI itself: "
            "`byok-bench endpoints import --preset openai`; for another server set its address"
            if has_key
            else f"{unset}: there is nothing to import",
            code="import_empty",
        )
    variable, base_url = next(iter(addresses.items()))
    refuse_credentials(base_url, variable)
    notes = [f"the address is the one in {variable}"]
    notes += [
        f"{name} names another address, which was not taken over"
        for name, text in addresses.items()
        if text.rstrip("/") != base_url.rstrip("/")
    ]
    if not has_key:
        notes.append(f"{KEY_VARIABLE} is not set: the endpoint sends no key")
    endpoint = Endpoint(
        label=label or make_host_label(base_url),
        base_url=base_url,
        key=KeyRef.env(KEY_VARIABLE) if has_key else KeyRef.none(),
        models=[Model(name) for name in models],
    )
    return Imported(endpoints=(endpoint,), notes=tuple(notes))


def from_preset(name: str, label: str | None = None, models: Sequence[str] = ()) -> Imported:
    """The endpoint of a preset, with its quirks as notes. Raises EndpointError for an unknown one."""
    chosen = get_preset(name)
    return Imported(endpoints=(chosen.make_endpoint(label, models),), notes=chosen.quirks)


def from_litellm(path: str | os.PathLike[str]) -> Imported:
    """One endpoint for each server and key that `model_list` names. Raises EndpointError if the file cannot be read."""
    from byok_bench.endpoints.litellm_config import read_litellm_config

    config = read_litellm_config(Path(path))
    return Imported(endpoints=config.endpoints, notes=config.notes)


def add_to_book(book: EndpointBook, found: Imported) -> Imported:
    """Add the endpoints to `book` under free labels; what is in it already is left as it is, with a note."""
    added, notes = [], list(found.notes)
    for endpoint in found.endpoints:
        twin = next((one for one in book if _get_place(one) == _get_place(endpoint)), None)
        if twin is not None:
            notes.append(f"{endpoint.base_url} is in the book already, as {twin.label}: left as it is")
            continue
        chosen = replace(endpoint, label=_choose_free_label(endpoint.label, [one.label for one in book]))
        book.add(chosen)
        added.append(chosen)
    return Imported(endpoints=tuple(added), notes=tuple(notes))


def _get_place(endpoint: Endpoint) -> tuple[object, ...]:
    return endpoint.base_url.rstrip("/"), endpoint.schema, endpoint.key


def _choose_free_label(label: str, taken: Sequence[str]) -> str:
    """`label`, with a number after it if it is taken."""
    number, chosen = 2, label
    while chosen in taken:
        ending = f" {number}"
        chosen, number = label[: LABEL_CHARACTERS - len(ending)] + ending, number + 1
    return chosen
