"""The simulator meets what the compliance tests of Open Responses ask: the same questions, and judges of our own.

https://github.com/openresponses/openresponses/blob/0cb939ccf839234347b4f0c317569b49fad8fd0e/src/lib/compliance-tests.ts
"""

import json
from dataclasses import dataclass
from typing import Any

import pytest
from support.open_responses import faults_of_response, faults_of_stream

from byok_bench.backends.simulator.server import Simulator
from byok_bench.endpoints.send import send

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "Tells the weather of a place",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string", "description": "A city and its state"}},
        "required": ["location"],
    },
}
PIXEL = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="


def says(role: str, content: Any, **members: Any) -> dict[str, Any]:
    """A message of the input."""
    return {"type": "message", "role": role, "content": content, **members}


@dataclass(frozen=True)
class Question:
    """One request, and which item its answer has to hold."""

    input: list[dict[str, Any]]
    stream: bool = False
    tools: bool = False
    wanted: str = "message"


QUESTIONS = {
    "a text": Question([says("user", "Greet me in three words.")]),
    "a streamed text": Question([says("user", "Count up to five.")], stream=True),
    "a system prompt": Question([says("system", "You are a sailor."), says("user", "Greet me.")]),
    "a call": Question([says("user", "How is the weather in San Francisco?")], tools=True, wanted="function_call"),
    "a streamed call": Question(
        [says("user", "How is the weather in San Francisco?")],
        stream=True,
        tools=True,
        wanted="function_call",
    ),
    "an image": Question(
        [
            says(
                "user",
                [
                    {"type": "input_text", "text": "What is in this picture?"},
                    {"type": "input_image", "image_url": PIXEL},
                ],
            )
        ]
    ),
    "several turns": Question(
        [says("user", "I am Ada."), says("assistant", "Welcome, Ada."), says("user", "Who am I?")]
    ),
    "phases of earlier answers": Question(
        [says("assistant", "Four.", phase="final_answer"), says("user", "Say it again.")]
    ),
}


async def answer_to(question: Question, **settings: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The response, and the events if it was streamed."""
    body: dict[str, Any] = {"input": question.input, "stream": question.stream}
    if question.tools:
        body["tools"] = [WEATHER]
    async with Simulator(ttft_ms=0, gap_ms=0, **settings) as server:
        exchange = await send(server.get_endpoint("responses"), body)
    if not question.stream:
        return json.loads(b"".join(data for _, data in exchange.raw.chunks)), []
    events = [json.loads(event.data) for event in exchange.events]
    return events[-1]["response"], events


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
async def test_an_answer_is_complete(question: Question) -> None:
    """Every required member is there, the status says completed, and the wanted item came."""
    response, events = await answer_to(question)
    assert list(faults_of_response(response)) == []
    assert response["status"] == "completed"
    assert question.wanted in {item["type"] for item in response["output"]}
    assert not question.stream or list(faults_of_stream(events)) == []


async def test_a_streamed_call_is_told_in_all_its_events() -> None:
    """Item added, arguments in deltas, arguments done, item done."""
    _, events = await answer_to(QUESTIONS["a streamed call"])
    arguments = "response.function_call_arguments"
    items = [event["type"] for event in events if event.get("item", {}).get("type") == "function_call"]
    assert items == ["response.output_item.added", "response.output_item.done"]
    assert {f"{arguments}.delta", f"{arguments}.done"} <= {event["type"] for event in events}


async def test_an_incomplete_stream_is_noticed() -> None:
    """The judges can fail: a stream without its terminal event is not what is asked."""
    question = QUESTIONS["a streamed text"]
    body = {"input": question.input, "stream": True}
    async with Simulator(faults=["responses.terminal-event"], ttft_ms=0, gap_ms=0) as server:
        exchange = await send(server.get_endpoint("responses"), body)
    assert list(faults_of_stream([json.loads(event.data) for event in exchange.events])) == ["no terminal event"]


@pytest.mark.parametrize("member", ["completed_at", "store", "usage", "text"])
async def test_a_missing_member_is_noticed(member: str) -> None:
    """The judges can fail: each of these was missing once."""
    response, _ = await answer_to(QUESTIONS["a text"])
    del response[member]
    assert list(faults_of_response(response)) == [f"response has no {member}"]
