"""send(): one request to an endpoint, and the Exchange that came of it.

What the caller got wrong raises EndpointError; what a server, a network, a policy or a missing key does is
`Exchange.error`. One HTTP request, never repeated, never redirected. Rules: docs/egress.md, docs/endpoints.md.
"""

import asyncio
import functools
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from time import perf_counter_ns
from typing import Any, Final
from urllib.parse import quote, urlencode
from uuid import uuid4

import msgspec

from byok_bench.dialects.dialect import Dialect, find_dialect
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.credentials import Credentials, resolve_credentials
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.entered_text import normalize_model_id
from byok_bench.endpoints.field_types import OPTIONAL_TEXT, Kinds, check_field_types
from byok_bench.endpoints.keys import KEYRING_CODES, KeyRef
from byok_bench.endpoints.model_requests import change_body, find_named_model, narrow_endpoint
from byok_bench.endpoints.permission import EgressRules, admit_endpoint
from byok_bench.errors import EndpointError, SecretError
from byok_bench.redact import redact
from byok_bench.wire.bodies.content_coding import list_undecodable_codings
from byok_bench.wire.client import Client, Transport, WireRequest
from byok_bench.wire.egress.guard import to_egress_failure
from byok_bench.wire.egress.proxies import is_proxy_excepted
from byok_bench.wire.egress.resolver import Resolver
from byok_bench.wire.egress.verdicts import Lookup, Question, Verdict, prepare_question
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.limits import DEFAULT_LIMITS, DEFAULT_TIMEOUTS, Limits, Timeouts
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest
from byok_bench.wire.shared_client import get_shared_client
from byok_bench.wire.wire_request import Cancel

USER_AGENT: Final = "byok-bench"
NO_KEY_CODES: Final = KEYRING_CODES | {"key_missing", "key_malformed", "key_not_confirmed"}
"""Codes of SecretError that say "this endpoint has no usable key now": a failure of the exchange, not of the caller."""
_SCHEMA_HEADERS: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {"messages": (("anthropic-version", "2023-06-01"),)}


_SETTING_KINDS: Final[Kinds] = {
    "timeouts": ((Timeouts, type(None)), "bb.Timeouts(…) or None"),
    "limits": ((Limits, type(None)), "Limits(…) or None"),
    "client": ((Client, type(None)), "bb.Client() or None"),
    "request_id": OPTIONAL_TEXT,
}


class SendSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a request goes out, whatever it asks and by whichever egress rules; None: the usual."""

    timeouts: Timeouts | None = None
    limits: Limits | None = None
    client: Client | None = None
    resolver: Resolver | Lookup | None = None
    """Of a client that is made for this call alone."""
    transport: Transport = "own"
    """Where there is no client yet."""
    request_id: str | None = None
    cancel: Cancel | None = None
    """When this side closes the answer in mid-flight."""
    method: str = "POST"
    """Of a request with a body."""

    def __post_init__(self) -> None:
        check_field_types(self, _SETTING_KINDS)


USUAL_SETTINGS: Final = SendSettings()


async def send(
    endpoint: Endpoint,
    body: Mapping[str, Any],
    model: str | None = None,
    timeouts: Timeouts | None = None,
    profile: str = "local",
    *,
    client: Client | None = None,
    limits: Limits | None = None,
    policy: Mapping[str, Any] | None = None,
    resolver: Resolver | Lookup | None = None,
    transport: Transport = "own",
    request_id: str | None = None,
    raw_body: bytes | None = None,
    cancel: Cancel | None = None,
    method: str = "POST",
) -> Exchange:
    """Send `body` (the wire request of the endpoint's schema) once.

    The model is `model`, else the body's own, else the endpoint's first. `client` keeps connections alive from
    call to call; without one, `resolver` and `transport` make one for this call (an endpoint that names a transport of
    its own has that one). `raw_body` goes out in place of the built request, as it is, and `method` in place of POST.
    `cancel` says when this side closes the answer in mid-flight, which is no failure: `exchange.raw.end` is
    `cancelled`. Profile and egress lists that the workspace sets stand in place of those given. Raises EndpointError if
    the body is no JSON object, no model can be told, or the workspace does not let the endpoint be used (code
    `not_allowed`).
    """
    rules = admit_endpoint(endpoint, profile, policy)
    settings = SendSettings(
        timeouts=timeouts,
        limits=limits,
        client=client,
        resolver=resolver,
        transport=transport,
        request_id=request_id,
        cancel=cancel,
        method=method,
    )
    return await deliver(endpoint, body, model, rules, settings, raw_body)


async def deliver(
    endpoint: Endpoint,
    body: Mapping[str, Any],
    model: str | None,
    rules: EgressRules,
    settings: SendSettings = USUAL_SETTINGS,
    raw_body: bytes | None = None,
) -> Exchange:
    """`send` behind the gate, for a server's own endpoints, which its administrator chose; all else uses `send`."""
    if not isinstance(body, Mapping):
        raise EndpointError(f"the body must be a dict, not {type(body).__name__}", code="body_invalid")
    name = choose_model(endpoint, body, model)
    asked = find_named_model(endpoint, name)
    endpoint = narrow_endpoint(endpoint, name)
    spoken = find_dialect(endpoint.schema)
    built = change_body(spoken.build(body, name, endpoint.body), asked)
    order = Order(
        endpoint=endpoint,
        spoken=spoken,
        model=name,
        content=encode_request(built) if raw_body is None else raw_body,
        asked_to_stream=built.get("stream") is True,
        rules=rules,
        settings=settings,
        request_id=settings.request_id or str(uuid4()),
    )
    return await _send_order(order)


async def list_models(
    endpoint: Endpoint,
    timeouts: Timeouts | None = None,
    profile: str = "local",
    *,
    client: Client | None = None,
    limits: Limits | None = None,
    policy: Mapping[str, Any] | None = None,
    resolver: Resolver | Lookup | None = None,
    transport: Transport = "own",
    request_id: str | None = None,
) -> Exchange:
    """Ask for the endpoint's list of models, once. Raises EndpointError as `send` does."""
    rules = admit_endpoint(endpoint, profile, policy)
    order = Order(
        endpoint=endpoint,
        spoken=find_dialect("models"),
        model=endpoint.models[0].name if endpoint.models else "",
        rules=rules,
        settings=SendSettings(
            timeouts=timeouts,
            limits=limits,
            client=client,
            resolver=resolver,
            transport=transport,
        ),
        request_id=request_id or str(uuid4()),
    )
    return await _send_order(order)


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent, before keys and addresses are looked up."""

    endpoint: Endpoint
    spoken: Dialect
    rules: EgressRules
    settings: SendSettings
    request_id: str
    model: str = ""
    """The one asked for, or for a list of models the endpoint's first; empty if there is none."""
    content: bytes | None = None
    """The JSON body; None for a GET."""
    asked_to_stream: bool = False


def limit_timeouts(endpoint: Endpoint, profile: str) -> Timeouts:
    """The endpoint's timeouts; in a shared process an endpoint can lower the usual ones, not raise them."""
    own = endpoint.timeouts
    if profile == "local":
        return own
    usual = msgspec.structs.asdict(DEFAULT_TIMEOUTS)
    return Timeouts(**{name: min(getattr(own, name), seconds) for name, seconds in usual.items()})


def choose_model(endpoint: Endpoint, body: Mapping[str, Any], model: str | None) -> str:
    """The model id that goes out. Raises EndpointError if there is none, or it hides a character."""
    asked = model if model is not None else body.get("model")
    if asked is None:
        return endpoint.get_model().name
    if not isinstance(asked, str):
        raise EndpointError("the model must be a string", code="model_invalid")
    known = endpoint.find_model(asked)
    name = known.name if known else normalize_model_id(asked)
    if not name:
        raise EndpointError("give a model id", code="model_missing")
    return name


def encode_request(request: Mapping[str, Any]) -> bytes:
    """A request body as JSON. Raises EndpointError for what JSON cannot hold."""
    try:
        return json.dumps(request, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        problem = f"the body cannot be written as JSON: {error}"
    raise EndpointError(problem, code="body_invalid")


async def _send_order(order: Order) -> Exchange:
    """The exchange, sent by the client of the settings, the shared one, or one of its own."""
    started = perf_counter_ns()
    try:
        known = await _resolve_off_loop(order.endpoint)
    except SecretError as error:
        if error.code not in NO_KEY_CODES:
            raise
        return _make_unsent(order, started, make_failure("auth", "config", str(error), code=error.code))
    if codings := list_undecodable_codings(order.endpoint.accept_encoding):
        said = f"accept_encoding asks for {', '.join(codings)}, which cannot be undone here: take it out"
        return _make_unsent(order, started, make_failure("protocol", "config", said, code="accept_encoding"))
    question = _judge_without_lookup(order.endpoint.base_url, order.rules)
    if isinstance(question, Verdict):
        return _make_unsent(order, started, to_egress_failure(question))
    request = build_wire_request(order, known, str(question.base))
    async with _choose_client(order.settings) as client:
        raw = await client.send_request(request, started_ns=started)
    return _make_exchange(order, raw, str(question.base))


def _choose_client(settings: SendSettings) -> AbstractAsyncContextManager[Client]:
    """The caller's client, which stays open; else the shared one; else one with the caller's own lookup."""
    if settings.client is not None:
        return nullcontext(settings.client)
    if settings.resolver is None:
        return get_shared_client(settings.transport)
    resolver = settings.resolver
    return Client(settings.transport, resolver=resolver if isinstance(resolver, Resolver) else Resolver(resolver))


def _judge_without_lookup(base_url: str, rules: EgressRules) -> Question | Verdict:
    """The verdict as far as it needs no lookup; remembered where no policy can change it."""
    if rules.policy is None:
        return _judge_without_policy(base_url, rules.profile)
    return prepare_question(base_url, rules.profile, rules.policy)


@functools.lru_cache(maxsize=256)
def _judge_without_policy(base_url: str, profile: str) -> Question | Verdict:
    return prepare_question(base_url, profile)


async def _resolve_off_loop(endpoint: Endpoint) -> Credentials:
    """Keys and references; a keyring may ask its user, so it is not asked on the event loop."""
    references = (endpoint.key, *endpoint.headers.values(), *endpoint.query.values())  # a model's are among them
    if any(isinstance(one, KeyRef) and one.kind == "keyring" for one in references):
        return await asyncio.to_thread(resolve_credentials, endpoint)
    return resolve_credentials(endpoint)


def build_wire_request(order: Order, known: Credentials, base_url: str) -> WireRequest:
    """The HTTP request of an order, with its real header and query values."""
    endpoint = order.endpoint
    query = f"?{urlencode(known.query, quote_via=quote)}" if known.query else ""
    return WireRequest(
        id=order.request_id,
        method="GET" if order.content is None else order.settings.method,
        url=f"{base_url}{order.spoken.route}{query}",
        headers=_build_headers(order, known),
        body=order.content or b"",
        secrets=known.secrets,
        key_id=f"{endpoint.config_key} {endpoint.key}",
        timeouts=order.settings.timeouts or limit_timeouts(endpoint, order.rules.profile),
        limits=order.settings.limits or DEFAULT_LIMITS,
        terminator=order.spoken.terminator,
        cancel=order.settings.cancel,
        asked_to_stream=order.asked_to_stream,
        verify=endpoint.tls.verify,
        ca_file=endpoint.tls.ca_file,
        client_certificate=endpoint.tls.client_certificate,
        profile=order.rules.profile,
        policy=order.rules.policy,
        proxy=None if endpoint.proxy and is_proxy_excepted(base_url, endpoint.no_proxy) else endpoint.proxy,
        transport=endpoint.transport,
    )


def _build_headers(order: Order, known: Credentials) -> tuple[tuple[str, str], ...]:
    """Ours first; what the endpoint sets by the same name stands instead, but for the request's id."""
    ours = [
        ("accept", "application/json" if order.content is None else "application/json, text/event-stream"),
        ("accept-encoding", order.endpoint.accept_encoding),
        ("user-agent", USER_AGENT),
        *_SCHEMA_HEADERS.get(order.spoken.name, ()),
    ]
    if order.content is not None:
        ours.append(("content-type", "application/json"))
    theirs = [(name.lower(), value) for name, value in known.headers if name.lower() != "x-request-id"]
    names = {name for name, _ in theirs}
    return (*(field for field in ours if field[0] not in names), ("x-request-id", order.request_id), *theirs)


def _make_unsent(order: Order, started_ns: int, reason: Failure) -> Exchange:
    """The exchange of a request that was never sent; its URL stays out, since it may be anything."""
    request = RawRequest(
        id=order.request_id,
        method="GET" if order.content is None else "POST",
        url=redact(order.endpoint.base_url),
        headers=(),
        body=order.content or b"",
    )
    raw = RawExchange(
        request=request, phases=Phases(start=started_ns, end=perf_counter_ns()), failure=reason, end="reset"
    )
    return _make_exchange(order, raw, redact(order.endpoint.base_url))


def _make_exchange(order: Order, raw: RawExchange, base_url: str) -> Exchange:
    return Exchange(raw, label=order.endpoint.label, base_url=base_url, schema=order.spoken.name, model=order.model)
