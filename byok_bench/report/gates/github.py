"""Verdicts for GitHub Actions: lines that annotate a job, and the Markdown of its summary.

Workflow commands: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

from collections.abc import Iterator, Sequence
from typing import Final

from byok_bench.report.gates.judged_rules import Judged
from byok_bench.report.printable_text import to_printable_line

_LEVELS: Final = {"fail": "error", "undecided": "warning"}
_WORDS: Final = {"fail": "failed", "undecided": "undecided", "pass": "passed"}
_ESCAPES: Final = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_OF_PROPERTIES: Final = {":": "%3A", ",": "%2C"}


def list_annotations(judged: Sequence[Judged]) -> Iterator[str]:
    """`::error` for what failed, `::warning` for what is undecided."""
    for one in judged:
        if one.counts_as in _LEVELS:
            title = _escape(f"{one.rule}: {one.endpoint}", _ESCAPES | _OF_PROPERTIES)
            yield f"::{_LEVELS[one.counts_as]} title={title}::{_escape(one.sentence, _ESCAPES)}"


def _escape(text: str, escapes: dict[str, str]) -> str:
    return "".join(escapes.get(character, character) for character in to_printable_line(text))


def render_job_summary(run_id: str, judged: Sequence[Judged], against: str | None = None) -> str:
    """Markdown: what fell short and what is undecided in words, then all of it as a table."""
    counts = [f"{sum(one.counts_as == word for one in judged)} {told}" for word, told in _WORDS.items()]
    beside = f" against `{_clean(against)}`" if against else ""
    lines = [f"### byok-bench gate: run `{run_id}`{beside}", "", f"{', '.join(counts)}.", ""]
    lines += [
        f"- **{_WORDS[one.counts_as]}** {_clean(one.rule)}: {_clean(one.sentence)}"
        for verdict in ("fail", "undecided")
        for one in judged
        if one.counts_as == verdict
    ]
    lines += ["", "| rule | endpoint | verdict | value | 95 % interval | n |", "|---|---|---|---|---|---|"]
    lines += [_render_line(one) for one in judged]
    return "\n".join(lines) + "\n"


def _render_line(one: Judged) -> str:
    ends = "" if one.low is None or one.high is None else f"{one.low:.4g} to {one.high:.4g}"
    value = "" if one.value is None else f"{one.value:.4g} {one.unit}".strip()
    who = f"{one.endpoint} · {one.model}"
    return f"| {_clean(one.rule)} | {_clean(who)} | {one.verdict} | {value} | {ends} | {one.n} |"


def _clean(text: str) -> str:
    """As text of a cell, not as Markdown."""
    shown = to_printable_line(text)
    for character in "\\|<>`*_[]":
        shown = shown.replace(
            character, f"\\{character}" if character not in "<>" else {"<": "&lt;", ">": "&gt;"}[character]
        )
    return shown
