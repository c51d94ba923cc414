"""Budget: how much a start of a run may ask for. No request is sent that could pass it; what is in flight finishes.

What a request could take is counted before it goes out: each byte of its body as a token of prompt, and all the output
that it asks for as if it came. When the answer is there, what the server counted stands in its place; where the server
counted nothing of an answer, the first count stays. A refusal costs a request and no token.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import Usage
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Price
from byok_bench.endpoints.model_requests import find_named_model, narrow_endpoint
from byok_bench.endpoints.prices import compute_cost
from byok_bench.errors import PlanError

OUTPUT_FIELDS: Final = ("max_tokens", "max_completion_tokens", "max_output_tokens")
UNASKED_OUTPUT: Final = 16_384
"""Tokens of output that a request without a maximum is counted with, where no window is declared."""


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What one start of a run may ask for, warm-up and retries included."""

    cost: float | None = None
    """In the currency of the declared prices."""
    tokens: int | None = None
    """Of prompts and answers."""
    requests: int | None = None

    @property
    def is_set(self) -> bool:
        """Whether anything is limited."""
        return (self.cost, self.tokens, self.requests) != (None, None, None)


class LimitReached(Exception):
    """The next request could pass a limit; it was not sent."""


class Spent(msgspec.Struct, frozen=True):
    """What requests took, or may take."""

    cost: float = 0.0
    tokens: int = 0
    requests: int = 0

    def add(self, other: "Spent", sign: int = 1) -> "Spent":
        """Both together."""
        return Spent(
            self.cost + sign * other.cost, self.tokens + sign * other.tokens, self.requests + sign * other.requests
        )


class Spending(msgspec.Struct):
    """One request under way."""

    reserved: Spent
    exchange: Exchange | None = None
    """What came of it; None if it was not sent."""


def check_limits(limits: Limits, endpoints: Sequence[Endpoint]) -> None:
    """Raise PlanError for limits that cannot be held: not above 0, or of cost without prices."""
    for name in limits.__struct_fields__:
        value = getattr(limits, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if value is not None and not (is_number and 0 < value < float("inf")):
            raise PlanError(f"limits: {name} must be a number above 0, not {value!r}", code="bad_plan")
    if limits.cost is None:
        return
    for endpoint in endpoints:
        for model in endpoint.models:
            if model.price is None or model.price.input is None or model.price.output is None:
                raise PlanError(
                    f"a limit of cost needs a price for {endpoint.label} · {model.alias or model.name}: byok-bench "
                    f"endpoints edit {endpoint.label!r} --set price.input=… --set price.output=… (0 if it is free)",
                    code="no_price",
                )


def find_passed(spent: Spent, limits: Limits) -> str:
    """The first limit that so much would pass, in words; empty if none."""
    for name in limits.__struct_fields__:
        limit = getattr(limits, name)
        if limit is not None and getattr(spent, name) > limit:
            return f"{limit} {name}" if name != "cost" else f"a cost of {limit:g}"
    return ""


class Purse(Protocol):
    """What was spent, those under way counted as claimed: of one process, or of several."""

    async def claim(self, wanted: Spent, limits: Limits) -> tuple[str, int]:
        """Claim it, unless that could pass a limit: which one, empty if none; and how many were under way before."""

    async def put_back(self, claimed: Spent, taken: Spent) -> None:
        """Put what was taken in the place of what was claimed."""

    async def wait(self) -> None:
        """Wait until something may have been settled."""


class OwnPurse:
    """The purse of one process."""

    def __init__(self) -> None:
        self._spent = Spent()
        self._under_way = 0
        self._settled = asyncio.Event()

    async def claim(self, wanted: Spent, limits: Limits) -> tuple[str, int]:
        """See `Purse`."""
        before = self._under_way
        passed = find_passed(self._spent.add(wanted), limits)
        if not passed:
            self._spent = self._spent.add(wanted)
            self._under_way += 1
        return passed, before

    async def put_back(self, claimed: Spent, taken: Spent) -> None:
        """See `Purse`."""
        self._under_way -= 1
        self._spent = self._spent.add(claimed, -1).add(taken)
        self._settled.set()

    async def wait(self) -> None:
        """See `Purse`."""
        self._settled.clear()
        await self._settled.wait()


class Budget:
    """What is left of the limits, over all targets of a start."""

    def __init__(
        self, limits: Limits, endpoints: Sequence[Endpoint], models: Sequence[str], purse: Purse | None = None
    ) -> None:
        """`endpoints` and `models` stand beside the plan's targets. `purse`: one that others spend from as well."""
        self._limits = limits
        self._purse = purse or OwnPurse()
        self._endpoints = [narrow_endpoint(one, model) for one, model in zip(endpoints, models, strict=True)]
        self._models = [find_named_model(one, model) for one, model in zip(endpoints, models, strict=True)]
        self.reached = ""
        """The limit that the next request could have passed; empty while there is none."""

    @asynccontextmanager
    async def reserve(self, target: int, body: Mapping[str, Any]) -> AsyncIterator[Spending]:
        """Around one request; raises LimitReached if it could pass a limit whatever becomes of those in flight."""
        if not self._limits.is_set:
            yield Spending(Spent())
            return
        spending = Spending(await self._claim(self._predict(target, body)))
        try:
            yield spending
        finally:
            await self._purse.put_back(spending.reserved, self._read_spent(target, spending))

    async def _claim(self, wanted: Spent) -> Spent:
        while not self.reached:
            passed, under_way = await self._purse.claim(wanted, self._limits)
            if not passed:
                return wanted
            if not under_way:
                self.reached = passed
                break
            await self._purse.wait()  # those in flight may take less than they could
        raise LimitReached

    def _predict(self, target: int, body: Mapping[str, Any]) -> Spent:
        prompt = len(json.dumps(body, ensure_ascii=False).encode(errors="replace"))
        asked = {**body, **self._endpoints[target].body}
        most = [value for name in OUTPUT_FIELDS if isinstance(value := asked.get(name), int)]
        model = self._models[target]
        declared = (model.max_output_tokens or model.context_window_tokens) if model else None
        count = asked.get("n")
        output = max(most, default=declared or UNASKED_OUTPUT) * (count if isinstance(count, int) and count > 0 else 1)
        usage = Usage(prompt_tokens=prompt, completion_tokens=output)
        return Spent(self._compute_highest_cost(target, usage), prompt + output, 1)

    def _compute_highest_cost(self, target: int, usage: Usage) -> float:
        model = self._models[target]
        price = model.price if model is not None else None
        return _compute_dearest_cost(price, usage) if price is not None else 0.0

    def _read_spent(self, target: int, spending: Spending) -> Spent:
        """What a request took in the end."""
        exchange = spending.exchange
        if exchange is None:
            return Spent()
        usage = exchange.output.usage
        if usage is not None and usage.prompt_tokens is not None and usage.completion_tokens is not None:
            cost = usage.cost if usage.cost is not None else self._compute_cost(target, usage)
            return Spent(cost, usage.prompt_tokens + usage.completion_tokens, 1)
        head = exchange.raw.head
        refused = head is not None and head.status >= 300
        return Spent(requests=1) if refused or exchange.raw.phases.written is None else spending.reserved

    def _compute_cost(self, target: int, usage: Usage) -> float:
        model = self._models[target]
        return compute_cost(model.price, usage) if model is not None and model.price is not None else 0.0


def _compute_dearest_cost(price: Price, usage: Usage) -> float:
    """As if every token were of the dearer kind."""
    parts = {
        "cached_tokens": usage.prompt_tokens if (price.cached_input or 0) > (price.input or 0) else 0,
        "reasoning_tokens": usage.completion_tokens if (price.reasoning or 0) > (price.output or 0) else 0,
    }
    return compute_cost(price, msgspec.structs.replace(usage, **parts))
