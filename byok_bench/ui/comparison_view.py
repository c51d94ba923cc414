"""A comparison in a notebook: what changed in words, then the table."""

from collections.abc import Sequence

from IPython.display import HTML

from byok_bench.report.comparison_lines import AT_LEAST, METRICS, Question, list_differences, resolve_run
from byok_bench.report.comparison_page import render_comparison_part
from byok_bench.report.run_notes import list_comparison_notes
from byok_bench.runs.results import Run


def render_comparison(
    run_a: Run | str,
    run_b: Run | str,
    *,
    a: str | None = None,
    b: str | Sequence[str] | None = None,
    metrics: Sequence[str] = METRICS,
    at_least: float = AT_LEAST,
) -> HTML:
    """`bb.compare` as people read it, by the same arguments: sentences first, worst first, then the table."""
    first, second = resolve_run(run_a), resolve_run(run_b)
    others = (b,) if isinstance(b, str) else tuple(b or ())
    lines = list_differences(first, second, Question(a=a, b=others, metrics=tuple(metrics), at_least=at_least))
    notes = list_comparison_notes(first, second, same_endpoints=others in ((), (a,)))
    return HTML(render_comparison_part(lines, notes))  # type: ignore[no-untyped-call]
