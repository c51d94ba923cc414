"""Rules read one form of an answer: what the simulator says is the same in every dialect, streamed and whole."""

import pytest
from support.simulated import body_for

from byok_bench.backends.simulator.server import Simulator
from byok_bench.dialects.answer import AnswerReading, Choice
from byok_bench.endpoints.send import send

FORMS = [(route, streamed) for route in ("chat", "responses", "messages") for streamed in (True, False)]


async def choice_of(route: str, streamed: bool, *needs: str) -> Choice:
    """The one choice of an answer."""
    form = () if streamed else ("document",)
    async with Simulator(ttft_ms=0, gap_ms=0, reasoning=True) as server:
        seen = await send(server.get_endpoint(route), body_for(route, *needs, *form))
    assert isinstance(seen.reading, AnswerReading)
    (choice,) = seen.reading.choices
    return choice


@pytest.mark.parametrize(("route", "streamed"), FORMS)
async def test_a_text_reads_the_same_in_every_form(route: str, streamed: bool) -> None:
    """Text, reasoning and chat's word for the end; the dialect's own word is kept beside it."""
    choice = await choice_of(route, streamed)
    assert choice.text.startswith("This is a simulated answer to")
    assert choice.reasoning.startswith("I read the question")
    assert choice.finish_reason == "stop"
    assert choice.own_reason == {"chat": "stop", "responses": "completed", "messages": "end_turn"}[route]
    assert not choice.calls


@pytest.mark.parametrize(("route", "streamed"), FORMS)
async def test_a_call_reads_the_same_in_every_form(route: str, streamed: bool) -> None:
    """Id, name and arguments, and in a stream the event that opened the call."""
    choice = await choice_of(route, streamed, "tools")
    (call,) = choice.calls
    assert call.id
    assert call.name == "get_weather"
    assert '"city"' in call.arguments
    assert choice.finish_reason == "tool_calls"
    assert (call.event is not None) is streamed
