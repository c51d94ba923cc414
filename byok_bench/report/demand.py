"""What a notebook demands of the endpoints that a team names in it, so that running it is a test of them.

`assert not find_unmet(run, MINE, DEMAND)` is the last cell's test. A refusal that an error scenario asks for is an
answer; whether a model said what was expected is in the tables and no demand.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from byok_bench.errors import PlanError
from byok_bench.report.printable_text import to_printable_line
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

DEMANDS: Final = ("answers", "no errors", "nothing")
"""Every prompt is answered; and no answer has a finding of severity error; anything goes."""
LONGEST_MESSAGE: Final = 200


def find_unmet(run: Run, labels: Sequence[str], demand: str = "answers") -> list[str]:
    """One sentence for each thing that the endpoints with these labels owe to the demand; empty if it is met.

    A run that is not over owes its answers, and so does an endpoint that is not in it. Raises PlanError for a demand
    that is none.
    """
    if demand not in DEMANDS:
        raise PlanError(f"no demand {demand!r}; there are {', '.join(DEMANDS)}", code="bad_demand")
    if demand == "nothing":
        return []
    return [said for label in dict.fromkeys(labels) for said in _describe_unmet(run, label, demand)]


def _describe_unmet(run: Run, label: str, demand: str) -> Iterator[str]:
    names = {index: target.name for index, target in enumerate(run.plan.targets) if target.label == label}
    if not names:
        have = ", ".join(dict.fromkeys(target.label for target in run.plan.targets))
        yield f"{label} is not in this run; it has {have}"
    for index, name in names.items():
        rows = [row for row in run.rows if row.target == index and not row.is_warmup]
        yield from _describe_unanswered(name, rows)
        if demand == "no errors":
            yield from _describe_broken_rules(name, rows)


def _describe_unanswered(name: str, rows: Sequence[Row]) -> Iterator[str]:
    waiting = sum(row.status in ("planned", "sent") for row in rows)
    if waiting:
        yield f"{name}: {waiting} exchanges were not played, so nothing is known of them"
    asked = [row for row in rows if row.status in ("done", "failed") and not row.caused_by_us]
    silent = [row for row in asked if is_unanswered(row)]
    if silent:
        (kind, phase), count = Counter((row.kind, row.phase) for row in silent).most_common(1)[0]
        words = next((row.message for row in silent if (row.kind, row.phase) == (kind, phase)), "") or ""
        yield (
            f"{name}: {len(silent)} of {len(asked)} exchanges have no answer; {kind} ({phase}) ×{count}: "
            f"{to_printable_line(words)[:LONGEST_MESSAGE]}"
        )
    if not asked and not waiting:
        yield f"{name} was asked nothing: every scenario was left out"


def is_unanswered(row: Row) -> bool:
    """Whether an exchange has no good answer; where a mistake was made, whether it has none at all."""
    if row.wants_failure:
        return row.status == "failed" and row.http_status is None
    return row.status != "done" or row.kind is not None


def _describe_broken_rules(name: str, rows: Sequence[Row]) -> Iterator[str]:
    found = Counter(
        finding.check for row in rows if not row.caused_by_us for finding in row.findings if finding.severity == "error"
    )
    if found:
        told = ", ".join(f"{check} ×{count}" for check, count in found.most_common())
        yield f"{name}: rules of severity error were broken: {told}"
