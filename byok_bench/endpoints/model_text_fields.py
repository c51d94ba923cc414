"""The fields of a model as a person types them: those of the endpoint's first model, or of another one by name.

`MODEL_TEXT_FIELDS[name].read(endpoint, text)` changes the first model; `read_model_field` changes the one that is
named. The rest of an endpoint's fields is in text_fields.py.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from byok_bench.endpoints.efforts import read_efforts, show_efforts
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.endpoints.model import DeclaredCapabilities, Model, Price
from byok_bench.endpoints.text_field import (
    TextField,
    read_members,
    read_names,
    read_number,
    read_pairs,
    read_token_count,
    show_members,
    show_pairs,
)
from byok_bench.errors import EndpointError

_UNKNOWN: Final = ("-", "–")
"""In place of a price that is not known."""


def read_model_field(endpoint: Endpoint, field: str, text: str, model: str) -> Endpoint:
    """The endpoint with one field of the named model changed. Raises EndpointError, also for an unknown model."""
    wanted = endpoint.get_model(model).config_key
    order = [one.config_key for one in endpoint.models]
    first = sorted(endpoint.models, key=lambda one: one.config_key != wanted)
    changed = MODEL_TEXT_FIELDS[field].read(replace(endpoint, models=first), text)
    return replace(changed, models=sorted(changed.models, key=lambda one: order.index(one.config_key)))


def get_first_model(endpoint: Endpoint) -> Model:
    """The model that the fields are about; one without a name where there is none."""
    return endpoint.models[0] if endpoint.models else Model("")


def _replace_first_model(endpoint: Endpoint, **fields: Any) -> Endpoint:
    """The endpoint with fields of its first model changed; where there is none, what says nothing changes nothing."""
    if not endpoint.models and not any(fields.values()):
        return endpoint
    first, *rest = endpoint.models or (Model(""),)
    return replace(endpoint, models=[replace(first, **fields), *rest])


def drop_evidence(model: Model) -> Model:
    """The model without what a probe found of it: that was another model, or another server."""
    kept = {
        name: capability
        for name in DeclaredCapabilities.__struct_fields__
        if (capability := getattr(model.capabilities, name)).evidence is None
    }
    found = replace(model, capabilities=DeclaredCapabilities(**kept))
    if model.echo_evidence is None:
        return found
    return replace(found, echo_reasoning="unknown", echo_evidence=None)


def _read_model(endpoint: Endpoint, text: str) -> Endpoint:
    """Without an id the endpoint has no model; but among others its place, and what is known of it, are kept.

    The id of one of the others brings that one to the front.
    """
    name, models = trim_ends(text), endpoint.models
    if not name and len(models) < 2:
        return replace(endpoint, models=[])
    if name and any(model.name == name for model in models):
        return replace(endpoint, models=sorted(models, key=lambda model: model.name != name))
    first, *rest = models or (Model(""),)
    return replace(endpoint, models=[drop_evidence(replace(first, name=text)), *rest])


def _read_alias(endpoint: Endpoint, text: str) -> Endpoint:
    if not endpoint.models and trim_ends(text):
        raise EndpointError("enter the model first, then its alias", code="model_missing")
    return _replace_first_model(endpoint, alias=text) if endpoint.models else endpoint


def _read_others(endpoint: Endpoint, text: str) -> Endpoint:
    """One a line: the id, and behind ` = ` an alias. A model that stays keeps what else is known of it."""
    known = {model.name: model for model in endpoint.models[1:]}
    others = []
    for line in filter(None, map(trim_ends, text.splitlines())):
        name, _, alias = line.partition(" = ")
        model = known.get(trim_ends(name)) or Model(name)
        others.append(replace(model, alias=trim_ends(alias) or None))
    if others and not endpoint.models:
        raise EndpointError("enter the model first, then the other ones", code="model_missing")
    return replace(endpoint, models=[*endpoint.models[:1], *others])


def read_all_models(endpoint: Endpoint, first: str, others: str) -> Endpoint:
    """Both fields at once: a model that stays keeps what is known of it, wherever it stood; none is renamed."""
    behind = [model for model in endpoint.models if model.name != trim_ends(first)]
    known = [model for model in endpoint.models if model not in behind]
    return _read_others(replace(endpoint, models=[*(known or [Model(first)]), *behind]), others)


def show_model(model: Model) -> str:
    """A line of the other models."""
    return f"{model.name} = {model.alias}" if model.alias else model.name


def _read_price(endpoint: Endpoint, text: str) -> Endpoint:
    """Input and output, then cached input and reasoning, and if it is not USD the currency; `-` where not known."""
    parts = text.replace("/", " ").split()
    if not parts:
        return _replace_first_model(endpoint, price=None)
    has_currency = parts[-1].isalpha()
    numbers = parts[:-1] if has_currency else parts
    if not 2 <= len(numbers) <= 4:
        raise EndpointError(
            "give two numbers: input and output price per million tokens, then if known that of cached input and of "
            "reasoning",
            code="price_invalid",
        )
    values = [None if part in _UNKNOWN else read_number(part, "the price") for part in numbers]
    named = dict(zip(("input", "output", "cached_input", "reasoning"), values, strict=False))
    return _replace_first_model(endpoint, price=Price(**named, currency=parts[-1] if has_currency else "USD"))


def _show_price(endpoint: Endpoint) -> str:
    price = get_first_model(endpoint).price
    if price is None:
        return ""
    values = [price.input, price.output, price.cached_input, price.reasoning]
    while len(values) > 2 and values[-1] is None:
        values.pop()
    shown = " / ".join("-" if value is None else f"{value:g}" for value in values)
    return shown if price.currency == "USD" else f"{shown} {price.currency}"


def _read_window(endpoint: Endpoint, text: str) -> Endpoint:
    return _replace_first_model(
        endpoint, context_window_tokens=read_token_count(text, "context window", "window_invalid")
    )


def _read_most_output(endpoint: Endpoint, text: str) -> Endpoint:
    return _replace_first_model(endpoint, max_output_tokens=read_token_count(text, "output", "max_output_invalid"))


def _read_echo_rule(endpoint: Endpoint, text: str) -> Endpoint:
    return _replace_first_model(endpoint, echo_reasoning=trim_ends(text) or "unknown", echo_evidence=None)


def _read_renames(endpoint: Endpoint, text: str) -> Endpoint:
    """`old:new`, with commas between them."""
    found: dict[str, str] = {}
    for pair in read_names(text):
        old, colon, new = (trim_ends(part) for part in pair.partition(":"))
        if not (colon and old and new) or old in found:
            raise EndpointError(
                "rename is written as OLD:NEW, each member once, like max_tokens:max_completion_tokens",
                code="rename_invalid",
            )
        found[old] = new
    return _replace_first_model(endpoint, rename=found)


def show_renames(rename: Mapping[str, str]) -> str:
    """The renamed members as they would be typed."""
    return ", ".join(f"{old}:{new}" for old, new in rename.items())


MODEL_TEXT_FIELDS: Final[Mapping[str, TextField]] = {
    "model": TextField(
        label="Model",
        placeholder="The provider's exact model id",
        read=_read_model,
        show=lambda one: get_first_model(one).name,
    ),
    "alias": TextField(
        label="Alias",
        placeholder="Optional, shown instead",
        read=_read_alias,
        show=lambda one: get_first_model(one).alias or "",
    ),
    "other_models": TextField(
        label="Other models",
        placeholder="One a line: id, or id = alias",
        read=_read_others,
        show=lambda one: "\n".join(map(show_model, one.models[1:])),
    ),
    "context_window": TextField(
        label="Context window in tokens",
        placeholder="128000",
        read=_read_window,
        show=lambda one: str(get_first_model(one).context_window_tokens or ""),
    ),
    "max_output_tokens": TextField(
        label="Longest answer in tokens",
        placeholder="16384",
        read=_read_most_output,
        show=lambda one: str(get_first_model(one).max_output_tokens or ""),
    ),
    "price": TextField(
        label="Price per million tokens: input / output / cached input / reasoning",
        placeholder="0.15 / 0.6",
        read=_read_price,
        show=_show_price,
    ),
    "effort": TextField(
        label="Reasoning effort",
        placeholder="reasoning_effort: low, high",
        read=lambda one, text: _replace_first_model(one, effort=read_efforts(text)),
        show=lambda one: show_efforts(get_first_model(one).effort),
    ),
    "echo_reasoning": TextField(
        label="Reasoning sent back",
        placeholder="",
        read=_read_echo_rule,
        show=lambda one: get_first_model(one).echo_reasoning,
    ),
    "drop": TextField(
        label="Members never sent",
        placeholder="temperature, stream_options",
        read=lambda one, text: _replace_first_model(one, drop=read_names(text)),
        show=lambda one: ", ".join(get_first_model(one).drop),
    ),
    "rename": TextField(
        label="Members renamed",
        placeholder="max_tokens:max_completion_tokens",
        read=_read_renames,
        show=lambda one: show_renames(get_first_model(one).rename),
    ),
    "model_schema": TextField(
        label="API schema of this model",
        placeholder="",
        read=lambda one, text: _replace_first_model(one, schema=trim_ends(text) or None),
        show=lambda one: get_first_model(one).schema or "",
    ),
    "model_headers": TextField(
        label="Headers of this model",
        placeholder="One a line: X-Team: ${key}",
        read=lambda one, text: _replace_first_model(one, headers=read_pairs(text, "header")),
        show=lambda one: show_pairs(get_first_model(one).headers),
    ),
    "model_body": TextField(
        label="Request fields of this model",
        placeholder='{"top_k": 20}',
        read=lambda one, text: _replace_first_model(one, body=read_members(text)),
        show=lambda one: show_members(get_first_model(one).body),
    ),
}
"""By the name that `--set` takes."""
