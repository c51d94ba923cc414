"""Which answers stand behind a number of a table: the way from a red cell to what happened."""

from collections.abc import Callable, Mapping
from typing import Final

from byok_bench.report.evidence import is_wanted_refusal
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.table_parts import ASKED, Line
from byok_bench.report.tables import AGENT
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

COUNTED: Final[Mapping[str, Callable[[Row], bool]]] = {
    "failed": lambda row: row.kind is not None,
    "errors": lambda row: any(one.severity == "error" for one in row.findings),
    "warnings": lambda row: any(one.severity == "warn" for one in row.findings),
    "findings": lambda row: any(one.severity != "info" for one in row.findings),
    "as_wanted": lambda row: row.outcome not in (None, "ok", "excluded"),
    "ok": lambda row: row.outcome not in (None, "ok", "excluded"),
}
"""Column → which of the answers of its line one wants to see behind it."""


def list_answers_behind(run: Run, line: Mapping[str, str], column: str) -> list[int]:
    """Exchange ids behind a cell of a table, by its line's endpoint, model and scenario as far as it has them.

    Empty for a column that counts no answers.
    """
    counted = COUNTED.get(column)
    return [] if counted is None else [row.exchange_id for row in _iterate_rows(run, line) if counted(row)]


def list_answers_of_failure(run: Run, line: Line) -> list[int]:
    """Exchange ids behind a line of `list_failures`."""
    return [
        row.exchange_id
        for row in _iterate_rows(run, {"endpoint": line["endpoint"], "scenario": line["scenario"]})
        if row.kind == line["kind"] and not row.caused_by_us and is_wanted_refusal(row) is line["as_wanted"]
    ]


def list_answers_breaking(run: Run, target: int, check: str) -> list[int]:
    """Exchange ids of a target that broke a rule."""
    rows = [row for row in run.iterate_rows() if not row.is_warmup and row.target == target and row.status in ASKED]
    return [row.exchange_id for row in rows if any(one.check == check for one in row.findings)]


def _iterate_rows(run: Run, line: Mapping[str, str]) -> list[Row]:
    scenario, model = line.get("scenario"), line.get("model")
    targets = {
        at
        for at, target in enumerate(run.plan.targets)
        if line["endpoint"] in (replace_surrogates(target.label), replace_surrogates(target.name))
        and model in (None, replace_surrogates(target.alias or target.model))
    }
    return [
        row
        for row in run.iterate_rows()
        if row.target in targets
        and not row.is_warmup
        and row.status in ASKED
        and (scenario in (None, row.scenario) or (scenario == AGENT and not row.wants_failure))
    ]
