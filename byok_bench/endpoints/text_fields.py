"""The fields of an endpoint as a person types them: one text each, read into the endpoint and shown again.

`TEXT_FIELDS[name].read(endpoint, text)` gives the changed endpoint or raises EndpointError, which says what was
wrong with the text and shows nothing of it that could be a key. Nothing else is looked at but a file of certificates
that is named. The form, the options of commands and `--set` share these.
"""

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.entered_text import trim_ends
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model_text_fields import MODEL_TEXT_FIELDS, drop_evidence, read_all_models, read_model_field
from byok_bench.endpoints.text_field import (
    TextField,
    read_members,
    read_names,
    read_number,
    read_pairs,
    show_members,
    show_pairs,
)
from byok_bench.errors import EndpointError
from byok_bench.wire.client_certificates import find_certificate_problem
from byok_bench.wire.connections.tls_sessions import find_ca_problem
from byok_bench.wire.egress.proxies import find_proxy_problem
from byok_bench.wire.limits import DEFAULT_TIMEOUTS, Timeouts

MULTILINE_FIELDS: Final = frozenset({"headers", "query", "other_models", "model_headers"})
"""Fields that take one entry a line."""


def _read_url(endpoint: Endpoint, text: str) -> Endpoint:
    moved = replace(endpoint, base_url=text)
    if moved.base_url == endpoint.base_url:
        return endpoint
    return replace(moved, models=[drop_evidence(model) for model in moved.models])


def _read_source(endpoint: Endpoint, text: str) -> Endpoint:
    if text == endpoint.key.kind:
        return endpoint
    refs = {"none": KeyRef.none(), "env": KeyRef.env(""), "keyring": KeyRef.keyring()}
    ref = refs.get(text) or KeyRef(kind="session")
    return replace(endpoint, key=ref, key_origin=None, key_set_at=None)


def _read_timeouts(endpoint: Endpoint, text: str) -> Endpoint:
    parts = text.replace(",", " ").split()
    if not parts:
        return replace(endpoint, timeouts=DEFAULT_TIMEOUTS)
    names = Timeouts.__struct_fields__
    if len(parts) != len(names):
        raise EndpointError("give four numbers of seconds: connect, first byte, idle, total", code="timeouts_invalid")
    values = {name: read_number(part, f"the {name} timeout") for name, part in zip(names, parts, strict=True)}
    try:
        return replace(endpoint, timeouts=Timeouts(**values))
    except ValueError as error:
        problem = str(error)
    raise EndpointError(problem, code="timeouts_invalid")


def _show_timeouts(endpoint: Endpoint) -> str:
    return " ".join(f"{getattr(endpoint.timeouts, name):g}" for name in Timeouts.__struct_fields__)


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


def _read_cert_file(endpoint: Endpoint, text: str) -> Endpoint:
    """A file with a certificate; its key may stand in it as well, or is entered next."""
    path = trim_ends(text) or None
    if path is not None and (problem := find_ca_problem(path)):
        raise EndpointError(problem.replace("CA file", "client certificate"), code="cert_file_invalid")
    key_file = endpoint.tls.key_file if path is not None else None
    return replace(endpoint, tls=replace(endpoint.tls, cert_file=path, key_file=key_file))


def _read_key_file(endpoint: Endpoint, text: str) -> Endpoint:
    """The key of the certificate that was entered: whether they belong together shows at once."""
    changed = replace(endpoint, tls=replace(endpoint.tls, key_file=trim_ends(text) or None))
    pair = changed.tls.client_certificate
    if changed.tls.key_file is not None and pair is not None and (problem := find_certificate_problem(pair)):
        raise EndpointError(problem, code="key_file_invalid")
    return changed


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
    **MODEL_TEXT_FIELDS,
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
        read=lambda one, text: replace(one, headers=read_pairs(text, "header")),
        show=lambda one: show_pairs(one.headers),
    ),
    "query": TextField(
        label="Query fields",
        placeholder="One a line: api-version: 2025-01-01",
        read=lambda one, text: replace(one, query=read_pairs(text, "query field")),
        show=lambda one: show_pairs(one.query),
    ),
    "body": TextField(
        label="Extra request fields",
        placeholder='{"reasoning_effort": "low"}',
        read=lambda one, text: replace(one, body=read_members(text)),
        show=lambda one: show_members(one.body),
    ),
    "timeouts": TextField(
        label="Timeouts in seconds: connect, first byte, idle, total",
        placeholder="10 120 60 600",
        read=_read_timeouts,
        show=_show_timeouts,
    ),
    "ca_file": TextField(
        label="CA file",
        placeholder="PEM file of your own certificate authority",
        read=_read_ca_file,
        show=lambda one: one.tls.ca_file or "",
    ),
    "cert_file": TextField(
        label="Client certificate",
        placeholder="PEM file that is shown to the server",
        read=_read_cert_file,
        show=lambda one: one.tls.cert_file or "",
    ),
    "key_file": TextField(
        label="Its private key",
        placeholder="PEM file without a passphrase",
        read=_read_key_file,
        show=lambda one: one.tls.key_file or "",
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
    "no_proxy": TextField(
        label="Hosts without the proxy",
        placeholder="localhost, *.example.com, 10.0.0.0/8",
        read=lambda one, text: replace(one, no_proxy=read_names(text)),
        show=lambda one: ", ".join(one.no_proxy),
    ),
    "retention": TextField(
        label="Data kept by its operator",
        placeholder="unknown, none, kept, or 30 days",
        read=lambda one, text: replace(one, retention=text),
        show=lambda one: one.retention,
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
    """The endpoint with each of these fields read, in their own order; `FIELD@MODEL` is about that model.

    Raises EndpointError.
    """
    if texts.keys() >= {"model", "other_models"}:
        endpoint = read_all_models(endpoint, texts["model"], texts["other_models"])
        texts = {name: text for name, text in texts.items() if name not in ("model", "other_models")}
    for name in TEXT_FIELDS:
        if name in texts:
            endpoint = TEXT_FIELDS[name].read(endpoint, texts[name])
    for place, text in texts.items():
        name, at, model = place.partition("@")
        if at:
            endpoint = read_model_field(endpoint, name, text, model)
    return endpoint
