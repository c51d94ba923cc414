"""What to fix: one fold for each rule that an endpoint broke and each way in which it failed, worst first.

Each says why it matters, which clients break, where it is in the bytes, and what a person should do; the exchanges
behind it have anchors, to which the cards link.
"""

from collections.abc import Iterable
from html import escape
from typing import Final

import msgspec

from byok_bench.checks.client_effects import describe_effects, find_client_effects
from byok_bench.checks.registry import select_checks
from byok_bench.report.evidence import Evidence, is_wanted_refusal, list_evidence, list_failures, name_targets
from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.table_parts import Line, shorten_message
from byok_bench.runs.results import Run

SEVERITIES: Final = ("error", "warn", "info")
NAMED_EXCHANGES: Final = 20
"""Of one fold; the rest is counted."""
LONGEST: Final = 400
"""Characters of a server's words."""


class Fix(msgspec.Struct, frozen=True, kw_only=True):
    """One fold of the section."""

    endpoint: str
    title: str
    severity: str
    facts: tuple[tuple[str, str], ...]
    """Heading → text; `bytes` is set in a fixed width."""
    exchanges: tuple[int, ...]
    count: int


def list_fixes(run: Run) -> list[Fix]:
    """Failures first, then rules that were broken, errors before warnings; what is good to know is left to tables."""
    fixes = [_make_failure_fix(run, line) for line in list_failures(run) if not line["as_wanted"]]
    grouped: dict[tuple[str, str, str], list[Evidence]] = {}
    for one in list_evidence(run, limit=None):
        if one.severity != "info":
            grouped.setdefault((one.severity, one.endpoint, one.check), []).append(one)
    ranked = sorted(grouped, key=lambda key: (SEVERITIES.index(key[0]), -len(grouped[key])))
    return [*fixes, *(_make_rule_fix(grouped[key]) for key in ranked)]


def render_fixes(fixes: Iterable[Fix]) -> str:
    """The section; nothing to fix is a result, too."""
    anchored: set[int] = set()
    drawn = "".join(_render_fix(fix, anchored) for fix in fixes)
    return drawn or '<p class="caption">Nothing failed, and no rule of severity error or warn was broken.</p>'


def list_anchors(fixes: Iterable[Fix]) -> set[int]:
    """Exchanges that a link can lead to."""
    return {one for fix in fixes for one in fix.exchanges}


def _make_rule_fix(found: list[Evidence]) -> Fix:
    first, rule = found[0], select_checks([found[0].check])[0]
    place = "" if first.event is None else f" (event {first.event}, byte {first.offset})"
    facts = [
        ("why it matters", rule.why),
        ("who breaks", describe_effects(find_client_effects(rule.id))),
        ("seen", f"{shorten_message(first.message, LONGEST)}{place}"),
        ("bytes", first.excerpt),
    ]
    exchanges = tuple(dict.fromkeys(one.exchange_id for one in found))
    return Fix(
        endpoint=first.endpoint,
        title=f"{first.check}: {rule.title}",
        severity=first.severity,
        facts=tuple((name, text) for name, text in facts if text),
        exchanges=exchanges[:NAMED_EXCHANGES],
        count=len(exchanges),
    )


def _make_failure_fix(run: Run, line: Line) -> Fix:
    names = name_targets(run)
    rows = [
        row
        for row in run.rows
        if not (row.is_warmup or row.caused_by_us or is_wanted_refusal(row)) and row.kind == line["kind"]
        if names[row.target] == line["endpoint"] and row.scenario == line["scenario"]
    ]
    status = f", status {line['status']}" if line["status"] else ""
    facts = [
        ("the server's words", shorten_message(line["message"] or "", LONGEST)),
        ("what to do", line["advice"]),
        ("asked", f"{line['scenario']}{status}, in phase {line['phase']}"),
    ]
    return Fix(
        endpoint=line["endpoint"],
        title=f"failed: {line['kind']} in {line['scenario']}",
        severity="error",
        facts=tuple((name, text) for name, text in facts if text),
        exchanges=tuple(row.exchange_id for row in rows[:NAMED_EXCHANGES]),
        count=len(rows),
    )


def _render_fix(fix: Fix, anchored: set[int]) -> str:
    """The fold; an exchange has its anchor where it is named first."""
    facts = "".join(f"<dt>{_escape_text(name)}</dt><dd>{_render_fact(name, text)}</dd>" for name, text in fix.facts)
    anchors = ", ".join(str(one) if one in anchored else f'<span id="x{one}">{one}</span>' for one in fix.exchanges)
    anchored.update(fix.exchanges)
    more = f" and {fix.count - len(fix.exchanges)} more" if fix.count > len(fix.exchanges) else ""
    return (
        f'<details class="fix {fix.severity}"><summary><b>{_escape_text(fix.endpoint)}</b> '
        f'<span class="severity">{fix.severity}</span> {_escape_text(fix.title)} '
        f'<span class="count">×{fix.count}</span></summary>'
        f"<dl>{facts}<dt>exchanges</dt><dd>{anchors}{more}</dd></dl></details>"
    )


def _render_fact(name: str, text: str) -> str:
    return f"<pre>{_escape_text(text)}</pre>" if name == "bytes" else _escape_text(text)


def _escape_text(value: str) -> str:
    return escape(to_printable_line(value))
