"""find_limits(): how much an endpoint lets through at a time and over time, and whether it tells that truly.

First waves, for the limit at a time; then drains of small requests, for that of requests over time; then drains of
large ones, for that of tokens. A window of silence before each lets budgets fill.
"""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, Final

from byok_bench.checks.capabilities.report import Spending
from byok_bench.checks.ladder.climb import choose_model_id, find_currency
from byok_bench.checks.probes.prober import compute_exchanges_cost, sum_reported_tokens
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model_requests import find_schema, narrow_endpoint
from byok_bench.endpoints.permission import find_rules
from byok_bench.runs.limits.bounds import LARGE_TOKENS, Bounds, SearchSettings
from byok_bench.runs.limits.concurrency import Concurrency, ConcurrencySearch
from byok_bench.runs.limits.drains import DrainRecord, measure_drains
from byok_bench.runs.limits.header_truth import judge_budgets, judge_delays
from byok_bench.runs.limits.limits_map import LimitsMap
from byok_bench.runs.limits.rates import Rate, Rates, tell_rates_apart
from byok_bench.runs.limits.shots import Sender
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.wire.client import Client

WIDEST: Final = 16
WINDOW_S: Final = 60.0
_UNBOUNDED: Final = 1_000_000
STOPPED: Final = "it was stopped before it was over"
OnProgress = Callable[[str], None]


async def find_limits(
    endpoint: Endpoint,
    *,
    model: str | None = None,
    max_requests: int | None = None,
    max_cost: float | None = None,
    max_seconds: float | None = None,
    widest: int = WIDEST,
    window_s: float = WINDOW_S,
    large_tokens: int = LARGE_TOKENS,
    profile: str = "local",
    policy: Mapping[str, Any] | None = None,
    on_progress: OnProgress | None = None,
    client: Client | None = None,
    stop: StopSwitch | None = None,
) -> LimitsMap:
    """Send until the endpoint refuses, within bounds of which one at least has to be given.

    `widest`: requests at a time that are tried at most. `window_s`: seconds of the server's minute. `large_tokens`: of
    the prompts that find a limit of tokens; 0: that is not looked for. `on_progress` gets a sentence now and then.
    `stop`, when it is pressed, ends the search once what is in flight is answered: the map says that it is partial.
    Raises PlanError without a bound, or for one of cost without a price; nothing for what a server does.
    """
    chosen = choose_model_id(endpoint, model) or endpoint.get_model().name
    bounds = Bounds(requests=max_requests, cost=max_cost, seconds=max_seconds)
    bounds.check(narrow_endpoint(endpoint, chosen))
    profile, policy = find_rules(profile, policy)
    settings = SearchSettings(
        endpoint=endpoint,
        model=chosen,
        bounds=bounds,
        widest=widest,
        window_s=window_s,
        large_tokens=large_tokens,
        profile=profile,
        policy=policy,
        on_progress=on_progress or _ignore_progress,
    )
    search = LimitSearch(settings)
    await search.run(client, stop)
    return search.make_map()


class LimitSearch:
    """One search; what it has found so far is there at any time, also when it was cancelled."""

    def __init__(self, settings: SearchSettings) -> None:
        self._sender = Sender(settings)
        self._waves = ConcurrencySearch(self._sender)
        self._records: list[DrainRecord] = []

    async def run(self, client: Client | None = None, stop: StopSwitch | None = None) -> None:
        """Measure, until all is known, a bound is reached, or `stop` is pressed."""
        async with AsyncExitStack() as stack:
            self._sender.client = client if client is not None else await stack.enter_async_context(Client())
            if stop is not None:
                stack.enter_context(stop.enable())
                stack.enter_context(stop.relay(self.stop))
            await self._waves.run()
            await _measure_both_sizes(self._sender, self._waves.describe(), self._records)

    def stop(self) -> None:
        """Send no more; what is in flight is answered."""
        self._sender.stop(STOPPED)

    def make_map(self) -> LimitsMap:
        """What was found."""
        return _make_map(self._sender, self._waves.describe(), self._records)


async def _measure_both_sizes(sender: Sender, found: Concurrency, records: list[DrainRecord]) -> None:
    """Add drains of small requests and of large ones; each may take half of what is left."""
    sizes = [0, sender.settings.large_tokens] if sender.settings.large_tokens else [0]
    for words in sizes:
        if sender.stopped or not found.low:
            break
        sender.settings.on_progress(f"waiting {sender.settings.window_s:g} s for budgets to fill")
        await sender.pause(sender.settings.window_s)
        limit = sender.settings.bounds.requests
        left = _UNBOUNDED if limit is None else limit - len(sender.shots)
        most = left // 2 if words != sizes[-1] else left
        records.append(await measure_drains(sender, found.safe_width, words, most))


def _make_map(sender: Sender, found: Concurrency, records: list[DrainRecord]) -> LimitsMap:
    search, exchanges = sender.settings, [shot.exchange for shot in sender.shots]
    unmet = Rate(is_met=False, style=None)
    rates = Rates(requests=unmet, tokens=unmet)
    if records:
        rates = tell_rates_apart(records[0], records[1] if len(records) > 1 else None)
    return LimitsMap(
        label=search.endpoint.label,
        origin=search.endpoint.origin or "",
        model=search.model,
        schema=find_schema(search.endpoint, search.model),
        at=datetime.now(UTC).replace(microsecond=0),
        concurrency=found,
        rates=rates,
        records=tuple(records),
        delays=judge_delays(records),
        budgets=judge_budgets(records, rates, found.safe_width),
        spending=Spending(
            requests=sum(one.raw.phases.written is not None for one in exchanges),
            tokens=sum_reported_tokens(exchanges),
            cost=compute_exchanges_cost(search.endpoint, search.model, exchanges),
            currency=find_currency(search.endpoint, search.model),
        ),
        seconds=round(sender.seconds, 3),
        stopped=sender.stopped,
        shots=tuple(sender.shots),
    )


def _ignore_progress(sentence: str) -> None:
    """Nobody listens."""
