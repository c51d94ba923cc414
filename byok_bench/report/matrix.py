"""The matrix check × endpoint, and the evidence behind each cell: which exchange, which bytes, when."""

from collections import Counter
from typing import Any, Final

import msgspec
import pandas as pd

from byok_bench.checks.advice import choose_advice
from byok_bench.checks.registry import is_about, load_catalogue
from byok_bench.dialects.exchange import Exchange
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.tables import Line
from byok_bench.runs.judging import Row
from byok_bench.runs.results import Run
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


def make_rule_matrix(run: Run, *, broken_only: bool = True) -> pd.DataFrame:
    """How many exchanges of each endpoint broke each rule; index: check id, columns: severity and endpoints.

    0 means judged and clean, NA that no answer of the endpoint is one that the rule is about. With `broken_only`,
    only rules that somebody broke; else every passive rule.
    """
    rows = [row for row in run.rows if not row.is_warmup and row.status in ("done", "failed")]
    counts = Counter((finding.check, row.target) for row in rows for finding in row.findings)
    names = name_targets(run)
    passive = [check for check in load_catalogue() if check.mode == "passive"]
    shown = [one for one in passive if not broken_only or any(counts[one.id, at] for at in range(len(names)))]
    data: dict[str, Any] = {"severity": [one.severity for one in shown]}
    for at, name in enumerate(names):
        forms = {(run.plan.targets[at].schema, row.streamed) for row in rows if row.target == at}
        judged = [any(is_about(one, *form) for form in forms) for one in shown]
        cells = [counts[one.id, at] if is_judged else None for one, is_judged in zip(shown, judged, strict=True)]
        data[name] = pd.array(cells, dtype="Int64")
    return pd.DataFrame(data, index=pd.Index([one.id for one in shown], name="check"))


def name_targets(run: Run) -> list[str]:
    """How columns call the targets: by the endpoint alone where each has one model."""
    labels = [target.label for target in run.plan.targets]
    return labels if len(set(labels)) == len(labels) else [target.name for target in run.plan.targets]


def list_evidence(run: Run, check: str | None = None, *, limit: int = 20) -> list[Evidence]:
    """The findings of one check (of all, for None), each with its place, its time and its bytes."""
    found: list[Evidence] = []
    names = name_targets(run)
    for row, exchange in run.iterate_exchanges():
        if row.is_warmup:
            continue
        for finding in row.findings:
            if check not in (None, finding.check):
                continue
            event = finding.event if finding.event is not None and finding.event < len(exchange.events) else None
            found.append(
                Evidence(
                    check=finding.check,
                    severity=finding.severity,
                    endpoint=names[row.target],
                    scenario=row.scenario,
                    exchange_id=row.exchange_id,
                    message=replace_surrogates(finding.message),
                    event=event,
                    offset=finding.offset,
                    at_ms=None if event is None else compute_arrival_ms(exchange, event),
                    excerpt="" if finding.offset is None else extract_excerpt(exchange, finding.offset),
                )
            )
            if len(found) == limit:
                return found
    return found


def compute_arrival_ms(exchange: Exchange, event: int) -> float | None:
    """Request written → the read that completed this event, ms."""
    written = exchange.raw.phases.written
    return None if written is None else round((exchange.events[event].t_ns - written) / 1e6, 3)


def extract_excerpt(exchange: Exchange, offset: int) -> str:
    """The decoded body from `offset` on, as Python bytes escapes: nothing in it can steer a terminal or a page."""
    return repr(exchange.reading.body.data[offset : offset + AROUND_BYTES])[2:-1]


def make_evidence_frame(found: list[Evidence]) -> pd.DataFrame:
    """Evidence as rows."""
    return pd.DataFrame([msgspec.structs.asdict(one) for one in found], columns=list(Evidence.__struct_fields__))


def make_error_frame(run: Run) -> pd.DataFrame:
    """Failures as rows."""
    return pd.DataFrame(list_failures(run))


def list_failures(run: Run) -> list[Line]:
    """One line for each endpoint, scenario and kind of failure: what the server said, and what a client should do."""
    seen: dict[tuple[str, str, str], Line] = {}
    names = name_targets(run)
    answered = {row.target for row in run.rows if row.http_status is not None and row.http_status < 300}
    for row in run.rows:
        if row.is_warmup or row.kind is None or row.caused_by_us:
            continue
        name = names[row.target]
        entry = seen.setdefault(
            (name, row.scenario, row.kind),
            {
                "endpoint": name,
                "scenario": row.scenario,
                "kind": row.kind,
                "phase": row.phase,
                "status": row.http_status,
                "retryable": row.retryable,
                "delay_s": row.retry_after_s,
                "n": 0,
                "message": replace_surrogates(row.message),
                "advice": choose_advice(to_failure(row), route_answered=row.target in answered),
            },
        )
        entry["n"] += 1
    return list(seen.values())


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
