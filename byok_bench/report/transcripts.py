"""Transcripts: what was said in one sample, turn by turn, on every endpoint beside each other; data, no drawing."""

from collections.abc import Sequence
from difflib import get_close_matches

import msgspec

from byok_bench.dialects.exchange import Exchange
from byok_bench.errors import PlanError
from byok_bench.report.conversation import Saying, list_sayings
from byok_bench.report.evidence import name_targets
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row


class TranscriptTurn(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange: what is new in its request, and what came back."""

    exchange_id: int
    number: int
    """From 1."""
    asked: tuple[Saying, ...]
    """What the request adds to the one before: user texts and results of tools."""
    answered: tuple[Saying, ...]
    failure: str
    """Kind and words; empty for an answer."""
    ttft_ms: float | None
    e2e_ms: float | None
    tokens: int | None
    findings: tuple[str, ...]
    """Ids of rules of severity error or warn."""


class Transcript(msgspec.Struct, frozen=True, kw_only=True):
    """One sample on one endpoint."""

    endpoint: str
    outcome: str
    """ok, unmet, failed, excluded, or open while it is not over."""
    why: tuple[str, ...]
    """What was not as expected."""
    turns: tuple[TranscriptTurn, ...]


def make_transcripts(
    run: Run, scenario: str | None = None, sample: str | None = None, repeat: int = 1
) -> list[Transcript]:
    """One transcript an endpoint, in the order of the plan; the first scenario and sample if none is named.

    Raises PlanError for a scenario or a sample that the run has not, with the nearest name.
    """
    scenarios = {one.name: one for one in run.plan.scenarios}
    chosen = scenarios[choose_name(scenario, list(scenarios), "scenario")]
    name = choose_name(sample, [one.name for one in chosen.samples], "sample")
    rows = [
        row
        for row in run.iterate_rows()
        if (row.scenario, row.sample, row.repeat) == (chosen.name, name, repeat) and row.stage == 0
    ]
    return [
        _make_transcript(run, label, sorted((row for row in rows if row.target == at), key=lambda row: row.turn))
        for at, label in enumerate(name_targets(run))
    ]


def choose_name(wanted: str | None, known: Sequence[str], what: str) -> str:
    """The same, or the first that is known if none is wanted. Raises PlanError with the nearest for one that is not."""
    if wanted is None:
        return known[0]
    if wanted in known:
        return wanted
    near = get_close_matches(wanted, known, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise PlanError(f"this run has no {what} {wanted!r}; {meant}it has {', '.join(known)}", code=f"no_{what}")


def _make_transcript(run: Run, label: str, rows: Sequence[Row]) -> Transcript:
    turns, before = [], 0
    for row in rows:
        exchange = run.find_exchange(row.exchange_id)
        if exchange is not None:
            said = list_sayings(exchange.request.body, None)
            turns.append(_make_turn(row, exchange, said[before:]))
            before = len(said)
    last = rows[-1] if rows else None
    return Transcript(
        endpoint=label,
        outcome=(last.outcome if last is not None else None) or "open",
        why=last.why if last is not None else (),
        turns=tuple(turns),
    )


def _make_turn(row: Row, exchange: Exchange, added: Sequence[Saying]) -> TranscriptTurn:
    """The assistant's words in a request are an echo of the answer before, which stands there already."""
    return TranscriptTurn(
        exchange_id=row.exchange_id,
        number=row.turn,
        asked=tuple(one for one in added if row.turn == 1 or one.who != "assistant"),
        answered=tuple(list_sayings({}, exchange.output)),
        failure=f"{row.kind}: {row.message or ''}" if row.kind else "",
        ttft_ms=row.ttft_ms,
        e2e_ms=row.e2e_ms,
        tokens=row.tokens,
        findings=tuple(dict.fromkeys(one.check for one in row.findings if one.severity != "info")),
    )
