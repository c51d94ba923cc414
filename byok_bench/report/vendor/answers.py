"""What a comparison of vendors needs of one exchange, read from the row and, where tools were called, from the bytes.

A failure is no answer: it is neither a "no" nor a stop, and stands in a column of its own. So does a stream that was
cut. Calls are judged whatever the finish reason says; one without an index is a call of its own. A call is
InvalidJson, UnknownName or SchemaMismatch as OpenRouter calls them; a tool without a schema takes anything
(https://openrouter.ai/docs/guides/routing/auto-exacto).
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import msgspec

from byok_bench.checks.offered_tools import find_offered_tools
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import ToolCall
from byok_bench.report.shared_values import SharedValues
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.scenarios.request_lines import REQUEST_LINES
from byok_bench.scenarios.schema_fit import decode_json_text, find_misfit
from byok_bench.wire.bodies.bounded_json import Malformed

CallVerdict = Literal["valid", "InvalidJson", "UnknownName", "SchemaMismatch"]
TIMES: Final = ("ttft_ms", "e2e_ms", "tpot_ms")
Prompt = tuple[str, str, int]
"""Scenario, sample, load stage."""


class JudgedCall(msgspec.Struct, frozen=True):
    """One tool call."""

    name: str
    value: Any
    """Its arguments as JSON; None where they are none."""
    verdict: CallVerdict


class Answer(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One exchange that was asked."""

    target: int
    prompt: Prompt
    repeat: int
    turn: int
    kind: str | None = None
    """Of its failure."""
    calls: tuple[JudgedCall, ...] = ()
    offers_tools: bool = False
    finish: str | None = None
    outcome: str | None = None
    """Of the sample; on its last turn."""
    prompt_tokens: int | None = None
    cost: float | None = None
    times: dict[str, float] = {}
    """TIMES that were observed."""
    findings: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """It did not fail."""
        return self.kind is None

    @property
    def has_called(self) -> bool:
        """Whether a tool was asked for, whatever the finish reason says."""
        return bool(self.calls)


def list_answers(run: Run) -> list[Answer]:
    """Every exchange that was asked and is meant to be answered; no warm-up, no mistake, none that we made fail."""
    tools = {one.name for one in run.plan.scenarios if one.has_tools}
    raw = {one.name for one in run.plan.scenarios if REQUEST_LINES in one.tags}
    shared = SharedValues()
    return [
        _make_answer(run, row, shared, offers_tools=row.scenario in tools, is_opened=row.scenario in raw)
        for row in run.iterate_rows()
        if row.status in ("done", "failed") and not (row.is_warmup or row.wants_failure or row.caused_by_us)
    ]


def _make_answer(run: Run, row: Row, shared: SharedValues, *, offers_tools: bool, is_opened: bool) -> Answer:
    """The answer of a row. The record is opened where tools were called, or where the request alone tells of them."""
    exchange = run.find_exchange(row.exchange_id) if row.tool_calls or is_opened else None
    offered = find_request_tools(exchange)
    return Answer(
        target=row.target,
        prompt=shared.find((row.scenario, row.sample, row.stage)),
        repeat=row.repeat,
        turn=row.turn,
        kind=shared.find(row.kind),
        calls=_judge_calls(row, exchange, offered) if row.kind is None else (),
        offers_tools=offers_tools or bool(offered),
        finish=shared.find(row.finish_reason),
        outcome=shared.find(row.outcome),
        prompt_tokens=row.prompt_tokens,
        cost=row.cost,
        times={name: value for name in TIMES if (value := getattr(row, name)) is not None},
        findings=shared.find(tuple(dict.fromkeys(found.check for found in row.findings))),
    )


def find_request_tools(exchange: Exchange | None) -> dict[str, Mapping[str, Any]]:
    """The tools that the request itself offers: name → definition."""
    body = exchange.request.body if exchange is not None else None
    return find_offered_tools(body) if isinstance(body, dict) else {}


def _judge_calls(
    row: Row, exchange: Exchange | None, offered: Mapping[str, Mapping[str, Any]]
) -> tuple[JudgedCall, ...]:
    if exchange is None:  # there is no record: what the row says of its calls
        return tuple(
            JudgedCall(name, None, "valid" if number < row.valid_calls else "SchemaMismatch")
            for number, name in enumerate(row.tool_calls)
        )
    return tuple(judge_call(call, offered) for call in exchange.output.tool_calls)


def judge_call(call: ToolCall, offered: Mapping[str, Mapping[str, Any]]) -> JudgedCall:
    """Valid, or which of the three it is."""
    value = decode_json_text(call.arguments or "{}")
    if isinstance(value, Malformed):
        return JudgedCall(call.name, None, "InvalidJson")
    if call.name not in offered:
        return JudgedCall(call.name, value, "UnknownName")
    tool = offered[call.name]
    schema = tool.get("parameters", tool.get("input_schema"))
    fits = not isinstance(schema, dict) or find_misfit(call.arguments or "{}", schema) is None
    return JudgedCall(call.name, value, "valid" if fits else "SchemaMismatch")
