"""The simulator with a script: which request gets which answer, in every dialect."""

from typing import Any

import msgspec
import pytest

import byok_bench as bb
from byok_bench.backends.backend import BackendError
from byok_bench.backends.simulator.server import Simulator
from byok_bench.dialects.exchange import Exchange
from byok_bench.scenarios.agent import TurnRequest, build_opening, play_sample
from byok_bench.scenarios.scenario import DIALECTS, Spoil
from byok_bench.scenarios.scenario_file import parse_scenario

LOOP = parse_scenario(
    b"""
version = 2
name = "loop"
title = "Loop"
max_rounds = 3
tools = ["get_time", "get_weather"]
[[turns]]
user = "And in Rome?"
[[turns]]
user = "And in Oslo?"
back_to = 0
[[turns]]
again = true
request = { stream = false }
[[samples]]
name = "one"
messages = [{ role = "system", content = "Be brief." }, { role = "user", content = "What time is it in Paris?" }]
expect = [{ what = "answered" }]
[[samples.solution]]
calls = [
  { name = "get_time", arguments = { city = "Paris" } },
  { name = "get_weather", arguments = { city = "Paris" } },
]
[[samples.solution]]
text = "13:00 and sunny."
[[samples.solution]]
text = "Rome has the same."
[[samples.solution]]
text = "Oslo, too."
[[samples.solution]]
calls = [{ name = "get_time", arguments = { city = "Paris" } }]
[[samples.solution]]
text = "It is 13:00."
[[samples.mistake]]
caught_by = "answered"
turns = [{ text = "" }]
""",
    "loop.toml",
)


async def play(server: Simulator, schema: str) -> list[Exchange]:
    """The loop against a server."""
    (sample,) = LOOP.samples
    endpoint = bb.Endpoint(label="e", base_url=server.base_url, models=[bb.Model("simulator-1")], schema=schema)

    async def send(request: TurnRequest) -> Exchange:
        return await bb.send(endpoint, request.body)

    return await play_sample(LOOP, sample, schema, build_opening(LOOP, sample, schema), send)


@pytest.mark.parametrize("schema", DIALECTS)
async def test_a_script_is_played_turn_by_turn(schema: str) -> None:
    """Rounds with tools, a second user turn, a fork and a repeat: each request gets the answer that is for it."""
    async with Simulator(script=bb.make_script(LOOP), ttft_ms=0, gap_ms=0) as server:
        answers = await play(server, schema)
    assert [answer.error for answer in answers] == [None] * 6
    said = [answer.output.text or [call.name for call in answer.output.tool_calls] for answer in answers]
    assert said == [
        ["get_time", "get_weather"],
        "13:00 and sunny.",
        "Rome has the same.",
        "Oslo, too.",
        ["get_time"],
        "It is 13:00.",
    ]


@pytest.mark.parametrize("schema", DIALECTS)
async def test_a_mistake_is_made_in_place_of_the_solution(schema: str) -> None:
    """The first answer is the wrong one; a mistake that a sample does not have is its solution."""
    async with Simulator(script=bb.make_script(LOOP), mistake=1, ttft_ms=0, gap_ms=0) as server:
        assert (await play(server, schema))[0].output.text == ""
        server.script.choose_mistake(2)
        assert (await play(server, schema))[0].output.tool_calls


async def test_what_a_script_does_not_know_is_answered_as_ever() -> None:
    """Warm-ups, ladders and probes go on working."""
    async with Simulator(script=bb.make_script("agent"), ttft_ms=0, gap_ms=0) as server:
        exchange = await bb.send(server.endpoint, {"messages": [{"role": "user", "content": "Something else"}]})
    assert exchange.output.text.startswith("This is a simulated answer")


def test_a_script_that_is_none_is_refused() -> None:
    """An entry without a request is told at the start."""
    with pytest.raises(BackendError, match="no entry of a script"):
        Simulator(script=[{"answer": {}}])
    faulty = bb.make_script(LOOP)
    faulty[0]["answer"]["fault"] = "tool.index-gp"
    with pytest.raises(BackendError, match=r"did you mean tool\.index-gap"):
        Simulator(script=faulty)


@pytest.mark.parametrize("named", ["plain-answer", ["agent", LOOP], LOOP])
def test_a_script_is_made_of_the_scenarios_that_are_named(named: Any) -> None:
    """By name, value, or several of both; what it plays is what `make_script` makes."""
    made = bb.Simulator(script=named).script
    assert made._by_request == Simulator(script=bb.make_script(named)).script._by_request


def test_a_body_that_is_none_has_a_script_all_the_same() -> None:
    """What stands in a body as it is may be anything: the request is known by what can be read of it."""
    members = {"messages": ["text", {"role": "user", "content": [1, {"text": "a"}]}], "tools": [5, {"name": "f"}]}
    spoiled = msgspec.structs.replace(LOOP, turns=(), spoil=Spoil(members={"all": members}))
    assert bb.make_script(spoiled)[0]["request"]["tools"] == ["f"]
    assert bb.make_script(spoiled)[0]["request"]["last"] == "a"


def test_a_scenario_that_is_not_there_makes_no_script() -> None:
    """The name is told, as everywhere."""
    with pytest.raises(bb.PlanError, match="plain-answer"):
        bb.make_script("plain-anser")
