"""One answer of a run, all that there is to say of it, as plain data with several faces: a page and a drawer show it.

Built from a stored exchange and its row; nothing in here is judged again, and no key can be in it.
"""

import json
from typing import Final

import msgspec

from byok_bench.checks.advice import choose_advice, has_sent_key
from byok_bench.checks.client_effects import describe_effects, find_client_effects
from byok_bench.checks.finding import WEIGHTS, Finding
from byok_bench.checks.registry import load_catalogue
from byok_bench.dialects.exchange import Exchange
from byok_bench.report.answer_bytes import Piece, list_pieces
from byok_bench.report.answer_timeline import Timeline, make_timeline
from byok_bench.report.conversation import Saying, list_sayings
from byok_bench.report.curl_command import render_curl_command
from byok_bench.report.evidence import is_wanted_refusal
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.wire.failures import Failure

LONGEST_BODY: Final = 20_000
"""Characters of a request body that are shown; curl has all of it."""
DEFAULT_KEY_NAME: Final = "API_KEY"
"""The variable that a copied command names where the endpoint has none."""


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, with what its rule says and where it is."""

    check: str
    severity: str
    title: str
    why: str
    breaks: str
    """Who breaks on it, in words; empty if nobody was seen to."""
    message: str
    event: int | None
    offset: int | None
    at_ms: float | None
    """Request written → arrival of the event; None without one."""


class AnswerDetails(msgspec.Struct, frozen=True, kw_only=True):
    """All of one answer."""

    run_id: str
    exchange_id: int
    request_id: str
    """Its x-request-id, which the server's operator can look for; empty if there is no record."""
    target: str
    scenario: str
    sample: str
    repeat: int
    turn: int
    tone: str
    """good, finding or bad."""
    sentence: str
    """What happened."""
    advice: str = ""
    """What to do; empty where nothing is to be done."""
    flags: tuple[Flag, ...] = ()
    timeline: Timeline = Timeline()
    pieces: tuple[Piece, ...] = ()
    all_pieces: int = 0
    body_bytes: int = 0
    """Without content coding."""
    method: str = ""
    url: str = ""
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: str = ""
    """Indented JSON, cut if it is long."""
    status: int | None = None
    response_headers: tuple[tuple[str, str], ...] = ()
    conversation: tuple[Saying, ...] = ()
    curl: str = ""


def make_answer_details(run: Run, exchange_id: int, offset: int | None = None) -> AnswerDetails:
    """The details of one exchange of a run; of a long body also what lies around byte `offset`.

    Raises StoreError for an exchange that the run has not.
    """
    exchange = run.find_exchange(exchange_id)
    row = run.find_row(exchange_id)
    assert row is not None  # find_exchange raised for one that the run has not
    target = run.plan.targets[row.target]
    tone, sentence, advice = describe_end(row, exchange)
    common = AnswerDetails(
        run_id=run.id,
        exchange_id=exchange_id,
        request_id="" if exchange is None else exchange.id,
        target=target.name,
        scenario=row.scenario,
        sample=row.sample,
        repeat=row.repeat,
        turn=row.turn,
        tone=tone,
        sentence=sentence,
        advice=advice,
    )
    if exchange is None:
        return common
    reference = run.plan.endpoints[target.endpoint].key
    key_name = reference.name if reference.kind == "env" else DEFAULT_KEY_NAME
    return add_record(common, exchange, row.findings, key_name, offset)


def add_record(
    details: AnswerDetails,
    exchange: Exchange,
    findings: tuple[Finding, ...],
    key_name: str,
    offset: int | None = None,
) -> AnswerDetails:
    """The details with what the record of the exchange says."""
    raw = exchange.raw
    pieces, count = list_pieces(exchange, findings, offset)
    return msgspec.structs.replace(
        details,
        flags=tuple(make_flag(one, exchange) for one in sorted(findings, key=lambda one: -WEIGHTS[one.severity])),
        timeline=make_timeline(exchange),
        pieces=tuple(pieces),
        all_pieces=count,
        body_bytes=len(exchange.reading.body.data),
        method=raw.request.method,
        url=raw.request.url,
        request_headers=raw.request.headers,
        request_body=_render_body(raw.request.body),
        status=raw.head.status if raw.head else None,
        response_headers=raw.head.headers if raw.head else (),
        conversation=tuple(list_sayings(exchange.request.body, None if exchange.error else exchange.output)),
        curl=render_curl_command(raw.request, key_name),
    )


def describe_end(row: Row, exchange: Exchange | None) -> tuple[str, str, str]:
    """Tone, what happened in a sentence, and what to do."""
    took = "" if row.e2e_ms is None else f" after {row.e2e_ms:.0f} ms"
    if row.kind is not None:
        status = "" if row.http_status is None else f", HTTP {row.http_status}"
        wanted = " As wanted: it had to be refused." if is_wanted_refusal(row) else ""
        failure = _make_failure(row, exchange)
        sent = exchange is None or has_sent_key(exchange)
        sentence = f"{row.kind}{status}{took}: {failure.message or 'no words'}.{wanted}".replace("..", ".")
        return ("good" if wanted else "bad"), sentence, "" if wanted else choose_advice(failure, key_sent=sent)
    if row.status not in ("done", "failed"):
        return "bad", f"No answer: {row.status.replace('_', ' ')}. {' '.join(row.why)}".strip(), ""
    first = "" if row.ttft_ms is None else f", first token after {row.ttft_ms:.0f} ms"
    answered = f"Answered{took}{first}."
    if row.outcome not in (None, "ok"):
        return "bad", f"{answered} Not as expected: {'; '.join(row.why) or row.outcome}.", ""
    broken = {one.check for one in row.findings if one.severity != "info"}
    if broken:
        rules = "one rule is" if len(broken) == 1 else f"{len(broken)} rules are"
        return "finding", f"{answered} But {rules} broken: {', '.join(sorted(broken))}.", ""
    return "good", answered, ""


def _make_failure(row: Row, exchange: Exchange | None) -> Failure:
    """The failure as the record has it, else as far as the row keeps it."""
    if exchange is not None and exchange.error is not None:
        return exchange.error
    return Failure(
        kind=row.kind or "server",
        phase=row.phase or "body",
        message=row.message or "",
        retryable=bool(row.retryable),
        retry_after_s=row.retry_after_s,
        status=row.http_status,
    )


def make_flag(finding: Finding, exchange: Exchange) -> Flag:
    """A finding of an exchange, placed in time."""
    rule = next((one for one in load_catalogue() if one.id == finding.check), None)
    written = exchange.raw.phases.written
    event = (
        exchange.events[finding.event] if finding.event is not None and finding.event < len(exchange.events) else None
    )
    return Flag(
        check=finding.check,
        severity=finding.severity,
        title=rule.title if rule else finding.check,
        why=rule.why if rule else "",
        breaks=describe_effects(find_client_effects(finding.check)),
        message=finding.message,
        event=finding.event,
        offset=finding.offset,
        at_ms=None if event is None or written is None else (event.t_ns - written) / 1e6,
    )


def _render_body(body: bytes) -> str:
    try:
        text = json.dumps(json.loads(body), indent=2, ensure_ascii=False) if body else ""
    except (ValueError, RecursionError):
        text = body.decode(errors="replace")
    return (
        text
        if len(text) <= LONGEST_BODY
        else f"{text[:LONGEST_BODY]}\n… and {len(text) - LONGEST_BODY} characters more"
    )
