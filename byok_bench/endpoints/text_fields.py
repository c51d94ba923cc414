"""The fields of an endpoint as a person types them: one text each, read into the endpoint and shown again.

`TEXT_FIELDS[name].read(endpoint, text)` gives the changed endpoint or raises EndpointError, which says what was
wrong with the text and shows nothing of it that could be a key. Nothing else is looked at but a file of certificates
that is named. The form, the options of commands and `--set` share these.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from byok_bench.endpoints.endpoint import DeclaredCapabilities, Endpoint, Model, Price
from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.endpoints.keys import KeyRef
from byok_bench.errors import EndpointError
from byok_bench.wire.connections.tls_sessions import find_ca_problem
from byok_bench.wire.egress.proxies import find_proxy_problem
from byok_bench.wire.limits import DEFAULT_TIMEOUTS, Timeouts

REFERENCES: Final = ("env:", "keyring:", "session:")
"""How the value of a header or query field begins if it is a reference."""

MULTILINE_FIELDS: Final = frozenset({"headers", "query", "other_models"})
"""Fields that take one entry a line."""


class TextField(msgspec.Struct, frozen=True, kw_only=True):
    """One field."""

    label: str
    placeholder: str
    read: Callable[[Endpoint, str], Endpoint]
    show: Callable[[Endpoint], str]


def _get_first_model(endpoint: Endpoint) -> Model:
    return endpoint.models[0] if endpoint.models else Model("")


def _replace_first_model(endpoint: Endpoint, **fields: Any) -> Endpoint:
    first, *rest = endpoint.models or (Model(""),)
    return replace(endpoint, models=[replace(first, **fields), *rest])


def _drop_evidence(model: Model) -> Model:
    """The model without what a probe found of it: that was another model, or another server."""
    kept = {
        name: capability
        for name in DeclaredCapabilities.__struct_fields__
        if (capability := getattr(model.capabilities, name)).evidence is None
    }
    return replace(model, capabilities=DeclaredCapabilities(**kept))


def _read_url(endpoint: Endpoint, text: str) -> Endpoint:
    moved = replace(endpoint, base_url=text)
    if moved.base_url == endpoint.base_url:
        return endpoint
    return replace(moved, models=[_drop_evidence(model) for model in moved.models])


def _read_model(endpoint: Endpoint, text: str) -> Endpoint:
    """Without an id the endpoint has no model; but among others its place, and what is known of it, are kept.

    The id of one of the others brings that one to the front.
    """
    name, models = trim_ends(text), endpoint.models
    if not name and len(models) < 2:
        return replace(endpoint, models=[])
    if name and any(model.name == name for model in models):
        return replace(endpoint, models=sorted(models, key=lambda model: model.name != name))
    renamed = _replace_first_model(endpoint, name=text)
    return replace(renamed, models=[_drop_evidence(renamed.models[0]), *renamed.models[1:]])


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


def _read_all_models(endpoint: Endpoint, first: str, others: str) -> Endpoint:
    """Both fields at once: a model that stays keeps what is known of it, wherever it stood; none is renamed."""
    behind = [model for model in endpoint.models if model.name != trim_ends(first)]
    known = [model for model in endpoint.models if model not in behind]
    return _read_others(replace(endpoint, models=[*(known or [Model(first)]), *behind]), others)


def show_model(model: Model) -> str:
    """A line of the other models."""
    return f"{model.name} = {model.alias}" if model.alias else model.name


def _read_source(endpoint: Endpoint, text: str) -> Endpoint:
    if text == endpoint.key.kind:
        return endpoint
    refs = {"none": KeyRef.none(), "env": KeyRef.env(""), "keyring": KeyRef.keyring()}
    ref = refs.get(text) or KeyRef(kind="session")
    return replace(endpoint, key=ref, key_origin=None, key_set_at=None)


def _read_pairs(text: str, what: str) -> dict[str, str | KeyRef]:
    """`Name: value` lines; a value such as env:NAME is a reference."""
    found: dict[str, str | KeyRef] = {}
    for number, line in enumerate(filter(None, map(trim_ends, text.splitlines())), start=1):
        name, colon, value = (trim_ends(part) for part in line.partition(":"))
        if not colon or not name:
            raise EndpointError(f"{what} {number} is not written as Name: value", code="pair_invalid")
        if name in found:
            raise EndpointError(f"{what} {number} has the name of another one", code="pair_twice")
        found[name] = KeyRef.parse(value) if value.startswith(REFERENCES) else value
    return found


def _show_pairs(fields: Mapping[str, str | KeyRef]) -> str:
    return "\n".join(f"{name}: {value}" for name, value in fields.items())


def _read_number(text: str, what: str) -> float:
    try:
        return float(text)
    except ValueError:
        problem = f"{what} must be a number"
    raise EndpointError(problem, code="number_invalid")


def _read_timeouts(endpoint: Endpoint, text: str) -> Endpoint:
    parts = text.replace(",", " ").split()
    if not parts:
        return replace(endpoint, timeouts=DEFAULT_TIMEOUTS)
    names = Timeouts.__struct_fields__
    if len(parts) != len(names):
        raise EndpointError("give four numbers of seconds: connect, first byte, idle, total", code="timeouts_invalid")
    values = {name: _read_number(part, f"the {name} timeout") for name, part in zip(names, parts, strict=True)}
    try:
        return replace(endpoint, timeouts=Timeouts(**values))
    except ValueError as error:
        problem = str(error)
    raise EndpointError(problem, code="timeouts_invalid")


def _show_timeouts(endpoint: Endpoint) -> str:
    return " ".join(f"{getattr(endpoint.timeouts, name):g}" for name in Timeouts.__struct_fields__)


def _read_body(endpoint: Endpoint, text: str) -> Endpoint:
    try:
        value = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        where = f": line {error.lineno}, column {error.colno}" if isinstance(error, json.JSONDecodeError) else ""
        problem = f"the extra fields are not JSON{where}"
    else:
        if isinstance(value, dict):
            return replace(endpoint, body=value)
        problem = 'the extra fields must be a JSON object, like {"reasoning_effort": "low"}'
    raise EndpointError(problem, code="body_invalid")


def _show_body(endpoint: Endpoint) -> str:
    return json.dumps(msgspec.to_builtins(endpoint.body), ensure_ascii=False) if endpoint.body else ""


def _read_price(endpoint: Endpoint, text: str) -> Endpoint:
    """Input and output, and if it is not USD the currency; `-` for one that is not known."""
    parts = text.replace("/", " ").split()
    if not parts:
        return _replace_first_model(endpoint, price=None) if endpoint.models else endpoint
    if len(parts) not in (2, 3):
        raise EndpointError("give two numbers: input and output price per million tokens", code="price_invalid")
    values = [None if part in ("-", "–") else _read_number(part, "the price") for part in parts[:2]]
    currency = parts[2] if len(parts) == 3 else "USD"
    return _replace_first_model(endpoint, price=Price(input=values[0], output=values[1], currency=currency))


def _show_price(endpoint: Endpoint) -> str:
    price = _get_first_model(endpoint).price
    if price is None:
        return ""
    shown = " / ".join("-" if value is None else f"{value:g}" for value in (price.input, price.output))
    return shown if price.currency == "USD" else f"{shown} {price.currency}"


def _read_window(endpoint: Endpoint, text: str) -> Endpoint:
    text = text.strip().replace("_", "").replace(",", "")
    if not text:
        return _replace_first_model(endpoint, context_window_tokens=None) if endpoint.models else endpoint
    if not text.isdecimal():
        raise EndpointError("the context window must be a whole number of tokens", code="window_invalid")
    return _replace_first_model(endpoint, context_window_tokens=int(text))


def _read_verify(endpoint: Endpoint, text: str) -> Endpoint:
    if text not in ("on", "off"):
        raise EndpointError("certificates are checked (on) or not (off)", code="verify_invalid")
    return replace(endpoint, tls=replace(endpoint.tls, verify=text == "on"))


def _read_ca_file(endpoint: Endpoint, text: str) -> Endpoint:
    """A file that is there and holds certificates: what is wrong shows at once, not at the first request."""
    path = trim_ends(text) or None
    if path is not None and (problem := find_ca_problem(path)):
        raise EndpointError(problem, code="ca_file_invalid")
    return replace(endpoint, tls=replace(endpoint.tls, ca_file=path))


def _read_proxy(endpoint: Endpoint, text: str) -> Endpoint:
    url = trim_ends(text)
    if url and (problem := find_proxy_problem(url)):
        raise EndpointError(problem, code="proxy_invalid")
    return replace(endpoint, proxy=url or None)


TEXT_FIELDS: Final[Mapping[str, TextField]] = {
    "label": TextField(
        label="Label",
        placeholder="How tables call it",
        read=lambda one, text: replace(one, label=text),
        show=lambda one: one.label,
    ),
    "base_url": TextField(
        label="Base URL",
        placeholder="https://openrouter.ai/api/v1",
        read=_read_url,
        show=lambda one: one.base_url,
    ),
    "schema": TextField(
        label="API schema",
        placeholder="",
        read=lambda one, text: replace(one, schema=text),
        show=lambda one: one.schema,
    ),
    "model": TextField(
        label="Model",
        placeholder="The provider's exact model id",
        read=_read_model,
        show=lambda one: _get_first_model(one).name,
    ),
    "alias": TextField(
        label="Alias",
        placeholder="Optional, shown instead",
        read=_read_alias,
        show=lambda one: _get_first_model(one).alias or "",
    ),
    "other_models": TextField(
        label="Other models",
        placeholder="One a line: id, or id = alias",
        read=_read_others,
        show=lambda one: "\n".join(map(show_model, one.models[1:])),
    ),
    "key_source": TextField(
        label="Key source",
        placeholder="",
        read=_read_source,
        show=lambda one: one.key.kind,
    ),
    "key_env": TextField(
        label="Environment variable",
        placeholder="OPENAI_API_KEY",
        read=lambda one, text: replace(one, key=KeyRef.env(text), key_origin=one.origin, key_set_at=None),
        show=lambda one: one.key.name if one.key.kind == "env" else "",
    ),
    "key_style": TextField(
        label="Key style",
        placeholder="",
        read=lambda one, text: replace(one, key_style=text, key_header=one.key_header if text == "header" else None),
        show=lambda one: one.key_style,
    ),
    "key_header": TextField(
        label="Key header",
        placeholder="x-goog-api-key",
        read=lambda one, text: replace(one, key_header=trim_ends(text) or None),
        show=lambda one: one.key_header or "",
    ),
    "headers": TextField(
        label="Extra headers",
        placeholder="One a line: X-Title: my workbench",
        read=lambda one, text: replace(one, headers=_read_pairs(text, "header")),
        show=lambda one: _show_pairs(one.headers),
    ),
    "query": TextField(
        label="Query fields",
        placeholder="One a line: api-version: 2025-01-01",
        read=lambda one, text: replace(one, query=_read_pairs(text, "query field")),
        show=lambda one: _show_pairs(one.query),
    ),
    "body": TextField(
        label="Extra request fields",
        placeholder='{"reasoning_effort": "low"}',
        read=_read_body,
        show=_show_body,
    ),
    "timeouts": TextField(
        label="Timeouts in seconds: connect, first byte, idle, total",
        placeholder="10 120 60 600",
        read=_read_timeouts,
        show=_show_timeouts,
    ),
    "context_window": TextField(
        label="Context window in tokens",
        placeholder="128000",
        read=_read_window,
        show=lambda one: str(_get_first_model(one).context_window_tokens or ""),
    ),
    "price": TextField(
        label="Price per million tokens: input / output",
        placeholder="0.15 / 0.6",
        read=_read_price,
        show=_show_price,
    ),
    "ca_file": TextField(
        label="CA file",
        placeholder="PEM file of your own certificate authority",
        read=_read_ca_file,
        show=lambda one: one.tls.ca_file or "",
    ),
    "verify": TextField(
        label="Certificate check",
        placeholder="",
        read=_read_verify,
        show=lambda one: "on" if one.tls.verify else "off",
    ),
    "proxy": TextField(
        label="Proxy",
        placeholder="http://127.0.0.1:3128",
        read=_read_proxy,
        show=lambda one: one.proxy or "",
    ),
    "accept_encoding": TextField(
        label="Accepted encodings",
        placeholder="identity, or as an SDK: gzip, deflate",
        read=lambda one, text: replace(one, accept_encoding=text),
        show=lambda one: one.accept_encoding,
    ),
    "transport": TextField(
        label="Transport",
        placeholder="",
        read=lambda one, text: replace(one, transport=trim_ends(text) or "own"),
        show=lambda one: one.transport,
    ),
}
"""By the name that `--set` takes, in the order of the form."""


def read_texts(endpoint: Endpoint, texts: Mapping[str, str]) -> Endpoint:
    """The endpoint with each of these fields read, in their own order. Raises EndpointError."""
    if texts.keys() >= {"model", "other_models"}:
        endpoint = _read_all_models(endpoint, texts["model"], texts["other_models"])
        texts = {name: text for name, text in texts.items() if name not in ("model", "other_models")}
    for name in TEXT_FIELDS:
        if name in texts:
            endpoint = TEXT_FIELDS[name].read(endpoint, texts[name])
    return endpoint
