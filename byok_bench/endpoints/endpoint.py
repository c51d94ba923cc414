"""Endpoint: what a user configures about one place that speaks the OpenAI-compatible wire format.

Plain frozen data, checked once on entry; what may be wrong *yet* (no URL, no model, no key) is data too:
`missing()`. No file access, no network, no key value in here. Rules: docs/endpoints.md.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import force_setattr, replace

from byok_bench.endpoints import entered_text
from byok_bench.endpoints.entered_text import RETENTION_UNKNOWN
from byok_bench.endpoints.extra_fields import Extras, find_extras_problem, has_key_mark, list_extra_values
from byok_bench.endpoints.field_types import OPTIONAL_TEXT, TEXT, Kinds, check_field_types, copy_table
from byok_bench.endpoints.key_literals import find_literal_key
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import SCHEMAS, Model, Schema, check_choice, check_uuid, make_config_key
from byok_bench.errors import EndpointError
from byok_bench.redact import redact
from byok_bench.wire.bodies.content_coding import IDENTITY
from byok_bench.wire.client_certificates import ClientCertificate
from byok_bench.wire.limits import DEFAULT_TIMEOUTS, Timeouts
from byok_bench.wire.wire_request import TRANSPORTS, Transport

KeyStyle = Literal["bearer", "api-key", "x-api-key", "header"]
KEY_STYLES: Final = ("bearer", "api-key", "x-api-key", "header")
DEFAULT_PORTS: Final = {"http": 80, "https": 443}


_TLS_KINDS: Final[Kinds] = {
    **dict.fromkeys(("ca_file", "cert_file", "key_file"), OPTIONAL_TEXT),
    "verify": (bool, "True or False"),
}


class Tls(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the server's certificate is checked, and what this side shows of itself."""

    ca_file: str | None = None
    """PEM file of certificate authorities; None: the system's."""
    verify: bool = True
    """Skipping is possible for loopback and private addresses in profile `local` only; reports say so."""
    cert_file: str | None = None
    """PEM file of a client certificate, for servers that want one."""
    key_file: str | None = None
    """PEM file of its private key, unencrypted; None: it stands in `cert_file` as well."""

    def __post_init__(self) -> None:
        check_field_types(self, _TLS_KINDS)
        if self.key_file is not None and self.cert_file is None:
            raise EndpointError(
                "key_file is the private key of a client certificate: give its cert_file, too",
                code="client_certificate_invalid",
            )

    @property
    def client_certificate(self) -> ClientCertificate | None:
        """The pair of files; None if this side shows no certificate."""
        return None if self.cert_file is None else ClientCertificate(self.cert_file, self.key_file)


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One place to send requests to, as configured. Raises EndpointError for a field that cannot be."""

    label: str
    """Unique in a book; at most 80 characters."""
    base_url: str = ""
    """As entered, trimmed; judged when something is sent."""
    schema: Schema = "chat"
    key: KeyRef = KeyRef.none()
    key_style: KeyStyle = "bearer"
    key_header: str | None = None
    """Header that carries the key when `key_style` is `header`."""
    key_origin: str | None = None
    """`scheme://host:port` that the key was confirmed for; filled from `base_url` for a new endpoint."""
    key_set_at: datetime | None = None
    """When the key was put into the keyring (UTC)."""
    models: Sequence[Model] = ()
    headers: Mapping[str, str | KeyRef] = {}
    """Extra header fields; a secret value is a reference."""
    query: Mapping[str, str | KeyRef] = {}
    """Extra query fields of every request URL; a secret value is a reference."""
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    tls: Tls = Tls()
    body: Mapping[str, Any] = {}
    """Extra fields merged into every request body."""
    proxy: str | None = None
    """URL of an HTTP proxy; None: connect directly. Proxy variables of the environment are not read."""
    no_proxy: Sequence[str] = ()
    """Hosts that are called without the proxy: a name, `*.suffix`, an address, a network, or `*`."""
    retention: str = RETENTION_UNKNOWN
    """What its operator does with prompts and answers: `unknown`, `none`, `kept`, or `N days`. Stated, not checked."""
    accept_encoding: str = IDENTITY
    """Content codings that answers may have: `identity`, since what is measured is the wire, or what an SDK sends
    (`gzip, deflate`), to see what it sees. The only way to set that header."""
    transport: Transport = "own"
    """`own` (timed, HTTP/1.1), `httpx` (stock, HTTP/2 where TLS agrees on it) or `http2` (that version alone)."""
    config_key: str = msgspec.field(default_factory=make_config_key)
    """UUIDv4 that stays when the label changes; the id of its key in pools and logs."""

    def __post_init__(self) -> None:
        check_field_types(self, _KINDS)
        check_uuid(self.config_key, "endpoint")
        check_choice("schema", self.schema, SCHEMAS)
        check_choice("key style", self.key_style, KEY_STYLES)
        check_choice("transport", self.transport, TRANSPORTS)
        force_setattr(self, "no_proxy", tuple(entered_text.normalize_proxy_exceptions(self.no_proxy)))
        force_setattr(self, "retention", entered_text.normalize_retention(self.retention))
        force_setattr(self, "accept_encoding", entered_text.normalize_codings(self.accept_encoding))
        force_setattr(self, "label", entered_text.normalize_label(self.label))
        force_setattr(self, "base_url", entered_text.trim_ends(self.base_url))
        force_setattr(self, "models", tuple(self.models))
        force_setattr(self, "headers", copy_table("headers", self.headers))
        force_setattr(self, "query", copy_table("query", self.query))
        force_setattr(self, "body", copy_table("body", self.body))
        _check_models(self.models)
        if problem := find_extras_problem(self.headers, self.query):
            raise EndpointError(problem, code="extra_field_invalid")
        if field := find_literal_key({"body": self.body}):
            raise EndpointError(
                f"{field} holds a key, and bodies are stored: send it as the key, or in a header by reference",
                code="key_literal",
            )
        self._complete_key()

    def __repr__(self) -> str:
        """Short, and without header values: a verbose traceback prints this."""
        models = [model.name for model in self.models]
        shown = f"label={self.label!r}, base_url={self.base_url!r}, schema={self.schema!r}, models={models!r}"
        return redact(f"Endpoint({shown}, key='{self.key}')", ())

    def _complete_key(self) -> None:
        """Check the key's header, name a new keyring entry, and bind a new key to the origin."""
        if self.key_style != "header" and self.key_header:
            raise EndpointError("a key header is named with key style `header` only", code="key_header_unexpected")
        if self.key_header and (problem := entered_text.find_header_name_problem(self.key_header, for_key=True)):
            raise EndpointError(problem, code="key_header_invalid")
        if self.key.kind == "keyring" and not self.key.name:
            force_setattr(self, "key", KeyRef.keyring(self.key.service, self.config_key))
        if self.key_origin is None and self.needs_secret:
            force_setattr(self, "key_origin", extract_origin(self.base_url))

    @property
    def origin(self) -> str | None:
        """`scheme://host:port` of the base URL, or None while there is none."""
        return extract_origin(self.base_url)

    def describe_key(self) -> str:
        """Whose key is asked for, and where it would go: a label says nothing of that in a file from someone else."""
        return f"key of {self.label} ({self.origin or 'no address'})"

    @property
    def needs_secret(self) -> bool:
        """Whether anything secret goes out with a request: the key, or a header or query reference."""
        return self.key.kind != "none" or any(
            isinstance(value, KeyRef) or has_key_mark(value) for value in list_extra_values(*self.extras)
        )

    @property
    def schemas(self) -> tuple[Schema, ...]:
        """The dialects that its models are asked in; its own if it has none yet."""
        return tuple(dict.fromkeys(model.schema or self.schema for model in self.models)) or (self.schema,)

    @property
    def extras(self) -> list[Extras]:
        """The extra header and query fields, its models' among them."""
        return [self.headers, self.query, *(model.headers for model in self.models)]

    @property
    def has_key_in_header(self) -> bool:
        """Whether the key is put into an extra header of the endpoint or of one of its models."""
        return any(map(has_key_mark, list_extra_values(*self.extras)))

    @property
    def key_is_confirmed(self) -> bool:
        """Whether the key may go to the present origin; a key belongs to one origin."""
        return not self.needs_secret or (self.key_origin is not None and self.key_origin == self.origin)

    def confirm_key(self) -> "Endpoint":
        """The same endpoint with its key confirmed for the present origin."""
        return replace(self, key_origin=self.origin)

    def list_missing_fields(self) -> tuple[str, ...]:
        """Fields that still keep this endpoint from a run, in order: `base_url models key key_header key_origin`.

        Looks at the configuration alone: a variable that is not set shows when a request is built.
        """
        found = {
            "base_url": not self.base_url,
            "models": not self.models or not all(model.name for model in self.models),
            "key": not self.key.is_set or (self.key.kind == "none" and self.has_key_in_header),
            "key_header": self.key_style == "header" and self.key.kind != "none" and not self.key_header,
            "key_origin": bool(self.base_url) and not self.key_is_confirmed,
        }
        return tuple(name for name, is_missing in found.items() if is_missing)

    def find_model(self, name: str) -> Model | None:
        """The model with this name, alias or config_key; None if there is none."""
        return next((model for model in self.models if name in (model.name, model.alias, model.config_key)), None)

    def get_model(self, name: str | None = None) -> Model:
        """The model with this name, alias or config_key; the first one if None. Raises EndpointError."""
        if name is None:
            if not self.models:
                raise EndpointError(f"endpoint {self.label!r} has no model: add one", code="model_missing")
            return self.models[0]
        found = self.find_model(name)
        if found is not None:
            return found
        known = ", ".join(model.name for model in self.models) or "none"
        raise EndpointError(f"endpoint {self.label!r} has no model {name!r}; configured: {known}", code="model_unknown")


def refuse_other_than_endpoint(endpoint: object) -> None:
    """Raise EndpointError for anything else in the place of an endpoint, such as its label."""
    if not isinstance(endpoint, Endpoint):
        raise EndpointError(
            f"an endpoint is a bb.Endpoint, not {type(endpoint).__name__}; those of the book are had by "
            'bb.EndpointBook.open()["label"]',
            code="no_endpoint",
        )


def make_picker_label(endpoint: Endpoint, model: Model, *, team: bool = False) -> str:
    """How a model is offered for choice: `alias or name (Custom • label)`, `(Team • label)` for a team's."""
    return f"{model.alias or model.name} ({'Team' if team else 'Custom'} • {endpoint.label})"


def make_host_label(base_url: str) -> str:
    """A label for an address: its host, with the port if that is not the usual one."""
    origin = extract_origin(base_url)
    if origin is None:
        return "Imported"
    return origin.partition("://")[2].removesuffix(":443").removesuffix(":80")[: entered_text.LABEL_CHARACTERS]


def refuse_credentials(url: str, what: str) -> None:
    """Raise EndpointError, without the URL, if there is a credential in it."""
    if redact(url, ()) != url:
        raise EndpointError(f"{what} holds a credential: give the address without it", code="key_literal")


def extract_origin(url: str) -> str | None:
    """`scheme://host:port`, lower case, port always written; None if the text is no http(s) URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not host:
        return None
    shown = f"[{host}]" if ":" in host else host.removesuffix(".")
    return f"{parts.scheme}://{shown}:{port or DEFAULT_PORTS[parts.scheme]}"


_KINDS: Final[Kinds] = {
    **dict.fromkeys(("label", "base_url", "retention", "accept_encoding"), TEXT),
    **dict.fromkeys(("key_header", "proxy"), OPTIONAL_TEXT),
    "key": (KeyRef, "where the key is found, like bb.KeyRef.env('NAME'), never the key itself"),
    "models": ((list, tuple), "a list of bb.Model(…)"),
    "timeouts": (Timeouts, "bb.Timeouts(…)"),
    "tls": (Tls, "bb.Tls(…)"),
    "no_proxy": ((str, Sequence), "a list of hosts"),
}
"""What the checks of single fields do not say themselves."""


def _check_models(models: Sequence[Model]) -> None:
    if not all(isinstance(model, Model) for model in models):
        raise EndpointError("models must be a list of bb.Model(…)", code="models_invalid")
    names = [model.name for model in models if model.name]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise EndpointError(f"model {twice[0]} is listed twice", code="model_twice")
