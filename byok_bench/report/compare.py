"""compare(): two runs, or targets of one, difference by difference, as a DataFrame."""

from collections.abc import Sequence

import pandas as pd

from byok_bench.report.comparison_lines import AT_LEAST, METRICS, Question, list_differences, resolve_run
from byok_bench.report.comparison_sentences import describe_changes
from byok_bench.report.run_notes import list_comparison_notes
from byok_bench.runs.results import Run

_NUMBERS = ("a", "b", "difference", "low", "high", "difference_percent")


def compare(
    run_a: Run | str,
    run_b: Run | str,
    *,
    a: str | None = None,
    b: str | Sequence[str] | None = None,
    metrics: str | Sequence[str] = METRICS,
    at_least: float = AT_LEAST,
) -> pd.DataFrame:
    """Differences B − A as a DataFrame, one line for each pair of targets, scenario and metric; failures first.

    Targets pair by endpoint and model; two runs with one target each pair whatever they are called. `a` names an
    endpoint of the first run, `b` one or several of the second, for example of the same run. `metrics`: failures,
    ttft_ms, e2e_ms, tpot_ms, itl_ms. `at_least`: the smallest relative change of a time that is called one. Columns:
    docs/metrics.md; `attrs["changes"]` says in words what changed, worst first, and `attrs["notes"]` what a reader has
    to know of both runs. Raises PlanError if nothing pairs, or one side has failures alone.
    """
    first, second = resolve_run(run_a), resolve_run(run_b)
    others = (b,) if isinstance(b, str) else tuple(b or ())
    asked = Question(
        a=a, b=others, metrics=(metrics,) if isinstance(metrics, str) else tuple(metrics), at_least=at_least
    )
    lines = list_differences(first, second, asked)
    made = pd.DataFrame(lines).astype(dict.fromkeys(_NUMBERS, "Float64"))
    made.attrs["changes"] = describe_changes(lines)
    made.attrs["notes"] = list_comparison_notes(first, second, same_endpoints=others in ((), (a,)))
    return made
