"""Runs of a reference and a candidate, drawn from a seed: prompts with tools, repeats, and how the two differ."""

import json
import random
from collections.abc import Callable
from typing import Any

import msgspec
from support.made_run import MadeRun, failed, row
from support.made_run import plan as make_a_plan
from support.recorded import answer, exchange, raw_exchange, usage
from support.recorded import chunk as make_chunk

from byok_bench.dialects.exchange import Exchange
from byok_bench.runs.row import Row

TOOLS = [{"type": "function", "function": {"name": "get_time", "parameters": {
    "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}]  # fmt: skip
PLAN = make_a_plan(["A", "B"])
SCENARIO, SAMPLE = next((one.name, one.samples[0].name) for one in PLAN.scenarios if one.has_tools)


class VendorRun(MadeRun):
    """A made run whose rows have their exchanges."""

    def __init__(self, rows: list[Row], exchanges: dict[int, Exchange]) -> None:
        super().__init__(rows, PLAN)
        self._exchanges = exchanges

    def find_exchange(self, exchange_id: int) -> Exchange | None:  # type: ignore[override]
        return self._exchanges.get(exchange_id)


def make_call(
    name: str = "get_time", arguments: str = '{"city": "Rome"}', finish: str | None = "tool_calls"
) -> Exchange:
    """A streamed call of one tool, whatever the finish reason says."""
    call = {"index": 0, "id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}
    chunks = [(10.0, make_chunk({"role": "assistant", "content": None, "tool_calls": [call]}))]
    chunks += [(12.0, make_chunk({}, finish)), (12.0, usage(3, 5) + b"data: [DONE]\n\n")]
    return exchange(raw_exchange(chunks, body={"model": "m", "messages": [], "tools": TOOLS, "stream": True}))


def make_text() -> Exchange:
    """A streamed text."""
    return answer("fine", body={"model": "m", "messages": [], "tools": TOOLS, "stream": True})


class Behaviour(msgspec.Struct, frozen=True):
    """How an endpoint differs from the other, or not."""

    triggers: float = 0.85
    """How often it does what the prompt leans to."""
    valid: float = 1.0
    success: float = 0.9
    slower: float = 1.0
    fails: float = 0.0
    tokens: Callable[[int], int] = int


def make_world(seed: int, candidate: Behaviour, prompts: int = 60, repeats: int = 4) -> VendorRun:
    """A run in which A is the reference and B behaves as told."""
    dice, rows, exchanges = random.Random(seed), [], {}
    for prompt in range(prompts):
        leans, base = prompt % 3 > 0, random.Random(prompt).lognormvariate(6, 0.5)
        for repeat in range(1, repeats + 1):
            for target, behaviour in enumerate((Behaviour(), candidate)):
                number = len(rows)
                place: dict[str, Any] = {
                    "scenario": SCENARIO, "sample": f"s{prompt}", "repeat": repeat, "target": target,
                    "exchange_id": number,
                }  # fmt: skip
                if dice.random() < behaviour.fails:
                    rows.append(failed("rate_limit", **place))
                    continue
                called = leans if dice.random() < behaviour.triggers else not leans
                good = dice.random() < behaviour.valid
                time = base * behaviour.slower * dice.lognormvariate(0, 0.2)
                rows.append(
                    row(
                        **place,
                        outcome="ok" if dice.random() < behaviour.success else "unmet",
                        ttft_ms=time,
                        e2e_ms=2 * time,
                        tool_calls=("get_time",) if called else (),
                        valid_calls=int(called and good),
                        finish_reason="tool_calls" if called else "stop",
                        prompt_tokens=behaviour.tokens(100 + prompt),
                        tokens=20,
                        cost=0.01,
                    )
                )
                arguments = json.dumps({"city": f"c{prompt}"} if good else {"town": 1})
                exchanges[number] = make_call(arguments=arguments) if called else make_text()
    return VendorRun(rows, exchanges)
