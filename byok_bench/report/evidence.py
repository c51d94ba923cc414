"""The evidence behind a number: which exchange, which bytes, when; and the failures of a run in words."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

import msgspec

from byok_bench.checks.advice import choose_advice
from byok_bench.checks.finding import Finding
from byok_bench.checks.remedies import find_remedy
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_requests import find_named_model
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.table_parts import ASKED, Line
from byok_bench.runs.own_failures import FIRST_REFUSAL
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.wire.failures import Failure

NAMED_EXCHANGES: Final = 20
"""Of what an endpoint did wrong in one way; the rest is counted."""
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
    for row, findings in iterate_findings(run):
        wanted = [finding for finding in findings if check in (None, finding.check)]
        exchange = run.find_exchange(row.exchange_id) if wanted else None
        if exchange is not None:
            found += [make_evidence(run, row, exchange, finding) for finding in wanted]
        if limit is not None and len(found) >= limit:
            return found[:limit]
    return found


def list_like_evidence(run: Run, check: str, *, limit: int) -> tuple[list[LikeEvidence], int]:
    """The findings of one check, those alike joined: the `limit` first, and how many more there are.

    Records are read for the former alone, so that it costs the same however often a rule was broken.
    """
    alike: dict[tuple[object, ...], _Alike] = {}
    for row, findings in iterate_findings(run):
        for finding in findings:
            if finding.check == check:
                place = (row.target, row.scenario, finding.message, finding.event, finding.offset)
                same = alike.setdefault(place, _Alike(row, finding, {}))
                same.exchange_ids[row.exchange_id] = None
    joined: list[LikeEvidence] = []
    for same in alike.values():
        exchange = run.find_exchange(same.row.exchange_id) if len(joined) < limit else None
        if exchange is not None:
            first = make_evidence(run, same.row, exchange, same.finding)
            joined.append(LikeEvidence(first=first, exchange_ids=tuple(same.exchange_ids)))
    return joined, len(alike) - len(joined)


class _Alike(NamedTuple):
    """Findings that say the same: the first one, and the exchanges that have one."""

    row: Row
    finding: Finding
    exchange_ids: dict[int, None]


def iterate_findings(run: Run) -> Iterator[tuple[Row, Sequence[Finding]]]:
    """Every answer that counts and has findings, with them."""
    for row in run.iterate_rows():
        if row.findings and row.status in ASKED and not (row.is_warmup or row.caused_by_us):
            yield row, row.findings


def make_evidence(run: Run, row: Row, exchange: Exchange, finding: Finding) -> Evidence:
    """One finding, looked up in its exchange."""
    event = finding.event if finding.event is not None and finding.event < len(exchange.events) else None
    return Evidence(
        check=finding.check,
        severity=finding.severity,
        endpoint=name_targets(run)[row.target],
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
    return [_make_failure_line(run, group) for group in group_failures(run)]


class FailureGroup(msgspec.Struct, kw_only=True):
    """Exchanges of one endpoint and scenario that failed in one way."""

    first: Row
    as_wanted: bool
    route_answered: bool = False
    """Whether anything that was asked of the endpoint was answered with success."""
    exchanges: list[int]
    """Ids of the first ones, as many as are named."""
    count: int = 0


def group_failures(run: Run) -> list[FailureGroup]:
    """The failures behind each line of `list_failures`."""
    seen: dict[tuple[str, str, str, bool], FailureGroup] = {}
    names = name_targets(run)
    answered: set[int] = set()
    for row in run.iterate_rows():
        if row.http_status is not None and row.http_status < FIRST_REFUSAL:
            answered.add(row.target)
        if row.is_warmup or row.kind is None or row.caused_by_us:
            continue
        wanted = is_wanted_refusal(row)
        group = seen.setdefault(
            (names[row.target], row.scenario, row.kind, wanted),
            FailureGroup(first=row, as_wanted=wanted, exchanges=[]),
        )
        group.count += 1
        if len(group.exchanges) < NAMED_EXCHANGES:
            group.exchanges.append(row.exchange_id)
    for group in seen.values():
        group.route_answered = group.first.target in answered
    return sorted(seen.values(), key=lambda group: group.as_wanted)


def _make_failure_line(run: Run, group: FailureGroup) -> Line:
    row = group.first
    return {
        "endpoint": name_targets(run)[row.target],
        "scenario": row.scenario,
        "kind": row.kind,
        "phase": row.phase,
        "status": row.http_status,
        "retryable": row.retryable,
        "delay_s": row.retry_after_s,
        "as_wanted": group.as_wanted,
        "n": group.count,
        "message": replace_surrogates(row.message),
        "advice": choose_row_advice(run, row, route_answered=group.route_answered),
    }


def choose_row_advice(run: Run, row: Row, *, route_answered: bool) -> str:
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
