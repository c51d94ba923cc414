"""The rules that a run broke, each linked to its page, which is part of the package and opens below."""

from html import escape

from IPython.display import HTML

from byok_bench.checks.pages import page
from byok_bench.report.matrix import matrix
from byok_bench.runs.results import Run


def findings(run: Run) -> HTML:
    """check × endpoint with links: a click on a rule leads to what it says, why, and to bad and good examples."""
    table = matrix(run)
    head = "".join(f"<th>{escape(str(name))}</th>" for name in ("check", *table.columns))
    rows = "".join(
        f"<tr><td style='text-align:left'><a href='#{anchor(check)}'>{escape(check)}</a></td>"
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in cells)
        + "</tr>"
        for check, cells in zip(table.index, table.itertuples(index=False), strict=True)
    )
    pages = "".join(
        f"<details id='{anchor(check)}'><summary>{escape(check)}</summary>"
        f"<pre style='white-space:pre-wrap'>{escape(page(check))}</pre></details>"
        for check in table.index
    )
    return HTML(  # type: ignore[no-untyped-call]
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{pages}"
    )


def anchor(check: str) -> str:
    """The id of a rule's page within the output."""
    return f"byok-check-{check.replace('.', '-')}"
