"""The turn loop of an agent: send, run the tools that were asked for, echo, go on until an answer or the last turn.

Sending is the caller's: it may store, retry, or hand out a stored answer instead. No clock and no storage in here.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import ToolCall
from byok_bench.scenarios.expectations import Outcome, PlayedSample, judge_expectations
from byok_bench.scenarios.phrasing import Body, find_phrasing
from byok_bench.scenarios.scenario import Message, Sample, Scenario
from byok_bench.scenarios.tools import Tool, find_tools, run_tool

SendTurn = Callable[[int, Body], Awaitable[Exchange]]
"""(turn, counted from 1; body) → the recorded exchange."""

OVERFLOW_WORDS: Final = 40_000
"""Length of an over-long prompt where the model's context window is not declared."""


def build_opening(scenario: Scenario, sample: Sample, schema: str, context_window: int | None = None) -> Body:
    """The first request body of a sample in a dialect; no model in it."""
    messages: Sequence[Message] = sample.messages
    if scenario.spoil is not None and scenario.spoil.overflow:
        words = context_window * 5 // 4 if context_window else OVERFLOW_WORDS
        *before, last = messages
        messages = (*before, Message(role=last.role, content=last.content + " apple" * words))
    return find_phrasing(schema).build_first(scenario, messages)


async def play_sample(scenario: Scenario, schema: str, body: Body, send_turn: SendTurn) -> list[Exchange]:
    """All turns of one sample; ends at a failure, at an answer without calls, or at `max_turns`."""
    tools = find_tools(scenario.tools)
    words = find_phrasing(schema)
    turns: list[Exchange] = []
    while True:
        exchange = await send_turn(len(turns) + 1, body)
        turns.append(exchange)
        if is_sample_over(scenario, turns):
            return turns
        calls = fill_in_call_ids(exchange.output.tool_calls, len(turns))
        body = words.build_next(body, exchange.output, calls, answer_calls(calls, tools))


def is_sample_over(scenario: Scenario, turns: Sequence[Exchange]) -> bool:
    """No further turn follows. Reads the last answer only where there is a turn left."""
    last = turns[-1]
    return len(turns) >= scenario.max_turns or last.error is not None or not last.output.tool_calls


def fill_in_call_ids(calls: Sequence[ToolCall], turn: int) -> list[ToolCall]:
    """The calls, with an id of ours where the server sent none: a tool message needs one."""
    return [
        call if call.id else msgspec.structs.replace(call, id=f"call_{turn}_{position}")
        for position, call in enumerate(calls)
    ]


def answer_calls(calls: Sequence[ToolCall], tools: Mapping[str, Tool]) -> list[tuple[str, str]]:
    """One (id, text) for each distinct id; the results of calls that share an id are joined by line ends."""
    results: dict[str, list[str]] = {}
    for call in calls:
        results.setdefault(str(call.id), []).append(run_tool(call.name, call.arguments, tools))
    return [(id_, "\n".join(texts)) for id_, texts in results.items()]


def judge_turns(scenario: Scenario, sample: Sample, turns: Sequence[Exchange]) -> Outcome:
    """What the recorded turns of a sample amount to."""
    return judge_expectations(
        sample.expect, PlayedSample(turns, find_tools(scenario.tools), scenario.request.answer_schema)
    )
