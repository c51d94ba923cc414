"""What went wrong in a run: kind, whether and when to send again, what the server said, what a client should do."""

from collections.abc import Mapping

from IPython.display import HTML

from byok_bench.report import evidence
from byok_bench.report.answer_index import list_answers_of_failure
from byok_bench.report.table_text import NA, render_cell
from byok_bench.runs.results import Run
from byok_bench.ui.answer_links import render_answer_link
from byok_bench.ui.html_table import escape_lines, render_html_table, render_small_print

EXPLAINED = "again: may the same request be sent again. wait: as long as the server asked for. Kinds: docs/errors.md."

WANTED = "As wanted: it had to be refused."


def render_failures(run: Run) -> HTML:
    """One line for each endpoint, scenario and kind of failure; what a server said is escaped.

    Refusals that were wanted come last, and are not red.
    """
    found = evidence.list_failures(run)
    if not found:
        return HTML(render_small_print("Nothing failed."))  # type: ignore[no-untyped-call]
    several = len({one["scenario"] for one in found}) > 1
    table = [
        {
            "endpoint": one["endpoint"],
            **({"scenario": one["scenario"]} if several else {}),
            "n": render_cell(one["n"]),
            "kind": one["kind"],
            "status": render_cell(one["status"]),
            "phase": one["phase"] or NA,
            "again": "yes" if one["retryable"] else "no",
            "wait s": NA if one["delay_s"] is None else f"{one['delay_s']:g}",
        }
        for one in found
    ]
    opened = {id(line): one for line, one in zip(table, found, strict=True)}

    def link(line: Mapping[str, str], name: str) -> str:
        if name != "n":
            return ""
        one = opened[id(line)]
        answers = list_answers_of_failure(run, one)
        about = f"{one['kind']}, {one['endpoint']}, {one['scenario']}: open the answers"
        return render_answer_link(line[name], run, answers, about=about)

    def say(line: Mapping[str, str]) -> str:
        one = opened[id(line)]
        said = f"<b>It said:</b> {escape_lines(one['message']) if one['message'] else NA}<br>"
        if one["as_wanted"]:
            return f"{said}{WANTED}"
        return f"{said}<b>What a client should do:</b> {escape_lines(one['advice'])}"

    page = render_html_table(
        table, bad=lambda line: () if opened[id(line)]["as_wanted"] else ("n",), link=link, below=say
    )
    return HTML(render_small_print(EXPLAINED) + page)  # type: ignore[no-untyped-call]
