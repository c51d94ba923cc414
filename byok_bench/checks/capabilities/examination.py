"""Examine an endpoint: send what the features ask for, in order, and judge the answers.

A request that two features share is sent once: the n-th of its kind that a feature asks for is the n-th that was sent.
Where a failure says that nothing else can be answered either (the key, the address, the model), no more is sent.
"""

import json
import secrets
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from byok_bench.checks.capabilities.catalogue import list_features
from byok_bench.checks.capabilities.feature import USUAL_EFFORTS, Feature, Subject, make_capability
from byok_bench.checks.capabilities.identity import read_traits
from byok_bench.checks.capabilities.report import CapabilityReport, Spending
from byok_bench.checks.ladder.climb import choose_model_id, find_currency
from byok_bench.checks.ladder.report import HOPELESS, describe_spending
from byok_bench.checks.probes.probe import ProbeRequest
from byok_bench.checks.probes.prober import Prober, compute_exchanges_cost, sum_reported_tokens
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.model_list import read_context_windows
from byok_bench.endpoints.efforts import rank_levels
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model_record import Capability, ModelRecord
from byok_bench.endpoints.model_requests import find_schema
from byok_bench.endpoints.permission import find_rules
from byok_bench.endpoints.send import list_models
from byok_bench.wire.client import Client

WINDOW_BUDGET: Final = 20_000
"""Prompt tokens that measuring the context window may take, unless something else is said."""
OnCapability = Callable[[str, Capability], None]


class Allowance(msgspec.Struct, frozen=True, kw_only=True):
    """How much may be asked."""

    requests: int | None = None
    """None: as many as it takes."""
    window_tokens: int = WINDOW_BUDGET
    """Prompt tokens for the context window; 0: it is not measured."""


async def capabilities(
    endpoint: Endpoint,
    *,
    model: str | None = None,
    only: Sequence[str] | None = None,
    max_requests: int | None = None,
    window_tokens: int = WINDOW_BUDGET,
    profile: str = "local",
    policy: Mapping[str, Any] | None = None,
    on_capability: OnCapability | None = None,
    client: Client | None = None,
) -> CapabilityReport:
    """What an endpoint can do: name → Capability, each with the exchange behind it; docs/capabilities.md lists them.

    `only`: these names or groups. `max_requests`: what would take more is `unknown`. `window_tokens`: prompt tokens
    that measuring the context window may take. `on_capability` is called with each as it is judged. Raises nothing
    for what a server does, EndpointError for an endpoint without a model and a name that is none.
    """
    chosen = choose_model_id(endpoint, model) or endpoint.get_model().name
    features = list_features(find_schema(endpoint, chosen), only)
    profile, policy = find_rules(profile, policy)
    async with AsyncExitStack() as stack:
        if client is None:
            client = await stack.enter_async_context(Client())
        prober = Prober(endpoint, chosen, client=client, profile=profile, policy=policy)
        models = await list_models(endpoint, client=client, profile=profile, policy=policy)
        allowance = Allowance(requests=max_requests, window_tokens=window_tokens)
        examination = Examination(prober, models, allowance)
        for feature in features:
            found = await examination.ask_feature(feature)
            if on_capability is not None:
                on_capability(feature.name, found)
    return examination.make_report()


def describe_expense(
    endpoint: Endpoint, model: str | None = None, only: Sequence[str] | None = None, window_tokens: int = WINDOW_BUDGET
) -> str:
    """What `capabilities` will send at most, in words; with the price, if one is declared."""
    chosen = choose_model_id(endpoint, model)
    features = list_features(find_schema(endpoint, chosen), only)
    tokens = sum(one.tokens for one in features)
    measures = window_tokens and any(one.name == "context.measured" for one in features)
    tokens += window_tokens if measures else 0
    known = endpoint.find_model(chosen)
    price = known.price if known else None
    dearest = max(price.input or 0, price.output or 0) if price else None
    cost = None if dearest is None else dearest * tokens / 1e6
    currency = price.currency if price else "USD"
    return f"at most {describe_spending(1 + sum(one.requests for one in features), tokens, cost, currency)}"


class Examination:
    """What was asked so far, and what it showed."""

    def __init__(self, prober: Prober, models: Exchange, allowance: Allowance) -> None:
        self._prober = prober
        self._allowance = allowance
        self._asked: dict[str, list[Exchange]] = {}
        """Requests by their text → what came of each."""
        self._sent = [models]
        self._exchanges: dict[str, Sequence[Exchange]] = {}
        self._found: dict[str, Capability] = {}
        self._hopeless: Exchange | None = None
        listed = read_context_windows(models.reading.body.document) if models.error is None else {}
        known = prober.endpoint.find_model(prober.model)
        self._subject = Subject(
            model=prober.model,
            schema=prober.schema,
            declared_window=known.context_window_tokens if known else None,
            listed_window=listed.get(prober.model),
            models=models,
            window_budget=allowance.window_tokens,
            efforts=tuple(rank_levels(known.effort)) if known and known.effort else USUAL_EFFORTS,
            nonce=secrets.token_hex(4),
        )

    async def ask_feature(self, feature: Feature) -> Capability:
        """Ask what a feature asks for, and judge it."""
        counted: Counter[str] = Counter()
        answers: list[Exchange] = []
        asks = feature.ask(self._subject)
        found: Capability | None = None
        try:
            wanted = next(asks)
            while found is None:
                answer = await self._ask(wanted, counted)
                if answer is None:
                    found = self._explain_silence()
                else:
                    answers.append(answer)
                    wanted = asks.send(answer)
        except StopIteration:
            found = feature.judge(self._subject, answers)
        self._exchanges[feature.name] = tuple(answers)
        self._found[feature.name] = found
        return found

    async def _ask(self, wanted: ProbeRequest, counted: Counter[str]) -> Exchange | None:
        """The exchange of a request, sent now or earlier; None if no more may be sent."""
        text = json.dumps(wanted.body, sort_keys=True)
        known = self._asked.setdefault(text, [])
        counted[text] += 1
        if counted[text] > len(known):
            spent = self._allowance.requests is not None and len(self._sent) >= self._allowance.requests
            if spent or self._hopeless is not None:
                return None
            answer = await self._prober.ask(wanted)
            known.append(answer)
            self._sent += [answer, *self._prober.take_superseded()]
            if len(self._sent) == 2 and answer.error is not None and answer.error.kind in HOPELESS:
                self._hopeless = answer
        return known[counted[text] - 1]

    def _explain_silence(self) -> Capability:
        if self._hopeless is not None and self._hopeless.error is not None:
            error = self._hopeless.error
            return make_capability("unknown", f"not asked: {error.kind}: {error.message}", self._hopeless)
        return make_capability("unknown", f"not asked: the limit of {self._allowance.requests} requests was reached")

    def make_report(self) -> CapabilityReport:
        """What was found."""
        endpoint, model = self._prober.endpoint, self._prober.model
        record = ModelRecord(
            at=datetime.now(UTC).replace(microsecond=0),
            origin=endpoint.origin or "",
            schema=self._prober.schema,
            model=model,
            traits=read_traits(self._exchanges),
            found=self._found,
        )
        spending = Spending(
            requests=sum(one.raw.phases.written is not None for one in self._sent),
            tokens=sum_reported_tokens(self._sent),
            cost=compute_exchanges_cost(endpoint, model, self._sent),
            currency=find_currency(endpoint, model),
        )
        exchanges = {**self._exchanges, "context.advertised": (self._sent[0],)}
        return CapabilityReport(endpoint.label, record, exchanges, spending)
