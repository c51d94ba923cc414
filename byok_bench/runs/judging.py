"""Judging: stored records → rows, one row an exchange. Pure reading; it can be repeated with newer checks."""

import functools
import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from byok_bench.checks.registry import run_checks
from byok_bench.checks.remedies import find_exchange_remedy
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import ToolCall, Usage
from byok_bench.endpoints.model_requests import find_named_model
from byok_bench.endpoints.prices import compute_cost
from byok_bench.runs.foreign_rows import has_foreign_row, read_foreign_row
from byok_bench.runs.planning.plan import Plan, Target, find_target_model
from byok_bench.runs.row import Row
from byok_bench.runs.storage import ledger, records
from byok_bench.runs.storage.ledger import ExchangeState
from byok_bench.scenarios.agent import Replay, replay_sample
from byok_bench.scenarios.call_faults import list_call_faults
from byok_bench.scenarios.expectations.judging import Outcome
from byok_bench.scenarios.scenario import lay_over
from byok_bench.scenarios.toolbox import open_toolbox
from byok_bench.wire.recording.clock_watch import UNTIMED_FLAGS

JUDGES: Final = (
    "wire",
    "dialects",
    "checks",
    "scenarios",
    "endpoints/prices.py",
    "runs/judging.py",
    "runs/row.py",
    "runs/figures.py",
)
"""What of the package decides what stands in a row, and in its figures."""


@functools.cache
def compute_judge_version() -> str:
    """Changes when rows have to be made again: the digest of all code and data that makes one.

    A rule that is mended keeps its id, so a list of ids would not tell; nor would a number that somebody has to raise.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for place in JUDGES:
        for path in sorted((package / place).rglob("*")) or [package / place]:
            if path.suffix in (".py", ".toml"):
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


UNTIMED: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("queue_ms", "late_ms", "connect_ms", "ttfb_ms", "e2e_ms", "tpot_ms")),
    **dict.fromkeys(("ttft_ms", "ttft_text_ms", "ttft_reasoning_ms", "ttft_tool_ms")),
    "itl_ms": (),
}
"""The times of a row of which none says what the server took, and what stands in their place."""


def make_row(plan: Plan, state: ExchangeState, exchange: Exchange) -> Row:
    """The row of one recorded exchange, without the outcome of its sample."""
    row = _make_timed_row(plan, state, exchange)
    return msgspec.structs.replace(row, **UNTIMED) if UNTIMED_FLAGS & set(row.flags) else row


def _make_timed_row(plan: Plan, state: ExchangeState, exchange: Exchange) -> Row:
    reading_, timing, output, error = exchange.reading, exchange.timing, exchange.output, exchange.error
    raw, usage = exchange.raw, exchange.output.usage
    counted = usage.completion_tokens if usage else None
    asked = exchange.request.body
    network = [part for part in (timing.dns, timing.connect, timing.tls) if part is not None]
    written = raw.phases.written
    deltas = len(timing.itl) + 1 if reading_.marks else 0
    faults = find_call_faults(plan, state, output.tool_calls)
    return Row(
        **_list_place_fields(plan, state) | {"status": "failed" if error else "done"},
        http_status=raw.head.status if raw.head else None,
        end=raw.end,
        streamed=isinstance(asked, dict) and asked.get("stream") is True,
        kind=error.kind if error else None,
        phase=error.phase if error else None,
        retryable=error.retryable if error else None,
        retry_after_s=error.retry_after_s if error else None,
        message=error.message if error else None,
        start_ns=raw.phases.start,
        end_ns=raw.phases.end,
        queue_ms=timing.queued,
        late_ms=None if written is None else (written - raw.phases.start) / 1e6,
        connect_ms=sum(network) if network else None,
        ttfb_ms=timing.ttfb,
        ttft_ms=timing.ttft,
        ttft_text_ms=timing.ttft_text,
        ttft_reasoning_ms=timing.ttft_reasoning,
        ttft_tool_ms=timing.ttft_tool,
        e2e_ms=timing.e2e,
        tpot_ms=timing.tpot,
        itl_ms=timing.itl,
        clock=timing.clock,
        reused=raw.reused,
        flags=tuple(raw.flags),
        deltas=deltas,
        events=len(exchange.events),
        chunks=len(raw.chunks),
        body_bytes=sum(len(data) for _, data in raw.chunks),
        tokens=counted if counted is not None else deltas or None,
        tokens_from="usage" if counted is not None else "deltas" if deltas else None,
        prompt_tokens=usage.prompt_tokens if usage else None,
        cached_tokens=usage.cached_tokens if usage else None,
        reasoning_tokens=usage.reasoning_tokens if usage else None,
        **_list_costs(plan, state, usage),
        text_chars=len(output.text),
        reasoning_chars=len(output.reasoning),
        tool_calls=tuple(call.name for call in output.tool_calls),
        valid_calls=len(output.tool_calls) - len(faults),
        call_faults=faults,
        finish_reason=output.finish_reason,
        served_model=output.served_model,
        findings=tuple(run_checks(exchange)),
    )


def _list_costs(plan: Plan, state: ExchangeState, usage: Usage | None) -> dict[str, Any]:
    target = plan.targets[state.target]
    model = find_named_model(plan.endpoints[target.endpoint], target.model)
    price = model.price if model is not None else None
    if usage is None:
        return {}
    counted = usage.prompt_tokens is not None and usage.completion_tokens is not None
    reported, priced = usage.cost, compute_cost(price, usage) if price is not None and counted else None
    return {"cost": priced if reported is None else reported, "reported_cost": reported, "priced_cost": priced}


def find_call_faults(plan: Plan, state: ExchangeState, calls: Sequence[ToolCall]) -> tuple[str, ...]:
    """The class of each call that is not one of an offered tool with arguments that fit; see call_faults.py."""
    if not calls:
        return ()
    scenario = plan.get_scenario(state.scenario)
    return list_call_faults(calls, open_toolbox(lay_over(scenario, scenario.get_sample(state.sample))).tools)


def make_unrecorded_row(plan: Plan, state: ExchangeState) -> Row:
    """The row of an exchange without a record: left out, failed unsent, or not done yet."""
    if state.status == "left_out":
        return Row(**_list_place_fields(plan, state), outcome="excluded", why=(state.final,))
    if state.status == "failed":
        return Row(
            **_list_place_fields(plan, state),
            outcome="failed",
            why=(state.final,),
            kind=state.kind,
            phase=state.phase,
            retryable=False,
            message=state.final,
        )
    return Row(**_list_place_fields(plan, state))


def _list_place_fields(plan: Plan, state: ExchangeState) -> dict[str, Any]:
    return {
        "exchange_id": state.id,
        "target": state.target,
        "stage": state.stage,
        "scenario": state.scenario,
        "sample": state.sample,
        "repeat": state.repeat,
        "turn": state.turn,
        "status": state.status,
        "attempt": state.attempt,
        "waited_ms": state.waited_ms,
        "client_ms": state.client_ms,
        "timeline": state.timeline,
        "wants_failure": plan.get_scenario(state.scenario).wants_failure,
    }


def add_outcome(plan: Plan, state: ExchangeState, row: Row, replay: Replay) -> Row:
    """The row of a sample's last turn, with the outcome that all its turns amount to."""
    ended = replay.judge()
    why = _add_remedy(plan, state, replay.turns[-1], ended)
    return msgspec.structs.replace(row, outcome=ended.outcome, why=why, stopped=replay.find_stop())


def _add_remedy(plan: Plan, state: ExchangeState, last: Exchange, ended: Outcome) -> tuple[str, ...]:
    """Why it ended so, and what of the model mends it, where the last request was refused for a member of it."""
    endpoint = plan.endpoints[plan.targets[state.target].endpoint]
    remedy = find_exchange_remedy(last, endpoint) if ended.outcome == "failed" else None
    return (*ended.why[:-1], f"{ended.why[-1]} {remedy.words}") if remedy is not None else ended.why


def read_exchange(target: Target, record: records.Record) -> Exchange:
    """A stored record as the exchange that it was."""
    raw = records.from_record(record)
    return Exchange(raw, label=target.label, base_url=target.base_url, schema=target.schema, model=target.model)


def group_by_sample(states: Sequence[ExchangeState]) -> Iterator[list[ExchangeState]]:
    """The turns of each sample, in turn order."""
    by_first: dict[str, list[ExchangeState]] = {}
    for state in states:
        by_first.setdefault(state.first_key, []).append(state)
    for turns in by_first.values():
        yield sorted(turns, key=lambda state: state.turn)


def judge_sample(plan: Plan, states: Sequence[ExchangeState], turns: Sequence[Exchange]) -> list[Row]:
    """Rows of the recorded turns of one sample; the outcome stands on the last one if the sample is over."""
    rows = [make_row(plan, state, exchange) for state, exchange in zip(states, turns, strict=True)]
    if not rows:
        return rows
    scenario = plan.get_scenario(states[-1].scenario)
    model = find_target_model(plan, states[-1].target)
    replay = replay_sample(scenario, scenario.get_sample(states[-1].sample), turns, model)
    if replay.is_over:
        rows[-1] = add_outcome(plan, states[-1], rows[-1], replay)
    return rows


def judge_records(db: sqlite3.Connection, plan: Plan, sample: Sequence[ExchangeState]) -> list[Row]:
    """Rows of one sample's turns, recorded or not; the outcome stands on the last one, once the sample is over."""
    kept = [
        (state, ledger.find_record(db, state.id) if state.status in ("done", "failed") else None) for state in sample
    ]
    foreign = [read_foreign_row(record, state) for state, record in kept if record and has_foreign_row(record)]
    if foreign:
        return [*foreign, *(make_unrecorded_row(plan, state) for state, record in kept if record is None)]
    turns = [(state, read_exchange(plan.targets[state.target], record)) for state, record in kept if record is not None]
    rows = [make_unrecorded_row(plan, state) for state, record in kept if record is None]
    judged = judge_sample(plan, [state for state, _ in turns], [turn for _, turn in turns])
    if rows and judged:
        judged[-1] = msgspec.structs.replace(judged[-1], outcome=None, why=())
    return [*judged, *rows]
