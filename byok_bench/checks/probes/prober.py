"""Sends what probes ask for, and says what the answers show."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import msgspec

from byok_bench.checks.finding import Finding, Hit, make_finding
from byok_bench.checks.probes.body_translation import translate_body
from byok_bench.checks.probes.probe import (
    Inconclusive,
    Note,
    ProbeRequest,
    ProbeTarget,
    get_judge,
    get_request_builder,
)
from byok_bench.checks.registry import Check
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import Schema
from byok_bench.endpoints.model_requests import find_named_model, find_schema, remove_key, rename_model
from byok_bench.endpoints.prices import compute_cost
from byok_bench.endpoints.rate_limit_waits import LONGEST_WAIT_S, RateLimitWaits
from byok_bench.endpoints.send import send
from byok_bench.wire.client import Client

WRONG_KEY = "sk-byok-bench-wrong-key-000000000000"
_LOST: Final = ("closed", "reset")
ProbeVerdict = Literal["pass", "fail", "inconclusive"]


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one probe showed."""

    probe: Check
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    """Worth telling, no fault."""
    doubts: tuple[str, ...] = ()
    """Of these, the ones that say that the rule does not hold here."""
    open_points: tuple[str, ...]
    """Why part of it, or all, proves nothing."""
    exchanges: tuple[Exchange, ...]

    @property
    def verdict(self) -> ProbeVerdict:
        """`fail` if a rule was broken, `inconclusive` if nothing was proved, else `pass`."""
        if self.findings:
            return "fail"
        return "inconclusive" if self.open_points else "pass"


def judge_probe(probe: Check, exchanges: Sequence[Exchange]) -> ProbeResult:
    """What the recorded answers show, without sending anything."""
    shown = list(get_judge(probe)(exchanges))
    return ProbeResult(
        probe=probe,
        findings=tuple(make_finding(probe.id, probe.severity, one) for one in shown if isinstance(one, Hit)),
        notes=tuple(one.message for one in shown if isinstance(one, Note)),
        doubts=tuple(one.message for one in shown if isinstance(one, Note) and one.is_doubt),
        open_points=tuple(one.message for one in shown if isinstance(one, Inconclusive)),
        exchanges=tuple(exchanges),
    )


class Prober:
    """One endpoint and model, asked through one client."""

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        *,
        client: Client,
        profile: str,
        policy: Mapping[str, Any] | None = None,
    ) -> None:
        self.endpoint = endpoint
        self.model = model
        self.windows: Mapping[str, int] = {}
        """Context windows that the server lists."""
        self._client = client
        self._profile = profile
        self._policy = policy
        self._holds = RateLimitWaits(1, lambda target, seconds: None)
        self._patience_s = LONGEST_WAIT_S
        self._superseded: list[Exchange] = []

    @property
    def schema(self) -> Schema:
        """The dialect in which the model is asked."""
        return find_schema(self.endpoint, self.model)

    @property
    def target(self) -> ProbeTarget:
        """What probes may know."""
        declared = {one.name: one.context_window_tokens for one in self.endpoint.models}
        return ProbeTarget(
            model=self.model,
            context_window=declared.get(self.model) or self.windows.get(self.model),
            has_key=self.endpoint.key.kind != "none",
        )

    def take_superseded(self) -> list[Exchange]:
        """What came of requests that were sent once more, since this was last asked: 429s and lost connections."""
        superseded, self._superseded = self._superseded, []
        return superseded

    async def ask(self, ask: ProbeRequest) -> Exchange:
        """Send one request of a probe; once more if it was lost, and after a 429 that names a delay.

        Lost is a request that a kept connection took and that nobody answered: HAProxy closes so when the server
        behind it has closed, and leaves it to the client to ask again. It says nothing about the rule that is asked,
        and asking twice does no harm.
        All waits together are bounded, and a server that limits again is not waited for any more: whether it answers
        is what is asked here, not how much it lets through.
        """
        exchange = await self._send(ask)
        if _is_lost(exchange):
            self._superseded.append(exchange)
            exchange = await self._send(ask)
        told = exchange.error.retry_after_s if exchange.error and exchange.error.kind == "rate_limit" else None
        if not told or told > self._patience_s:
            return exchange
        self._patience_s -= told
        self._holds.note(0, exchange.error)
        await self._holds.wait(0)
        self._superseded.append(exchange)
        again = await self._send(ask)
        if again.error is not None and again.error.kind == "rate_limit":
            self._patience_s = 0
        return again

    async def _send(self, ask: ProbeRequest) -> Exchange:
        """One request, in the words of the endpoint's dialect."""
        endpoint, model = self.endpoint, ask.body.get("model", self.model)
        known = find_named_model(endpoint, self.model)
        if model != self.model:
            endpoint = rename_model(endpoint, self.model, model)
        if ask.wrong_key:
            endpoint = msgspec.structs.replace(endpoint, key=KeyRef.session(WRONG_KEY))
        if ask.accept_encoding is not None:
            endpoint = msgspec.structs.replace(endpoint, accept_encoding=ask.accept_encoding)
        if ask.without_key:
            endpoint = remove_key(endpoint)
        return await send(
            endpoint,
            translate_body(ask.body, self.schema, known.effort if known else {}),
            model=model,
            raw_body=ask.raw,
            profile=self._profile,
            policy=self._policy,
            client=self._client,
        )

    async def run(self, probe: Check) -> ProbeResult:
        """Send a probe's requests in order and judge the answers."""
        exchanges: list[Exchange] = []
        requests = get_request_builder(probe)(self.target)
        try:
            ask = next(requests)
            while True:
                exchanges.append(await self.ask(ask))
                ask = requests.send(exchanges[-1])
        except StopIteration:
            return judge_probe(probe, exchanges)


def _is_lost(exchange: Exchange) -> bool:
    """A kept connection was closed before a byte of the answer came: the server may never have read the request."""
    error = exchange.error
    has_lost = error is not None and error.kind == "network" and error.code in _LOST
    return has_lost and exchange.raw.reused and exchange.raw.head is None


def sum_reported_tokens(exchanges: Sequence[Exchange]) -> int | None:
    """Tokens that the server reported, summed; None if it reported none."""
    totals = [one.output.usage.total_tokens for one in exchanges if one.output.usage]
    known = [total for total in totals if total is not None]
    return sum(known) if known else None


def compute_exchanges_cost(endpoint: Endpoint, model: str, exchanges: Sequence[Exchange]) -> float | None:
    """What the server said it charged, else tokens times the declared price; None if neither is known."""
    usages = [one.output.usage for one in exchanges if one.output.usage]
    charged = [usage.cost for usage in usages if usage.cost is not None]
    if charged:
        return sum(charged)
    price = next((one.price for one in endpoint.models if one.name == model), None)
    if price is None or not usages:
        return None
    return sum(compute_cost(price, usage) for usage in usages)
