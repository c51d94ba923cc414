"""The turn loop, against a model that says what the test wrote."""

from typing import Any

import pytest
from support.recorded import answer, calls, refusal

from byok_bench.dialects.exchange import Exchange
from byok_bench.scenarios.agent import TurnRequest, play_sample, replay_sample
from byok_bench.scenarios.selection import load_library

ROUND_TRIP = load_library()["tool-round-trip"]
CUT = calls(("call_1", "get_weather", '{"city": "Tokyo"}'))
CUT.raw.chunks, CUT.raw.end = CUT.raw.chunks[:-2], "reset"
CALL = calls(("call_1", "get_weather", '{"city": "Tokyo"}'))


class Model:
    """Gives its answers in turn and keeps what it was asked."""

    def __init__(self, *answers: Exchange) -> None:
        self._answers = list(answers)
        self.asked: list[dict[str, Any]] = []

    async def __call__(self, request: TurnRequest) -> Exchange:
        assert request.turn == len(self.asked) + 1
        self.asked.append(request.body)
        return self._answers.pop(0)


async def test_a_tool_is_run_and_its_result_sent_back() -> None:
    """The second request holds the call and what the tool said."""
    model = Model(CALL, answer("It", " rains."))
    turns = await play_sample(
        ROUND_TRIP, ROUND_TRIP.samples[0], "chat", {"messages": [], "tool_choice": "required"}, model
    )
    assert len(turns) == 2
    echo, result = model.asked[1]["messages"]
    assert echo["content"] is None
    assert result["tool_call_id"] == "call_1"
    assert '"temperature_c"' in result["content"]
    assert replay_sample(ROUND_TRIP, ROUND_TRIP.samples[0], turns).judge().outcome == "ok"


@pytest.mark.parametrize(
    ("answers", "turns"),
    [
        ([answer("No", " tool.")], 1),
        ([refusal(500, "boom")], 1),
        ([CALL, CALL], 2),
        ([CALL, refusal(400, "no")], 2),
        ([CUT], 1),
    ],
    ids=[
        "an answer without calls",
        "a failure",
        "the last turn",
        "a failure later",
        "a call that was cut off",
    ],
)
async def test_the_loop_ends_where_it_should(answers: list[Exchange], turns: int) -> None:
    """It ends at an answer, at a failure and at the last turn, and not before."""
    played = await play_sample(ROUND_TRIP, ROUND_TRIP.samples[0], "chat", {"messages": []}, Model(*answers))
    assert len(played) == turns
    assert replay_sample(ROUND_TRIP, ROUND_TRIP.samples[0], played).is_over


async def test_a_call_without_an_id_gets_one_of_ours() -> None:
    """Echo and result agree on an id even where the server sent none."""
    model = Model(calls((None, "get_weather", '{"city": "A"}'), (None, "get_weather", '{"city": "B"}')), answer("ok"))
    await play_sample(ROUND_TRIP, ROUND_TRIP.samples[0], "chat", {"messages": []}, model)
    echo, *results = model.asked[1]["messages"]
    ids = [call["id"] for call in echo["tool_calls"]]
    assert ids == [result["tool_call_id"] for result in results]
    assert len(set(ids)) == 2


async def test_calls_that_share_an_id_share_one_tool_message() -> None:
    """There is one tool message for each id, whatever the server repeated."""
    model = Model(calls(("x", "get_weather", '{"city": "A"}'), ("x", "get_weather", '{"city": "B"}')), answer("ok"))
    await play_sample(ROUND_TRIP, ROUND_TRIP.samples[0], "chat", {"messages": []}, model)
    results = [message for message in model.asked[1]["messages"] if message["role"] == "tool"]
    assert [result["tool_call_id"] for result in results] == ["x"]
    assert results[0]["content"].count('"city"') == 2


async def test_a_one_turn_scenario_reads_no_answer() -> None:
    """Nothing is parsed while other streams are timed: the loop looks at an answer only to go on from it."""
    sent = answer("Paris")
    plain = load_library()["plain-answer"]
    await play_sample(plain, plain.samples[0], "chat", {"messages": []}, Model(sent))
    assert "reading" not in vars(sent)
