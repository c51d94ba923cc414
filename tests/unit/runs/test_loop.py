"""The agent loop through a whole run: real sockets, three dialects, streamed and whole, stored and gone on with."""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from unit.runs.test_start_conditions import stop_after

from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model, Price
from byok_bench.runs.results import Run
from byok_bench.runs.runner import run
from byok_bench.scenarios.scenario import DIALECTS, Limits, Scenario
from byok_bench.scenarios.scenario_file import parse_scenario
from byok_bench.scenarios.scripts import make_script

ROUNDS = 16
CANCELLED = parse_scenario(
    b"""
version = 2
name = "cancel-and-ask"
title = "Cancel, then ask again"
request = { cancel_after = { deltas = 4 }, max_tokens = 400 }
[[turns]]
user = "Say hello."
[[samples]]
name = "story"
messages = [{ role = "user", content = "Tell me a story in 200 words." }]
expect = [{ what = "cancelled", turn = 0 }, { what = "answered", turn = 1 }]
""",
    "cancel.toml",
)
CHAIN = parse_scenario(
    b"""
version = 2
name = "chain"
title = "Five calls, and an answer"
max_rounds = 8
tools = ["get_time"]
[[samples]]
name = "cities"
messages = [{ role = "user", content = "What time is it in five cities, one after the other?" }]
expect = [{ what = "answered" }]
[[samples.solution]]
calls = [{ name = "get_time", arguments = { city = "Paris" } }]
[[samples.solution]]
calls = [{ name = "get_time", arguments = { city = "Oslo" } }, { name = "get_time", arguments = { city = "Rome" } }]
[[samples.solution]]
calls = [{ name = "get_time", arguments = { city = "Bern" } }]
[[samples.solution]]
calls = [{ name = "get_time", arguments = { city = "Wien" } }]
[[samples.solution]]
text = "It is 13:00 in all of them."
""",
    "chain.toml",
)
NONSENSE = (
    '{ name = "get_time", arguments_text = "{{{" }',
    '{ name = "no_such_tool", arguments = {} }',
    '{ name = "get_time", arguments_text = "[1, 2]" }',
    '{ name = "get_time", arguments = { town = 7 } }',
)
"""Calls that no tool can carry out."""
BABBLE = parse_scenario(
    f"""
version = 2
name = "babble"
title = "Nonsense, and no end of it"
max_rounds = {ROUNDS}
tools = ["get_time"]
[[samples]]
name = "nonsense"
messages = [{{ role = "user", content = "Babble." }}]
expect = [{{ what = "answered" }}]
{"".join(f"[[samples.solution]]{chr(10)}calls = [{NONSENSE[at % 4]}]{chr(10)}" for at in range(ROUNDS))}
""".encode(),
    "babble.toml",
)

REASONED = msgspec.structs.replace(
    CHAIN, name="reasoned", request=msgspec.structs.replace(CHAIN.request, echo_reasoning="yes")
)
_IDS = re.compile(r"(?<=\")(?:call|toolu|fc|rs|msg|item)_[A-Za-z0-9_-]+|(?<=\"signature\": \")[^\"]+")


def limited(**limits: Any) -> Scenario:
    """The chain with limits."""
    return msgspec.structs.replace(CHAIN, limits=Limits(**limits))


async def play(scenario: Scenario, schema: str, *, stream: bool = True, **options: Any) -> Run:
    """A run of one scenario against a simulator that knows its solution."""
    asked = msgspec.structs.replace(scenario, request=msgspec.structs.replace(scenario.request, stream=stream))
    model = Model("m", price=Price(input=1e6, output=1e6))
    async with Simulator(script=make_script(asked), ttft_ms=1, gap_ms=1, any_model=True) as server:
        endpoint = Endpoint(label="e", base_url=server.base_url, schema=schema, models=[model])  # type: ignore[arg-type]
        return await run(endpoint, [asked], repeats=1, warmup=0, process=False, **options)


def list_rows(result: Run) -> list[Any]:
    """The rows in turn order."""
    return sorted(result.rows, key=lambda row: row.turn)


@pytest.mark.parametrize("schema", DIALECTS)
async def test_a_cancelled_answer_is_ours_and_the_next_turn_is_asked(schema: str) -> None:
    """No failure of the server's, no time to an end that was not heard, and the conversation goes on."""
    first, second = list_rows(await play(CANCELLED, schema))
    assert (first.end, first.kind, first.status, first.e2e_ms) == ("cancelled", None, "done", None)
    assert 4 <= first.deltas < 100
    assert first.findings == ()
    assert (second.end != "cancelled", second.kind, second.outcome, second.why) == (True, None, "ok", ())


@pytest.mark.parametrize("schema", DIALECTS)
@pytest.mark.parametrize("stream", [True, False])
async def test_every_answer_of_a_loop_has_its_row_and_what_lay_before_it(schema: str, stream: bool) -> None:
    """Five answers, parallel calls among them, one outcome; the time between is stated from the second turn on."""
    rows = list_rows(await play(CHAIN, schema, stream=stream))
    assert [row.turn for row in rows] == [1, 2, 3, 4, 5]
    assert [len(row.tool_calls) for row in rows] == [1, 2, 1, 1, 0]
    assert [row.outcome for row in rows] == [None] * 4 + ["ok"]
    assert rows[0].client_ms is None
    assert all(row.client_ms is not None and row.client_ms > 0 for row in rows[1:])
    assert rows[-1].stopped is None


ENDED = {
    "rounds": (msgspec.structs.replace(CHAIN, max_rounds=3), 3, "ended after 3 answers: its rounds are over"),
    "tokens": (limited(tokens=1), 1, "ended after 1 answer: "),
    "seconds": (limited(seconds=1e-6), 1, "ended after 1 answer: "),
    "cost": (limited(cost=0.5), 1, "ended after 1 answer: a cost of "),
    "nothing": (limited(tokens=1_000_000, seconds=600.0, cost=1e9), 5, None),
}


@pytest.mark.parametrize("name", ENDED)
async def test_a_limit_ends_a_sample_and_its_row_says_which(name: str) -> None:
    """The answer that reaches it is the last; the run is finished, not broken."""
    scenario, answers, stopped = ENDED[name]
    result = await play(scenario, "chat")
    rows = list_rows(result)
    assert (len(rows), result.status) == (answers, "finished")
    assert rows[-1].outcome == ("ok" if stopped is None else "unmet")
    assert rows[-1].stopped is None if stopped is None else rows[-1].stopped.startswith(stopped)
    again = [row.stopped for row in sorted(Run.open(result.id).judge_again(), key=lambda row: row.turn)]
    assert again == [row.stopped for row in rows]


@pytest.mark.parametrize("schema", DIALECTS)
async def test_nonsense_for_sixteen_rounds_breaks_nothing(schema: str) -> None:
    """Each call is answered with an error text, and the sample is over when its rounds are."""
    result = await play(BABBLE, schema)
    rows = list_rows(result)
    assert (len(rows), result.status) == (ROUNDS, "finished")
    assert {row.kind for row in rows} == {None}
    assert (rows[-1].outcome, rows[-1].valid_calls) == ("unmet", 0)
    assert rows[-1].stopped == f"ended after {ROUNDS} answers: its rounds are over, and it asks for a tool"


def list_bodies(result: Run) -> list[Any]:
    """What was sent, turn by turn, without the ids that a server makes up."""
    sent = {row.turn: exchange.request.body for row, exchange in result.iterate_exchanges()}
    return [_IDS.sub("id", json.dumps(sent[turn])) for turn in sorted(sent)]


@pytest.mark.parametrize("schema", DIALECTS)
@pytest.mark.parametrize("scenario", [CHAIN, REASONED], ids=lambda one: str(one.name))
async def test_a_sample_that_is_gone_on_with_sends_what_it_would_have_sent(
    schema: str, scenario: Scenario, tmp_path: Path
) -> None:
    """Earlier answers are read from the store: calls, results and reasoning lead to the same requests."""
    model = Model("m", echo_reasoning="required")
    async with Simulator(script=make_script(scenario), reasoning=True, ttft_ms=1, gap_ms=1, any_model=True) as server:
        endpoint = Endpoint(label="e", base_url=server.base_url, schema=schema, models=[model])  # type: ignore[arg-type]
        start = partial(run, endpoint, [scenario], repeats=1, warmup=0, process=False)
        whole = await start(store=tmp_path / "whole.sqlite")
        await stop_after(1, lambda listen: start(store=tmp_path / "half.sqlite", on_progress=listen))
        gone_on_with = await start(store=tmp_path / "half.sqlite")
    wanted = list_bodies(whole)
    assert len(wanted) > 1
    assert list_bodies(gone_on_with)[: len(wanted)] == wanted
    assert [row.outcome for row in list_rows(gone_on_with)] == [row.outcome for row in list_rows(whole)]


async def test_what_came_before_a_cancel_is_echoed_from_the_store_too(tmp_path: Path) -> None:
    """The part of the story that was heard, whichever process heard it."""
    async with Simulator(ttft_ms=1, gap_ms=1, any_model=True) as server:
        endpoint = Endpoint(label="e", base_url=server.base_url, models=[Model("m")])
        start = partial(run, endpoint, [CANCELLED], repeats=1, warmup=0, process=False, store=tmp_path / "runs.sqlite")
        await stop_after(1, lambda listen: start(on_progress=listen))
        result = await start()
    answers = {row.turn: exchange for row, exchange in result.iterate_exchanges()}
    echoed = answers[2].request.body["messages"][1]
    assert echoed == {"role": "assistant", "content": answers[1].output.text}
    assert [row.outcome for row in list_rows(result)] == [None, "ok"]
