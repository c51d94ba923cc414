"""The matrix check × endpoint, evidence and failures as DataFrames."""

from collections import Counter
from typing import Any

import msgspec
import pandas as pd

from byok_bench.checks.registry import Check, is_about, load_catalogue
from byok_bench.report.evidence import Evidence, list_failures, name_targets
from byok_bench.report.selections import select_measured
from byok_bench.report.table_parts import ASKED
from byok_bench.runs.results import Run


def make_rule_matrix(run: Run, *, broken_only: bool = True) -> pd.DataFrame:
    """How many exchanges of each endpoint broke each rule; index: check id, columns: severity and endpoints.

    0 means judged and clean, NA that no answer of the endpoint is one that the rule is about. With `broken_only`,
    only rules that somebody broke; else every passive rule.
    """
    counts: Counter[tuple[str, int]] = Counter()
    forms: dict[int, set[bool]] = {}
    for row in run.iterate_rows():
        if not row.is_warmup and row.status in ASKED:
            counts.update((check, row.target) for check in {finding.check for finding in row.findings})
            forms.setdefault(row.target, set()).add(row.streamed)
    names = name_targets(run)
    passive = [check for check in load_catalogue() if check.mode == "passive"]
    shown = [one for one in passive if not broken_only or any(counts[one.id, at] for at in range(len(names)))]
    data: dict[str, Any] = {"severity": [one.severity for one in shown]}
    for at, name in enumerate(names):
        schema = run.plan.targets[at].schema
        judged = [any(is_about(one, schema, streamed) for streamed in forms.get(at, ())) for one in shown]
        cells = [counts[one.id, at] if is_judged else None for one, is_judged in zip(shown, judged, strict=True)]
        data[name] = pd.array(cells, dtype="Int64")
    return pd.DataFrame(data, index=pd.Index([one.id for one in shown], name="check"))


def count_judged_answers(run: Run, check: Check, target: int) -> int:
    """How many answers of a target the rule is about, warm-up left out."""
    schema = run.plan.targets[target].schema
    asked = select_measured(run).select("target", target).select("status", *ASKED).count_values("streamed")
    return sum(count for streamed, count in asked.items() if is_about(check, schema, streamed))


def make_evidence_frame(found: list[Evidence]) -> pd.DataFrame:
    """Evidence as rows."""
    return pd.DataFrame([msgspec.structs.asdict(one) for one in found], columns=list(Evidence.__struct_fields__))


def make_error_frame(run: Run) -> pd.DataFrame:
    """Failures as rows."""
    return pd.DataFrame(list_failures(run))
