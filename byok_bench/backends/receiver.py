"""Receiver: a small agent server that calls the endpoint its client brings, as the reference for custom_model_endpoint.

`POST /v1/agent` takes `{"prompt": …}` and the optional field; without the field the server's own endpoint answers.
A brought endpoint that fails is reported with its kind: no other model steps in. The client's URL is judged again with
profile `shared`; the policy is its administrator's, as is `policy.toml` where it runs. Rules: docs/endpoints.md.
"""

import json
from collections.abc import Mapping, Sequence
from time import perf_counter
from typing import Any, Final

import msgspec

from byok_bench.backends.simulator.http import Request, Schedule, Wire
from byok_bench.backends.simulator.http_backend import HttpBackend
from byok_bench.backends.simulator.reply import Reply, make_json_reply
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.contract import (
    CONTRACT_FIELD,
    CustomEndpoint,
    decode_endpoint,
    make_confirmation,
    resolve_reference,
)
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.permission import EgressRules, find_refusal
from byok_bench.endpoints.secret import Secret
from byok_bench.endpoints.send import deliver
from byok_bench.errors import ContractError
from byok_bench.redact import redact

ROUTE: Final = "/v1/agent"
_AT_ONCE: Final = Schedule(0, 0)
_ANSWER_TOKENS: Final = 1024
"""The messages schema demands a limit."""


class Receiver(HttpBackend):
    """The reference receiver, on loopback.

    own: the endpoint that answers requests without the field. team: endpoints that clients may name by config_key.
    policy: egress lists of the administrator, as docs/egress.md names them. profile: `shared` but for trials.
    """

    def __init__(
        self,
        own: Endpoint,
        *,
        team: Sequence[Endpoint] = (),
        policy: Mapping[str, Any] | None = None,
        profile: str = "shared",
        port: int = 0,
        label: str = "receiver",
    ) -> None:
        super().__init__(label, port)
        self._own = own
        self._team = tuple(team)
        self._policy = policy
        self._profile = profile

    async def answer_request(self, request: Request, wire: Wire) -> bool:
        """Answer one request; nothing of it is kept or logged."""
        reply = await self._make_reply(request)
        return await wire.send_reply(reply, _AT_ONCE, perf_counter(), keep_alive=request.is_keep_alive)

    async def _make_reply(self, request: Request) -> Reply:
        if request.path != ROUTE:
            return _make_refusal(404, "not_found_route", f"there is only POST {ROUTE}")
        if request.method != "POST":
            return _make_refusal(405, "invalid_request", f"{ROUTE} takes POST alone")
        try:
            asked = json.loads(request.body)
        except (ValueError, RecursionError):
            return _make_refusal(400, "invalid_request", "the body is not JSON")
        if not isinstance(asked, dict) or not isinstance(asked.get("prompt"), str):
            return _make_refusal(400, "invalid_request", "the body must be an object with a `prompt`")
        try:
            if CONTRACT_FIELD not in asked:
                return _to_reply(await self._ask(self._own, asked["prompt"], None, brought=False), None)
            return await self._ask_brought(asked["prompt"], asked[CONTRACT_FIELD])
        except NotAllowed as refusal:
            return _make_refusal(403, "permission", str(refusal), "not_allowed")
        except ContractError as error:
            return _make_refusal(400, "invalid_request", str(error), error.code)

    async def _ask_brought(self, prompt: str, field: Any) -> Reply:
        """The answer of the endpoint that the field describes. Raises ContractError if it cannot be understood."""
        received = decode_endpoint(field)
        repeated = make_confirmation(field)
        if not isinstance(received, CustomEndpoint):
            endpoint, model = resolve_reference(received, self._team)
            return _to_reply(await self._ask(endpoint, prompt, model, brought=False), repeated)
        with received.lend_endpoint() as endpoint:
            exchange = await self._ask(endpoint, prompt, received.model, brought=True)
            return _to_reply(exchange, repeated, _list_secrets(received))

    async def _ask(self, endpoint: Endpoint, prompt: str, model: str | None, *, brought: bool) -> Exchange:
        """One request. The server's own endpoint and its team's are the administrator's; a brought one is nobody's."""
        if refusal := find_refusal(endpoint, team=not brought):
            raise NotAllowed(refusal)
        rules = EgressRules(self._profile, self._policy)
        return await deliver(endpoint, _build_body(endpoint.schema, prompt), model, rules)


class NotAllowed(Exception):
    """The workspace of this server does not let the endpoint be used."""


def _build_body(schema: str, prompt: str) -> dict[str, Any]:
    match schema:
        case "responses":
            return {"stream": True, "input": prompt}
        case "messages":
            message = {"role": "user", "content": prompt}
            return {"stream": True, "max_tokens": _ANSWER_TOKENS, "messages": [message]}
        case _:
            return {"stream": True, "messages": [{"role": "user", "content": prompt}]}


def _list_secrets(received: CustomEndpoint) -> list[str]:
    values = [received.secret, *received.headers.values()]
    return [one.reveal() for one in values if isinstance(one, Secret) and not one.is_dummy]


def _to_reply(exchange: Exchange, repeated: dict[str, Any] | None, secrets: Sequence[str] = ()) -> Reply:
    """Output or failure as JSON; a server may have echoed the key, so every text is searched for it."""
    failure = exchange.error
    said: dict[str, Any] = {
        "output": None if failure else msgspec.to_builtins(exchange.output),
        "error": msgspec.to_builtins(failure),
    }
    if repeated is not None:
        said[CONTRACT_FIELD] = repeated
    return make_json_reply(_redact_strings(said, secrets), 502 if failure else 200)


def _redact_strings(value: Any, secrets: Sequence[str]) -> Any:
    """`value` with every string redacted."""
    if isinstance(value, str):
        return redact(value, secrets)
    if isinstance(value, dict):
        return {redact(name, secrets): _redact_strings(entry, secrets) for name, entry in value.items()}
    return [_redact_strings(entry, secrets) for entry in value] if isinstance(value, list) else value


def _make_refusal(status: int, kind: str, message: str, code: str | None = None) -> Reply:
    """What the receiver itself turns down; nothing was called."""
    error = {"kind": kind, "phase": "config", "message": message, "retryable": False, "code": code}
    return make_json_reply({"output": None, "error": error}, status)
