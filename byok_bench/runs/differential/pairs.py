"""Pairs of exchanges: each request of a sample goes to both endpoints, one after the other, taking turns to be first.

The conversation goes on with the answers of the first endpoint, so that every request is the same on both sides. All
repeats of a sample follow one another, and one pair before them warms caches and connections: it is compared, and its
times are not.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model_requests import find_schema
from byok_bench.endpoints.send import send
from byok_bench.errors import EndpointError, PlanError
from byok_bench.runs.planning.exclusions import find_exclusion
from byok_bench.runs.planning.plan import iterate_targets
from byok_bench.scenarios.agent import TurnRequest, build_opening, play_sample
from byok_bench.scenarios.scenario import Sample, Scenario, lay_over
from byok_bench.scenarios.send_arguments import make_send_arguments
from byok_bench.wire.client import Client

WARMUP: Final = 0
OnPair = Callable[["Pair"], None]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One request, sent to both."""

    scenario: str
    sample: str
    repeat: int
    """Counted from 1; 0 for the pair that warms up."""
    turn: int
    """Counted from 1."""
    a: Exchange
    b: Exchange

    @property
    def request(self) -> tuple[str, str, int]:
        """What is the same in all repeats."""
        return self.scenario, self.sample, self.turn

    @property
    def is_timed(self) -> bool:
        """Neither failed, and it is no warm-up."""
        return self.repeat > WARMUP and self.a.error is None and self.b.error is None


class Sides(msgspec.Struct, frozen=True, kw_only=True):
    """What is compared, and how it is reached."""

    a: Endpoint
    b: Endpoint
    client: Client
    profile: str = "local"

    def get(self, name: str) -> Endpoint:
        """`a` or `b`."""
        return self.a if name == "a" else self.b


def check_sides(a: Endpoint, b: Endpoint) -> None:
    """Raise EndpointError for two endpoints that cannot get the same requests."""
    spoken = [find_schema(one, one.get_model().name) for one in (a, b)]
    if spoken[0] != spoken[1]:
        raise EndpointError(
            f"{a.label!r} speaks {spoken[0]} and {b.label!r} {spoken[1]}: the same request needs one dialect",
            code="schema_differs",
        )


class Playable(msgspec.Struct, frozen=True, kw_only=True):
    """What of some scenarios can be asked, by the rules of a run."""

    scenarios: tuple[Scenario, ...]
    """With the samples that are played alone; none without any."""
    left_out: dict[str, str]
    """`scenario/sample` → why it is not played."""


def select_playable(endpoint: Endpoint, scenarios: Sequence[Scenario]) -> Playable:
    """What is asked of an endpoint's model, and what is not. PlanError if nothing is, or the endpoint is incomplete."""
    model = endpoint.get_model()
    target = next(one for one in iterate_targets(endpoint, 0) if one.model == model.name)
    left_out: dict[str, str] = {}
    chosen = []
    for scenario in scenarios:
        reasons = [(sample, find_exclusion(target, scenario, sample, model)) for sample in scenario.samples]
        left_out |= {f"{scenario.name}/{sample.name}": why for sample, why in reasons if why is not None}
        if kept := tuple(sample for sample, why in reasons if why is None):
            chosen.append(msgspec.structs.replace(scenario, samples=kept))
    if not chosen:
        name, why = next(iter(left_out.items()))
        raise PlanError(f"no sample can be played: {name}: {why}", code="no_scenario")
    return Playable(scenarios=tuple(chosen), left_out=left_out)


def count_pairs(scenarios: Sequence[Scenario], repeats: int) -> int:
    """How many pairs there are at least: one a sample and repeat, and one before them."""
    return sum(len(one.samples) for one in scenarios) * (repeats + 1)


async def play_pairs(sides: Sides, scenarios: Sequence[Scenario], repeats: int, on_pair: OnPair) -> list[Pair]:
    """Every pair, in the order in which they were sent."""
    pairs: list[Pair] = []

    def keep(pair: Pair) -> None:
        pairs.append(pair)
        on_pair(pair)

    for scenario in scenarios:
        for sample in scenario.samples:
            for repeat in range(repeats + 1):
                await _Play(sides, scenario, sample, repeat, keep).run()
    return pairs


class _Play:
    """One sample in one repeat."""

    def __init__(self, sides: Sides, scenario: Scenario, sample: Sample, repeat: int, keep: OnPair) -> None:
        self._sides = sides
        self._scenario = scenario
        self._sample = sample
        self._repeat = repeat
        self._keep = keep

    async def run(self) -> None:
        """Play it to its end."""
        model = self._sides.a.get_model()
        schema = find_schema(self._sides.a, model.name)
        body = build_opening(self._scenario, self._sample, schema, model.context_window_tokens, model)
        await play_sample(self._scenario, self._sample, schema, body, self._send_pair, model)

    async def _send_pair(self, request: TurnRequest) -> Exchange:
        order = ("a", "b") if (self._repeat + request.turn) % 2 else ("b", "a")
        sent = {name: await self._send(self._sides.get(name), request) for name in order}
        self._keep(
            Pair(
                scenario=self._scenario.name,
                sample=self._sample.name,
                repeat=self._repeat,
                turn=request.turn,
                a=sent["a"],
                b=sent["b"],
            )
        )
        return sent["a"]

    async def _send(self, endpoint: Endpoint, request: TurnRequest) -> Exchange:
        wanted = make_send_arguments(
            endpoint, endpoint.get_model().name, lay_over(self._scenario, self._sample), request
        )
        return await send(**wanted, profile=self._sides.profile, client=self._sides.client)


def iterate_requests(pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
    """The pairs of each request, repeats together."""
    found: dict[tuple[str, str, int], list[Pair]] = {}
    for pair in pairs:
        found.setdefault(pair.request, []).append(pair)
    yield from found.values()
