"""Proof: a scenario played against its own solution and mistakes, by the simulator, over sockets on this machine.

An oracle that cannot fail measures nothing: the solution has to meet every expectation, and each mistake has to miss
the one that it names and no other, in every dialect, streamed and whole.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from typing import Final

import msgspec

from byok_bench.backends.simulator.server import Simulator
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.send import send
from byok_bench.scenarios.agent import TurnRequest, build_opening, play_sample, replay_sample
from byok_bench.scenarios.expectations.judging import judge_expectations, list_unmet
from byok_bench.scenarios.scenario import DIALECTS, Sample, Scenario, lay_over
from byok_bench.scenarios.scripts import make_script
from byok_bench.scenarios.send_arguments import make_send_arguments
from byok_bench.wire.client import Client

PROOF_WINDOW: Final = 2_000
"""Context window, in tokens, that an over-long prompt has to be longer than."""


class Form(msgspec.Struct, frozen=True):
    """In which form a sample is played."""

    schema: str
    streamed: bool

    def __str__(self) -> str:
        return f"{self.schema} {'streamed' if self.streamed else 'whole'}"


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One sample, played in one form as its solution or as one of its mistakes says."""

    scenario: str
    sample: str
    mistake: int
    """0: the solution."""
    form: Form
    caught_by: str = ""
    """The expectation that had to be unmet."""
    unmet: dict[str, str]
    """Label → why, of the expectations that were not met; `failed` for a sample without a good answer."""

    @property
    def is_good(self) -> bool:
        """It ended as it had to."""
        return set(self.unmet) == ({self.caught_by} if self.mistake else set())

    @property
    def problem(self) -> str:
        """What is wrong, in a sentence; empty if nothing is."""
        if self.is_good:
            return ""
        place = f"{self.scenario}/{self.sample} ({self.form})"
        missed = "; ".join(f"{label}: {why}" for label, why in self.unmet.items()) or "nothing was missed"
        if not self.mistake:
            return f"{place}: the solution misses its own expectations: {missed}"
        return f"{place}: mistake {self.mistake} must miss {self.caught_by} and nothing else, but: {missed}"


async def prove_scenarios(scenarios: Sequence[Scenario], schemas: Sequence[str] = DIALECTS) -> AsyncIterator[Proof]:
    """Play every sample of the scenarios that has a solution or mistakes, in every form that it has.

    One simulator for each dialect.
    """
    forms = [*scenarios, *(change_form(one) for one in scenarios if not is_form_fixed(one))]
    script = [entry for scenario in forms for entry in make_script(scenario)]
    for schema in schemas:
        async with AsyncExitStack() as stack:
            simulator = await stack.enter_async_context(
                Simulator(script=script, api_key="proof", ttft_ms=0, gap_ms=0, any_model=False)
            )
            client = await stack.enter_async_context(Client())
            endpoint = msgspec.structs.replace(
                simulator.endpoint, schema=schema, key=KeyRef.session("proof"), label="proof"
            )
            bench = Bench(simulator, endpoint, client)
            for scenario in forms:
                for sample in scenario.samples:
                    for mistake in list_mistake_numbers(scenario, sample, schema):
                        yield await bench.prove_sample(scenario, sample, mistake)


def is_form_fixed(scenario: Scenario) -> bool:
    """Whether it is played only as it stands: it needs a stream, or says itself what is streamed."""
    asks = [scenario.request.cancel_after is not None, "streaming" in scenario.needs]
    for sample in scenario.samples:
        asks += ["stream" in sample.request, "cancel_after" in sample.request, "streaming" in (sample.needs or ())]
        asks += ["stream" in turn.request for turn in (*scenario.turns, *(sample.turns or ()))]
    return any(asks)


def change_form(scenario: Scenario) -> Scenario:
    """The same scenario whole in place of streamed, or the other way round."""
    request = msgspec.structs.replace(scenario.request, stream=not scenario.request.stream)
    return msgspec.structs.replace(scenario, request=request)


def list_mistake_numbers(scenario: Scenario, sample: Sample, schema: str) -> list[int]:
    """0 for the solution and a number for each mistake of a sample; none in a dialect that has no notion of it."""
    task = lay_over(scenario, sample)
    if task.dialects and schema not in task.dialects:
        return []
    solved = [0] if sample.solution or scenario.wants_failure else []
    return [*solved, *range(1, len(sample.mistake) + 1)]


class Bench:
    """One simulator, and how to ask it."""

    def __init__(self, simulator: Simulator, endpoint: Endpoint, client: Client) -> None:
        self._simulator = simulator
        self._endpoint = endpoint
        self._client = client

    async def prove_sample(self, scenario: Scenario, sample: Sample, mistake: int) -> Proof:
        """Play one sample as its solution (0) or a mistake says."""
        self._simulator.script.choose_mistake(mistake)
        task = lay_over(scenario, sample)
        schema = self._endpoint.schema

        async def send_turn(request: TurnRequest) -> Exchange:
            return await self._send(task, request)

        body = build_opening(scenario, sample, schema, PROOF_WINDOW)
        turns = await play_sample(scenario, sample, schema, body, send_turn)
        seen = replay_sample(scenario, sample, turns).look()
        ended = judge_expectations(sample.expect, seen)
        unmet = dict(list_unmet(sample.expect, seen)) if ended.outcome != "failed" else {"failed": ended.why[0]}
        return Proof(
            scenario=scenario.name,
            sample=sample.name,
            mistake=mistake,
            form=Form(schema, task.request.stream),
            caught_by=sample.mistake[mistake - 1].caught_by if mistake else "",
            unmet=unmet,
        )

    async def _send(self, task: Scenario, request: TurnRequest) -> Exchange:
        model = self._endpoint.models[0].name
        return await send(**make_send_arguments(self._endpoint, model, task, request), client=self._client)
