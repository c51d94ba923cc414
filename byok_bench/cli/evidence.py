"""Evidence in the terminal: the findings of a run down to the byte, and one exchange event by event."""

from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

import typer

from byok_bench.cli.console import emit_json, fail
from byok_bench.cli.send import to_printable_text
from byok_bench.report.printable_text import describe_count

if TYPE_CHECKING:
    from byok_bench.dialects.exchange import Exchange
    from byok_bench.report.evidence import Evidence
    from byok_bench.runs.results import Run

SEVERITIES: Final = ("error", "warn", "info")
EVENTS: Final = 40
"""Of one exchange; a finding is always among them."""
AROUND: Final = 3
"""Events shown before and behind one with a finding, of a longer stream."""
DATA_WIDTH: Final = 160


def print_findings(run: "Run", as_json: bool) -> None:
    """The findings, worst first: each rule and endpoint once, with how often, the first place, and how to see it."""
    from byok_bench.report.evidence import list_evidence
    from byok_bench.report.selections import select_measured

    every = sorted(list_evidence(run, limit=None), key=_rank_evidence)
    if as_json:
        emit_json({"version": 2, "run": run.id, "findings": every})
        return
    for _, group in groupby(every, key=_rank_evidence):
        same = list(group)
        for line in describe_evidence(same):
            typer.echo(to_printable_text(line))
    if every:
        first = every[0]
        typer.echo(f"why a rule matters, and who breaks: byok-bench checks show {first.check}")
        typer.echo(f"one exchange, event by event: byok-bench report {run.id} --exchange {first.exchange_id}")
    else:
        failed = select_measured(run).drop("kind", None)
        typer.echo(f"no finding; {describe_count(len(failed), 'answer')} failed" if len(failed) else "no finding")
        if len(failed):
            first_failed = int(failed.list_numbers("exchange_id")[0])
            typer.echo(f"one of them, event by event: byok-bench report {run.id} --exchange {first_failed}")


def describe_evidence(same: "list[Evidence]") -> list[str]:
    """The lines of one rule on one endpoint."""
    first = same[0]
    exchanges = {one.exchange_id for one in same}
    place = "" if first.event is None else f" at event {first.event}, byte {first.offset}"
    lines = [
        f"{first.severity}: {first.check}: {first.endpoint}, in {describe_count(len(exchanges), 'exchange')}",
        f"  {first.message}",
        f"  first in exchange {first.exchange_id} ({first.scenario}){place}",
    ]
    return [*lines, *([f"  {first.excerpt[:DATA_WIDTH]}"] if first.excerpt else [])]


def _rank_evidence(one: "Evidence") -> tuple[int, str, str]:
    return SEVERITIES.index(one.severity), one.check, one.endpoint


def print_stored_exchange(run: "Run", exchange_id: int, as_json: bool) -> None:
    """One exchange of a run: what was asked, what came when, and what is wrong with it."""
    from byok_bench.checks.registry import run_checks
    from byok_bench.cli.send import print_exchange

    exchange = run.find_exchange(exchange_id) if run.find_row(exchange_id) is not None else None
    if exchange is None:
        numbers = [row.exchange_id for row in run.iterate_rows() if row.status in ("done", "failed")]
        there = f"there are {min(numbers)} to {max(numbers)}" if numbers else "none was recorded"
        fail(f"run {run.id} has no recorded exchange {exchange_id}; {there}")
    if as_json:
        emit_json(exchange.to_json(run_checks(exchange)))
        return
    findings = run_checks(exchange)
    for line in describe_request(exchange):
        typer.echo(to_printable_text(line))
    for line in describe_events(exchange, {one.event for one in findings if one.event is not None}):
        typer.echo(to_printable_text(line))
    print_exchange(exchange, False)


def describe_request(exchange: "Exchange") -> list[str]:
    """The request line, its body, and the head of the response."""
    import msgspec

    shown: dict[str, Any] = exchange.to_json([])
    asked, came = shown["request"], shown["response"]
    lines = [f"> {asked['method']} {asked['url']}", f"> {msgspec.json.encode(asked['body']).decode()[:1000]}"]
    if came is None:
        return [*lines, "< nothing came"]
    return [*lines, f"< {came['status']}, {came['bytes']} bytes in {came['chunks']} chunks, end: {came['end']}"]


def describe_events(exchange: "Exchange", marked: set[int]) -> list[str]:
    """One line an event: its number, when it came, its byte, its data; `!` where a rule broke."""
    from byok_bench.report.evidence import compute_arrival_ms

    events = exchange.events
    near = {at + step for at in marked for step in range(-AROUND, AROUND + 1)}
    shown = [at for at in range(len(events)) if len(events) <= EVENTS or at < EVENTS // 2 or at in near]
    lines, before = [], -1
    for at in shown:
        if at != before + 1:
            lines.append(f"  … {at - before - 1} events more")
        arrival = compute_arrival_ms(exchange, at)
        when = "" if arrival is None else f"{arrival:9.1f} ms"
        lines.append(
            f"{'!' if at in marked else ' '} {at:4} {when} byte {events[at].offset}: {events[at].data[:DATA_WIDTH]}"
        )
        before = at
    if events and before != len(events) - 1:
        lines.append(f"  … {len(events) - 1 - before} events more")
    return lines
