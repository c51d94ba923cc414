"""Judging: stored records → rows, one row an exchange. Pure reading; it can be repeated with newer checks.

A row is what tables are made of. Every number that was not observed is None. Terms: docs/metrics.md.
"""

import functools
import hashlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from byok_bench.checks.finding import Finding
from byok_bench.checks.registry import run_checks
from byok_bench.checks.remedies import find_exchange_remedy
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import ToolCall, Usage
from byok_bench.endpoints.model_requests import find_named_model
from byok_bench.endpoints.prices import compute_cost
from byok_bench.runs.planning.plan import Plan, Target, find_target_model
from byok_bench.runs.storage import ascii_json, judged_rows, ledger, records, run_rows
from byok_bench.runs.storage.ledger import FINAL, ExchangeState
from byok_bench.runs.storage.result_file import StoreWriter, open_reader
from byok_bench.scenarios.agent import find_stop, is_sample_over, judge_turns
from byok_bench.scenarios.call_faults import list_call_faults
from byok_bench.scenarios.expectations.judging import Outcome
from byok_bench.scenarios.scenario import lay_over
from byok_bench.scenarios.toolbox import open_toolbox
from byok_bench.wire.recording.clock_watch import UNTIMED_FLAGS

JUDGES: Final = ("wire", "dialects", "checks", "scenarios", "endpoints/prices.py", "runs/judging.py")
"""What of the package decides what stands in a row."""
KEPT_AT_ONCE: Final = 200
"""Rows that are handed to the writer together."""


class Row(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one exchange of a run amounts to."""

    exchange_id: int
    target: int
    """Index into the plan's targets."""
    stage: int
    scenario: str
    sample: str
    repeat: int
    """0 for warm-up."""
    turn: int
    status: str
    """done, failed, left_out, planned, sent: as stored."""
    attempt: int = 0
    wants_failure: bool = False
    """It belongs to an error scenario."""
    outcome: str | None = None
    """ok, unmet, failed, excluded; on the last turn of a sample, None on the others."""
    why: tuple[str, ...] = ()
    """Why the outcome is not ok."""
    stopped: str | None = None
    """Why the sample ended although something would have followed (rounds, tokens, seconds, cost); on its last turn."""
    http_status: int | None = None
    end: str | None = None
    streamed: bool = False
    """The request asked for a stream."""
    kind: str | None = None
    phase: str | None = None
    retryable: bool | None = None
    retry_after_s: float | None = None
    message: str | None = None
    """The server's words, or ours."""
    start_ns: int | None = None
    """Intended start, monotonic."""
    end_ns: int | None = None
    """Nothing came any more, monotonic."""
    waited_ms: float | None = None
    """How long this side waited before the request, since a 429 had told it to; in no other time."""
    client_ms: float | None = None
    """What lay between the answer before and this request on our side: reading it, running tools, wording. None for the
    first turn. It is in no other time."""
    caused_by_us: bool = False
    """A 429 within the cooldown that an error scenario of this run caused; it is not among what failed."""
    queue_ms: float | None = None
    """Intended start → request written, without dns, connect and tls."""
    late_ms: float | None = None
    """Intended start → request written, all of it: what an open loop adds to the latency that a user sees."""
    connect_ms: float | None = None
    """dns + connect + tls; None on a kept-alive connection."""
    ttfb_ms: float | None = None
    ttft_ms: float | None = None
    ttft_text_ms: float | None = None
    ttft_reasoning_ms: float | None = None
    ttft_tool_ms: float | None = None
    e2e_ms: float | None = None
    tpot_ms: float | None = None
    itl_ms: tuple[float, ...] = ()
    clock: str | None = None
    """Which clock stamped the bytes."""
    timeline: str = ""
    """Stamps of two timelines (machines, or boots of one) cannot be compared."""
    reused: bool = False
    flags: tuple[str, ...] = ()
    deltas: int = 0
    """Deltas that carried output."""
    events: int = 0
    chunks: int = 0
    body_bytes: int = 0
    tokens: int | None = None
    """Completion tokens: the server's usage, else the deltas counted."""
    tokens_from: str | None = None
    """usage or deltas."""
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    """Of the prompt, as far as the server tells; in Messages beside it."""
    reasoning_tokens: int | None = None
    cost: float | None = None
    """What the server said it charged, else the declared price times its tokens."""
    reported_cost: float | None = None
    """What the server said it charged, in its own unit."""
    priced_cost: float | None = None
    """The declared price times the server's tokens."""
    text_chars: int = 0
    reasoning_chars: int = 0
    tool_calls: tuple[str, ...] = ()
    """Names of the tools that were called."""
    valid_calls: int = 0
    """Calls of an offered tool whose arguments are JSON that fits its schema."""
    call_faults: tuple[str, ...] = ()
    """Class of each other call: invalid_json, unknown_name, schema_mismatch."""
    finish_reason: str | None = None
    served_model: str | None = None
    findings: tuple[Finding, ...] = ()

    @property
    def is_warmup(self) -> bool:
        """It stays out of every table."""
        return self.repeat == 0


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


def add_outcome(plan: Plan, states: Sequence[ExchangeState], turns: Sequence[Exchange], rows: Sequence[Row]) -> Row:
    """The row of a sample's last turn, with the outcome that all its turns amount to."""
    scenario = plan.get_scenario(states[-1].scenario)
    sample, model = scenario.get_sample(states[-1].sample), find_target_model(plan, states[-1].target)
    ended = judge_turns(scenario, sample, turns)
    return msgspec.structs.replace(
        rows[-1],
        outcome=ended.outcome,
        why=_add_remedy(plan, states[-1], turns[-1], ended),
        stopped=find_stop(scenario, sample, turns, model),
    )


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
    if is_sample_over(scenario, scenario.get_sample(states[-1].sample), turns, model):
        rows[-1] = add_outcome(plan, states, turns, rows)
    return rows


def judge_stored_run(path: Path, run_id: str, writer: StoreWriter | None = None, again: bool = False) -> list[Row]:
    """Every row of a run, in the order of the store; what has not ended has a row that says so.

    A row that an earlier call made is taken as it is if it is of the attempt that ended its exchange, unless the checks
    have changed or `again` is set. A sample of which a row is missing is judged whole. New rows of exchanges that ended
    are kept if there is a writer.
    """
    judge = compute_judge_version()
    with open_reader(path) as db:
        plan, states = run_rows.read_stored_plan(db, run_id), ledger.list_states(db, run_id)
        known = {} if again else judged_rows.read_judged_rows(db, run_id, judge)
        rows: dict[int, Row] = {}
        fresh: list[Row] = []
        for sample in group_by_sample(states):
            made = list(_iterate_current_rows(sample, known))
            if len(made) < len(sample):
                made = judge_records(db, plan, sample)
                fresh += [row for row in made if row.status in FINAL]
            rows |= {row.exchange_id: row for row in made}
            if len(fresh) >= KEPT_AT_ONCE:
                _store_rows(writer, judge, fresh)
                fresh = []
        _store_rows(writer, judge, fresh)
    return [rows[state.id] for state in states]


def _iterate_current_rows(sample: Sequence[ExchangeState], known: Mapping[int, bytes]) -> Iterator[Row]:
    for state in sample:
        if state.id in known and is_row_current(row := decode_row(known[state.id]), state):
            yield row


def is_row_current(row: Row, state: ExchangeState) -> bool:
    """Whether a kept row tells how the exchange ended: files hold rows of what was planned or in flight once.

    An answer that was stored as done may be a failure by its row, and the other way round where the checks changed.
    """
    both = {row.status, state.status}
    return row.attempt == state.attempt and (both <= {"done", "failed"} or both == {"left_out"})


def _store_rows(writer: StoreWriter | None, judge: str, rows: Sequence[Row]) -> None:
    """Rows in one statement: handing over each alone costs more than making it."""
    if writer is None or not rows:
        return
    writer.submit(judged_rows.store_judged_rows, [(row.exchange_id, judge, encode_row(row)) for row in rows])
    found = [(row.kind, row.phase or "", row.exchange_id) for row in rows if row.kind]
    if found:
        writer.submit(judged_rows.mark_failed, found)
    good = [row.exchange_id for row in rows if row.status == "done"]
    if good:
        writer.submit(judged_rows.mark_answered, good)


def judge_records(db: sqlite3.Connection, plan: Plan, sample: Sequence[ExchangeState]) -> list[Row]:
    """Rows of one sample's turns, recorded or not; the outcome stands on the last one, once the sample is over."""
    kept = [
        (state, ledger.find_record(db, state.id) if state.status in ("done", "failed") else None) for state in sample
    ]
    turns = [(state, read_exchange(plan.targets[state.target], record)) for state, record in kept if record is not None]
    rows = [make_unrecorded_row(plan, state) for state, record in kept if record is None]
    judged = judge_sample(plan, [state for state, _ in turns], [turn for _, turn in turns])
    if rows and judged:
        judged[-1] = msgspec.structs.replace(judged[-1], outcome=None, why=())
    return [*judged, *rows]


def encode_row(row: Row) -> bytes:
    """ASCII JSON: a server's text may hold what UTF-8 has no form for."""
    return ascii_json.to_ascii(row)


def decode_row(row: bytes) -> Row:
    """The row that was kept."""
    return ascii_json.from_ascii(row, Row)
