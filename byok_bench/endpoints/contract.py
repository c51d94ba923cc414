"""`custom_model_endpoint`, version 1: an endpoint as the request field of an agent backend that calls it for us.

A client writes the field with `encode_endpoint` and tells by `check_confirmation` whether the server obeyed it; a
server reads it with `decode_endpoint`. The shape is custom_model_endpoint.v1.json beside this file, with examples. A
secret is in the encoded document alone: no error, repr or log shows one. Rules: docs/endpoints.md.
"""

import contextlib
import functools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

import msgspec

from byok_bench.endpoints.contract_model import decode_model, encode_model_members
from byok_bench.endpoints.credentials import resolve_credentials
from byok_bench.endpoints.endpoint import Endpoint, KeyStyle, Tls
from byok_bench.endpoints.entered_text import RETENTION_UNKNOWN, trim_ends
from byok_bench.endpoints.extra_fields import has_key_mark
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Model, Schema
from byok_bench.endpoints.model_requests import narrow_endpoint
from byok_bench.endpoints.secret import Secret
from byok_bench.errors import ContractError, EndpointError, strip_traceback
from byok_bench.redact import redact
from byok_bench.redact.logs import forget_afterwards
from byok_bench.wire.bodies.content_coding import IDENTITY
from byok_bench.wire.limits import DEFAULT_TIMEOUTS, Timeouts

CONTRACT_VERSION: Final = 1
CONTRACT_FIELD: Final = "custom_model_endpoint"
"""Name of the request field, and of the answer's member that confirms it."""
_FILE: Final = "custom_model_endpoint.v1.json"
_SECRET_HEADER_CHARACTERS: Final = 8
"""A header value of this length that could be a key is treated as one."""
_MEMBER_OF: Final = {
    "label": "label", "model": "model", "key": "auth.header", "extra": "headers", "drop": "drop", "rename": "rename",
    "retention": "retention", "price": "price", "max": "max_output_tokens",
}  # fmt: skip
"""First word of an EndpointError's code → the member it is about."""


class TeamReference(msgspec.Struct, frozen=True, kw_only=True):
    """A team's endpoint by name: the receiver knows the rest."""

    config_key: str
    """Of a model in the team's book, or of an endpoint: then its first model."""


class CustomEndpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A user's own endpoint as received. Shows neither key nor header values."""

    config_key: str
    label: str
    base_url: str
    schema: Schema
    about: Model
    """The model that is asked, with what its requests are to look like."""
    retention: str
    timeouts: Timeouts
    key_style: KeyStyle
    key_header: str | None
    secret: Secret | None
    """None for a server that needs no key."""
    headers: Mapping[str, Secret | str]
    """A value that could be a key is a Secret."""

    @property
    def model(self) -> str:
        """The provider's id of the model."""
        return self.about.name

    def __repr__(self) -> str:
        return redact(f"CustomEndpoint(label={self.label!r}, base_url={self.base_url!r}, model={self.model!r})", ())

    @contextlib.contextmanager
    def lend_endpoint(self) -> Iterator[Endpoint]:
        """An Endpoint to send with; its key is forgotten when the block ends, by log filters too."""
        with forget_afterwards(), contextlib.ExitStack() as stack:

            def lend(value: Secret) -> KeyRef:
                ref = KeyRef.session(value)
                stack.callback(ref.forget)
                return ref

            yield Endpoint(
                label=self.label,
                base_url=self.base_url,
                schema=self.schema,
                key=KeyRef.none() if self.secret is None else lend(self.secret),
                key_style=self.key_style,
                key_header=self.key_header,
                models=[self.about],
                retention=self.retention,
                headers={
                    name: lend(value) if isinstance(value, Secret) else value for name, value in self.headers.items()
                },
                timeouts=self.timeouts,
                config_key=self.config_key,
            )


def encode_endpoint(endpoint: Endpoint, model: str | None = None, *, team: bool = False) -> dict[str, Any]:
    """The request field for `endpoint` and one of its models (the first by default); `team`: by reference alone.

    The document holds the key: hand it to the request and keep no copy. Raises EndpointError or SecretError if the
    endpoint cannot be used, ContractError if version 1 has no member for a field of it.
    """
    chosen = endpoint.get_model(model)
    if team:
        return {"version": CONTRACT_VERSION, "config_key": chosen.config_key}
    _refuse_what_has_no_member(endpoint)
    if missing := endpoint.list_missing_fields():
        raise EndpointError(
            f"endpoint {endpoint.label!r} is incomplete: {', '.join(missing)}", code="endpoint_incomplete"
        )
    endpoint = narrow_endpoint(endpoint, chosen.name)
    key = endpoint.key.resolve()
    known = resolve_credentials(endpoint, key)
    document: dict[str, Any] = {
        "version": CONTRACT_VERSION,
        "config_key": chosen.config_key,
        "label": endpoint.label,
        "base_url": endpoint.base_url,
        "schema": endpoint.schema,
        "model": chosen.name,
        **encode_model_members(endpoint, chosen),
    }
    if endpoint.retention != RETENTION_UNKNOWN:
        document["retention"] = endpoint.retention
    if key is not None:
        document["auth"] = {"style": endpoint.key_style, "secret": key.reveal()}
        if endpoint.key_header:
            document["auth"]["header"] = endpoint.key_header
    if endpoint.headers:
        real = dict(known.headers)
        document["headers"] = {
            name: str(value) if has_key_mark(value) else real[name] for name, value in endpoint.headers.items()
        }
    if endpoint.timeouts != DEFAULT_TIMEOUTS:
        document["timeouts"] = msgspec.to_builtins(endpoint.timeouts)
    return document


def decode_endpoint(document: object) -> CustomEndpoint | TeamReference:
    """What a request field says. Raises ContractError that names the member, and shows no value."""
    try:
        return _decode_document(document)
    except ContractError as error:
        problem = strip_traceback(error)
    del document
    raise problem


def _decode_document(document: object) -> CustomEndpoint | TeamReference:
    if not isinstance(document, Mapping):
        raise ContractError(f"{CONTRACT_FIELD}: must be an object", code="member_invalid")
    version = document.get("version")
    if type(version) is not int or version != CONTRACT_VERSION:
        shown = f"{version} is unknown" if type(version) is int else "must be an integer"
        raise ContractError(f"{CONTRACT_FIELD}.version: {shown}; known is {CONTRACT_VERSION}", code="version_unknown")
    is_team = set(document) <= {"version", "config_key"}
    _refuse_wrong_shape(document, "team" if is_team else "own")
    if is_team:
        return TeamReference(config_key=document["config_key"])
    return _read_own_endpoint(document)


def resolve_reference(reference: TeamReference, team: Iterable[Endpoint]) -> tuple[Endpoint, str]:
    """The team's endpoint and model that a reference means. Raises ContractError if there is none here."""
    for endpoint in team:
        names = [one.name for one in endpoint.models if one.config_key == reference.config_key]
        if not names and endpoint.config_key == reference.config_key:
            names = [endpoint.get_model().name]
        if names:
            return endpoint, names[0]
    raise ContractError(f"{CONTRACT_FIELD}.config_key: the team's book here has none of it", code="config_key_unknown")


def make_confirmation(document: Mapping[str, Any]) -> dict[str, Any]:
    """What an answer repeats of the field it obeyed: nothing that is secret."""
    return {"version": document["version"], "config_key": document["config_key"]}


def check_confirmation(document: Mapping[str, Any], answer: object) -> None:
    """Raise ContractError unless `answer` says that it came from the endpoint in `document`.

    A server that does not know the field ignores it and answers with a model of its own choice.
    """
    said = answer.get(CONTRACT_FIELD) if isinstance(answer, Mapping) else None
    is_confirmed = said == make_confirmation(document)
    del (
        document,
        answer,
        said,
    )  # a verbose traceback prints the locals of this frame, and the document holds the key
    if not is_confirmed:
        raise ContractError(
            f"the server did not confirm {CONTRACT_FIELD}: whatever it answered came from another model, or from none. "
            "Update the server, or call the endpoint from here",
            code="not_honoured",
        )


def load_examples() -> list[dict[str, Any]]:
    """The examples that ship: name, valid, document; for an invalid one also member and code of the refusal."""
    text = (files("byok_bench.endpoints") / "custom_model_endpoint.examples.json").read_text(encoding="utf-8")
    return list(json.loads(text)["examples"])


def load_json_schema() -> dict[str, Any]:
    """The JSON Schema of the field."""
    return dict(json.loads((files("byok_bench.endpoints") / _FILE).read_text(encoding="utf-8")))


def _refuse_what_has_no_member(endpoint: Endpoint) -> None:
    """A field that would be lost on the way would change what is called."""
    extra = {
        "query": bool(endpoint.query),
        "tls": endpoint.tls != Tls(),
        "proxy": endpoint.proxy is not None,
        "accept_encoding": endpoint.accept_encoding != IDENTITY,
        "transport": endpoint.transport != "own",
    }
    if lost := [name for name, is_set in extra.items() if is_set]:
        raise ContractError(
            f"{CONTRACT_FIELD} version {CONTRACT_VERSION} cannot carry {', '.join(lost)} of {endpoint.label!r}: "
            "call it from here",
            code="not_expressible",
        )


def _read_own_endpoint(document: Mapping[str, Any]) -> CustomEndpoint:
    auth = document.get("auth", {})
    secret = Secret(auth["secret"]) if auth else None
    if secret is not None and (problem := secret.find_problem()):
        raise ContractError(f"{CONTRACT_FIELD}.auth.secret: {problem}", code="member_invalid")
    _refuse_url_credentials(document["base_url"])
    if not trim_ends(document["base_url"]):
        raise ContractError(f"{CONTRACT_FIELD}.base_url: is empty", code="member_invalid")
    try:
        received = CustomEndpoint(
            config_key=document["config_key"],
            label=document["label"],
            base_url=trim_ends(document["base_url"]),
            schema=document["schema"],
            about=decode_model(document),
            retention=document.get("retention", RETENTION_UNKNOWN),
            timeouts=Timeouts(**document.get("timeouts", {})),
            key_style=auth.get("style", "bearer"),
            key_header=auth.get("header"),
            secret=secret,
            headers={name: _hide_possible_secret(value) for name, value in document.get("headers", {}).items()},
        )
        with received.lend_endpoint():
            pass  # every check that an endpoint passes on entry
    except EndpointError as error:
        member = _MEMBER_OF.get(error.code.partition("_")[0], CONTRACT_FIELD)
        problem = str(error)
    except ValueError as error:
        member, problem = "timeouts", str(error)
    else:
        if received.model:
            return received
        member, problem = "model", "is empty"
    raise ContractError(f"{CONTRACT_FIELD}.{member}: {problem}", code="member_invalid")


def _refuse_url_credentials(url: str) -> None:
    if redact(url, ()) != url:
        raise ContractError(
            f"{CONTRACT_FIELD}.base_url: holds a credential; auth is the place of it", code="member_invalid"
        )


def _hide_possible_secret(value: str) -> Secret | str:
    if has_key_mark(value):
        return value
    could_be = len(value) >= _SECRET_HEADER_CHARACTERS and Secret(value).find_problem() is None
    return Secret(value) if could_be else value


@functools.cache
def _make_validator(form: str) -> Any:
    from jsonschema import Draft202012Validator

    schema = load_json_schema()
    return Draft202012Validator({"$ref": f"#/$defs/{form}", "$defs": schema["$defs"]})


def _refuse_wrong_shape(document: Mapping[str, Any], form: str) -> None:
    """Raise ContractError for the first member that is wrong; a validator's own words would show its value."""
    errors = sorted(_make_validator(form).iter_errors(document), key=lambda error: list(map(str, error.absolute_path)))
    if not errors:
        return
    error = errors[0]
    path = [str(part) for part in error.absolute_path]
    rule, given = error.validator, error.instance
    match rule:
        case "required":
            path.append(next(name for name in error.validator_value if name not in given))
            problem = "is missing"
        case "additionalProperties":
            known: Sequence[str] = list(error.schema.get("properties", ()))
            path.append(redact(next(str(name) for name in given if name not in known), ()))
            problem = f"is no member of version {CONTRACT_VERSION}"
        case "not":
            path.append("header")
            problem = "belongs to style header alone"
        case "enum":
            problem = f"must be one of {', '.join(error.validator_value)}"
        case "type":
            problem = f"must be of type {error.validator_value}"
        case "pattern":
            problem = "must be a UUID of version 4"
        case _:
            problem = f"breaks {rule} {error.validator_value}"
    raise ContractError(f"{'.'.join([CONTRACT_FIELD, *path])}: {problem}", code="member_invalid")
