"""The evidence behind a number: which exchange, which bytes, when; and the failures of a run in words."""

from typing import Final

import msgspec

from byok_bench.checks.advice import choose_advice
from byok_bench.checks.finding import Finding
from byok_bench.checks.remedies import find_remedy
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_requests import find_named_model
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.table_parts import Line
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.wire.failures import Failure

AROUND_BYTES: Final = 160
"""How much of the body an excerpt shows from the offset on."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One finding, down to the byte."""

    check: str
    severity: str
    endpoint: str
    scenario: str
    exchange_id: int
    message: str
    event: int | None
    """Index of the event; None if the finding is about the whole answer."""
    offset: int | None
    """Byte offset in the decoded body."""
    at_ms: float | None
    """Request written → arrival of the event, ms."""
    excerpt: str
    """The body from the offset on, as Python bytes escapes; empty without an offset."""


class LikeEvidence(msgspec.Struct, frozen=True, kw_only=True):
    """What several answers to one scenario showed in the same place, in the same words."""

    first: Evidence
    exchange_ids: tuple[int, ...]


def name_targets(run: Run) -> list[str]:
    """How columns call the targets: by the endpoint alone where each has one model."""
    return name_plan_targets(run.plan)


def name_plan_targets(plan: Plan) -> list[str]:
    """The same of a plan."""
    labels = [target.label for target in plan.targets]
    return labels if len(set(labels)) == len(labels) else [target.name for target in plan.targets]


def list_evidence(run: Run, check: str | None = None, *, limit: int | None = 20) -> list[Evidence]:
    """The findings of one check (of all, for None), each with its place, its time and its bytes; `limit` at most."""
    found: list[Evidence] = []
    names = name_targets(run)
    for row, exchange in run.iterate_exchanges():
        if row.is_warmup:
            continue
        for finding in row.findings:
            if check not in (None, finding.check):
                continue
            found.append(_make_evidence(names[row.target], row, finding, exchange))
            if len(found) == limit:
                return found
    return found


def list_like_evidence(run: Run, check: str, *, limit: int) -> tuple[list[LikeEvidence], int]:
    """The findings of one check, those alike joined: the `limit` first, and how many more there are.

    Records are read for the former alone, so that it costs the same however often a rule was broken.
    """
    alike: dict[tuple[object, ...], list[tuple[Row, Finding]]] = {}
    for row in run.rows:
        for finding in () if row.is_warmup else row.findings:
            if finding.check == check:
                place = (row.target, row.scenario, finding.message, finding.event, finding.offset)
                alike.setdefault(place, []).append((row, finding))
    names = name_targets(run)
    joined: list[LikeEvidence] = []
    for same in alike.values():
        row, finding = same[0]
        exchange = run.find_exchange(row.exchange_id) if len(joined) < limit else None
        if exchange is not None:
            ids = tuple(dict.fromkeys(one.exchange_id for one, _ in same))
            joined.append(
                LikeEvidence(first=_make_evidence(names[row.target], row, finding, exchange), exchange_ids=ids)
            )
    return joined, len(alike) - len(joined)


def _make_evidence(endpoint: str, row: Row, finding: Finding, exchange: Exchange) -> Evidence:
    event = finding.event if finding.event is not None and finding.event < len(exchange.events) else None
    return Evidence(
        check=finding.check,
        severity=finding.severity,
        endpoint=endpoint,
        scenario=row.scenario,
        exchange_id=row.exchange_id,
        message=replace_surrogates(finding.message),
        event=event,
        offset=finding.offset,
        at_ms=None if event is None else compute_arrival_ms(exchange, event),
        excerpt="" if finding.offset is None else extract_excerpt(exchange, finding.offset),
    )


def compute_arrival_ms(exchange: Exchange, event: int) -> float | None:
    """Request written → the read that completed this event, ms."""
    written = exchange.raw.phases.written
    return None if written is None else round((exchange.events[event].t_ns - written) / 1e6, 3)


def extract_excerpt(exchange: Exchange, offset: int) -> str:
    """The decoded body from `offset` on, as Python bytes escapes: nothing in it can steer a terminal or a page."""
    return repr(exchange.reading.body.data[offset : offset + AROUND_BYTES])[2:-1]


def is_wanted_refusal(row: Row) -> bool:
    """Whether a failure is what its scenario asks for: a refusal of a client's mistake, as by a good server."""
    return row.wants_failure and row.kind is not None and row.outcome in ("ok", None)


def list_failures(run: Run) -> list[Line]:
    """One line for each endpoint, scenario and kind of failure: what the server said, and what a client should do.

    Those that were wanted are lines of their own, behind all others, with `as_wanted` true.
    """
    seen: dict[tuple[str, str, str, bool], Line] = {}
    names = name_targets(run)
    answered = {row.target for row in run.rows if row.http_status is not None and row.http_status < 300}
    for row in run.rows:
        if row.is_warmup or row.kind is None or row.caused_by_us:
            continue
        name, wanted = names[row.target], is_wanted_refusal(row)
        entry = seen.setdefault(
            (name, row.scenario, row.kind, wanted),
            {
                "endpoint": name,
                "scenario": row.scenario,
                "kind": row.kind,
                "phase": row.phase,
                "status": row.http_status,
                "retryable": row.retryable,
                "delay_s": row.retry_after_s,
                "as_wanted": wanted,
                "n": 0,
                "message": replace_surrogates(row.message),
                "advice": _choose_row_advice(run, row, route_answered=row.target in answered),
            },
        )
        entry["n"] += 1
    return sorted(seen.values(), key=lambda line: bool(line["as_wanted"]))


def _choose_row_advice(run: Run, row: Row, *, route_answered: bool) -> str:
    """What of the model mends it, where that is known, else what a person should do about such a failure."""
    target = run.plan.targets[row.target]
    model = find_named_model(run.plan.endpoints[target.endpoint], target.model)
    remedy = find_remedy(row.message or "", model) if model is not None and row.kind == "invalid_request" else None
    return remedy.words if remedy is not None else choose_advice(to_failure(row), route_answered=route_answered)


def to_failure(row: Row) -> Failure:
    """The failure that a row keeps, as far as it keeps it."""
    return Failure(
        kind=row.kind or "server",
        phase=row.phase or "body",
        message=row.message or "",
        retryable=bool(row.retryable),
        retry_after_s=row.retry_after_s,
        status=row.http_status,
    )
