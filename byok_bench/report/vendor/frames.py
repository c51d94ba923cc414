"""vendor(): the comparison as a DataFrame."""

from collections.abc import Mapping, Sequence

import pandas as pd

from byok_bench.report.evidence import name_targets
from byok_bench.report.frames import make_line_frame
from byok_bench.report.run_notes import list_run_notes
from byok_bench.report.vendor.comparison import choose_sides, list_vendor_lines
from byok_bench.report.vendor.details import count_finishes
from byok_bench.runs.results import Run


def vendor(
    run: Run | str,
    reference: str | None = None,
    candidates: str | Sequence[str] = (),
    margins: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Candidates beside a reference of the same run, one row a candidate and metric.

    Columns: endpoint, reference, metric, value with low and high, n (prompts), floor (the reference beside itself, or
    its own number), difference (candidate − floor, which is judged) with its ends, margin, verdict (pass, fail,
    undecided; None where nothing is judged), family (the verdict at 1 − 0.05 ÷ judged metrics), needed (prompts more
    until it is decided) and needed_cost. `attrs` has `finish`, the confusion matrix of finish reasons by candidate, and
    `notes`. Without `reference` it is the first target; `candidates`, one or several, are all others. `margins`: by
    metric, or `rates` (0.03 if not given) and `times` (0.10). Definitions: docs/vendor.md. Raises PlanError for a name
    that is none, and for a reference that answered nothing.
    """
    opened = Run.open(run) if isinstance(run, str) else run
    made = make_line_frame(list_vendor_lines(opened, reference, candidates, margins))
    sides, names = choose_sides(opened, reference, candidates), name_targets(opened)
    made.attrs["finish"] = {
        names[one]: count_finishes(sides.by_target[sides.reference], sides.by_target[one]) for one in sides.candidates
    }
    made.attrs["notes"] = list_run_notes(opened)
    return made
