"""What to fix: one fold for each way in which an endpoint failed, rule that it broke and prompt that it did not meet.

Each says why it matters, which clients break, where it is in the bytes, and what a person should do; the exchanges
behind it have anchors, to which the cards link.
"""

from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

import msgspec

from byok_bench.checks.client_effects import describe_effects, find_client_effects
from byok_bench.checks.registry import select_checks
from byok_bench.report.evidence import (
    NAMED_EXCHANGES,
    Evidence,
    FailureGroup,
    choose_row_advice,
    group_failures,
    iterate_findings,
    make_evidence,
    name_targets,
)
from byok_bench.report.printable_text import replace_surrogates, to_printable_line
from byok_bench.report.table_parts import shorten_message
from byok_bench.runs.results import Run

SEVERITIES: Final = ("error", "warn", "info")
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
    """Failures first, then rules that were broken and what was not as expected, errors before warnings; what is good
    to know is left to tables.
    """
    fixes = [_make_failure_fix(run, group) for group in group_failures(run) if not group.as_wanted]
    broken = _list_broken_rules(run)
    ranked = sorted(broken, key=lambda one: -one.hits)
    rest = [*map(_make_rule_fix, ranked), *_iterate_unmet_fixes(run)]
    return [*fixes, *sorted(rest, key=lambda fix: SEVERITIES.index(fix.severity))]


class _BrokenRule(msgspec.Struct, kw_only=True):
    """A rule and an endpoint that broke it."""

    first: Evidence
    hits: int = 0
    exchanges: list[int]
    """Ids of the first ones."""
    last: int = 0
    """The exchange that was counted last: one may break a rule several times."""
    count: int = 0


def _list_broken_rules(run: Run) -> list[_BrokenRule]:
    """In the order in which they were broken; only the first exchange of each is opened."""
    found: dict[tuple[str, int, str], _BrokenRule] = {}
    for row, findings in iterate_findings(run):
        for finding in findings:
            place = finding.severity, row.target, finding.check
            if finding.severity != "info" and place not in found:
                exchange = run.find_exchange(row.exchange_id)
                if exchange is not None:
                    found[place] = _BrokenRule(first=make_evidence(run, row, exchange, finding), exchanges=[])
            if place in found:
                _count_hit(found[place], row.exchange_id)
    return list(found.values())


def _count_hit(rule: _BrokenRule, exchange: int) -> None:
    rule.hits += 1
    if exchange != rule.last:
        rule.last = exchange
        rule.count += 1
        rule.exchanges += [exchange] if len(rule.exchanges) < NAMED_EXCHANGES else []


def render_fixes(fixes: Iterable[Fix]) -> str:
    """The section; nothing to fix is a result, too."""
    anchored: set[int] = set()
    drawn = "".join(_render_fix(fix, anchored) for fix in fixes)
    return drawn or '<p class="caption">Nothing failed, and no rule of severity error or warn was broken.</p>'


def list_anchors(fixes: Iterable[Fix]) -> set[int]:
    """Exchanges that a link can lead to."""
    return {one for fix in fixes for one in fix.exchanges}


def _make_rule_fix(broken: _BrokenRule) -> Fix:
    first, rule = broken.first, select_checks([broken.first.check])[0]
    place = "" if first.event is None else f" (event {first.event}, byte {first.offset})"
    facts = [
        ("why it matters", rule.why),
        ("who breaks", describe_effects(find_client_effects(rule.id))),
        ("seen", f"{shorten_message(first.message, LONGEST)}{place}"),
        ("bytes", first.excerpt),
    ]
    return Fix(
        endpoint=first.endpoint,
        title=f"{first.check}: {rule.title}",
        severity=first.severity,
        facts=tuple((name, text) for name, text in facts if text),
        exchanges=tuple(broken.exchanges),
        count=broken.count,
    )


def _make_failure_fix(run: Run, group: FailureGroup) -> Fix:
    row = group.first
    status = f", status {row.http_status}" if row.http_status else ""
    facts = [
        ("the server's words", shorten_message(replace_surrogates(row.message) or "", LONGEST)),
        ("what to do", choose_row_advice(run, row, route_answered=group.route_answered)),
        ("asked", f"{row.scenario}{status}, in phase {row.phase}"),
    ]
    return Fix(
        endpoint=name_targets(run)[row.target],
        title=f"failed: {row.kind} in {row.scenario}",
        severity="error",
        facts=tuple((name, text) for name, text in facts if text),
        exchanges=tuple(group.exchanges),
        count=group.count,
    )


class _UnmetPrompt(msgspec.Struct, kw_only=True):
    """Answers of an endpoint to a scenario that came and were not what it expects."""

    why: dict[str, None]
    """What was not met, each once."""
    exchanges: list[int]
    """Ids of the first ones."""
    count: int = 0


def _iterate_unmet_fixes(run: Run) -> Iterator[Fix]:
    """One for each endpoint and scenario of which an answer came and was not as expected."""
    names, titles = name_targets(run), {one.name: one.title for one in run.plan.scenarios}
    found: dict[tuple[int, str], _UnmetPrompt] = {}
    for row in run.iterate_rows():
        if row.outcome == "unmet" and row.kind is None and not row.is_warmup:
            unmet = found.setdefault((row.target, row.scenario), _UnmetPrompt(why={}, exchanges=[]))
            unmet.count += 1
            if len(unmet.exchanges) < NAMED_EXCHANGES:
                unmet.exchanges.append(row.exchange_id)
                unmet.why |= dict.fromkeys(row.why)
    for (target, scenario), unmet in found.items():
        facts = (
            ("not met", shorten_message("; ".join(unmet.why), LONGEST)),
            ("asked", titles.get(scenario, scenario)),
        )
        yield Fix(
            endpoint=names[target],
            title=f"not as expected: {scenario}",
            severity="warn",
            facts=tuple((name, text) for name, text in facts if text),
            exchanges=tuple(unmet.exchanges),
            count=unmet.count,
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
