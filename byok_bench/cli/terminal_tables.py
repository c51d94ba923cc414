"""The tables of a run in a terminal."""

import os
from collections.abc import Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from byok_bench.runs.results import DETAILS, TABLES, Run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from byok_bench.report.table_parts import Line
    from byok_bench.report.table_text import TextLine
    from byok_bench.report.thresholds import Thresholds

FIRST_LIGHT: Final = ("latency", "streaming", "errors")
WIDTH: Final = 100
"""Columns where nothing says how wide it is."""
FOLDING: Final = ("endpoint", "model", "findings", "seen", "family", "verdict", "b", "a", "what")
"""Columns that may take several lines where it is narrow."""
PAIRED: Final = ("family", "excluded")
"""Columns of a comparison that go behind those of EXPENDABLE."""
FOLDED: Final = (20, 10)
"""Characters that such a column keeps, if it has as many; the second where all else was left out."""
INDENT: Final = "  "
GAP: Final = 2


def print_tables(
    run: Run,
    names: Sequence[str] = FIRST_LIGHT,
    thresholds: "Thresholds | None" = None,
    *,
    to_stdout: bool = False,
    judged: bool = True,
) -> None:
    """Print the verdicts and tables of a run for a person: on stderr, or on stdout if they are what was asked for.

    A table is printed if it has a line. `judged`: with the verdicts; without them the tables were asked for by name,
    and one that is empty is told.
    """
    from byok_bench.cli.verdict_lines import print_verdicts
    from byok_bench.report.run_notes import list_run_notes
    from byok_bench.report.table_text import CAPTIONS, LEGEND, TITLES, describe_folded_columns, render_narrow_lines
    from byok_bench.report.tables import list_table_lines

    console = make_console(to_stdout=to_stdout)
    if judged:
        print_verdicts(run, thresholds, console)
    for name in names:
        lines = list_table_lines(run, name)
        if lines:
            caption = " ".join(part for part in (CAPTIONS[name], describe_folded_columns(lines, name)) if part)
            print_lines(console, render_narrow_lines(lines, name), TITLES[name], caption)
        elif not judged:
            console.print(to_rich_text(f"{TITLES[name]}: this run has nothing that it is about."))
    console.print(to_rich_text(LEGEND), style="dim")
    for told in list_run_notes(run):
        console.print(to_rich_text(f"! {told}"), style="yellow")


def make_tables_document(
    run: Run, names: Sequence[str] = (*TABLES, *DETAILS), thresholds: "Thresholds | None" = None
) -> dict[str, Any]:
    """The run, its verdicts and its tables, JSON-ready; null for what is NA."""
    from byok_bench.cli.verdict_lines import make_verdicts_document
    from byok_bench.report.columns import TABLES_VERSION
    from byok_bench.report.run_notes import list_run_notes
    from byok_bench.report.tables import list_table_lines

    return {
        "version": TABLES_VERSION,
        "run": run.id,
        "status": run.status,
        "created": run.created,
        "store": str(run.path),
        "notes": list_run_notes(run),
        **make_verdicts_document(run, thresholds),
        "tables": {name: list_table_lines(run, name) for name in names},
    }


def print_comparison(made: "Sequence[Line]", title: str, notes: Sequence[str] = ()) -> None:
    """Print on stdout what changed, in words; then one table for each pair of targets, and notes on the two runs."""
    from byok_bench.report.comparison_sentences import describe_changes
    from byok_bench.report.table_text import render_narrow_comparison

    console = make_console(to_stdout=True)
    for sentence in describe_changes(made):
        console.print(to_rich_text(sentence))
    console.print()
    for target, part in groupby(made, itemgetter("target")):
        print_lines(console, render_narrow_comparison(list(part)), f"{title}: {target}", "")
    for told in notes:
        console.print(to_rich_text(f"! {told}"), style="yellow")


def print_plain_table(made: "Sequence[Line]", title: str, caption: str) -> None:
    """Print a table that belongs to no run, on stdout."""
    from byok_bench.report.table_text import render_wide_lines

    print_lines(make_console(to_stdout=True), render_wide_lines(made), title, caption)


def make_console(*, to_stdout: bool) -> "Console":
    from rich.console import Console

    console = Console(stderr=not to_stdout, highlight=False)
    told = console.is_terminal or "COLUMNS" in os.environ
    return console if told else Console(stderr=not to_stdout, highlight=False, width=WIDTH)


def print_lines(console: "Console", lines: "Sequence[TextLine]", title: str, caption: str) -> None:
    """One table, whatever the width: an endpoint heads its lines, and columns that do not fit are left out."""
    from byok_bench.report.columns import get_heading

    names = list(lines[0]) if lines else []
    first = next((name for name in ("scenario", "load", "by") if name in names), None)
    heads = [name for name in ("endpoint", "model", "load") if name in names and name != first and first]
    indent = INDENT if heads else ""
    body = [
        {name: f"{indent}{line[name]}" if name == first else line[name] for name in names if name not in heads}
        for line in lines
    ]
    columns = _choose_columns(body, console.width)
    console.print(to_rich_text(title), style="bold")
    console.print(_draw_table([], columns, head=True))
    before = None
    for whole, line in zip(lines, body, strict=True):
        place = " · ".join(whole[name] for name in heads)
        if place and place != before:
            console.print(to_rich_text(place), style="bold", overflow="fold")
        before = place
        console.print(_draw_table([line], columns, head=False))
    shown = {*heads, *(column.name for column in columns)}
    gone = [name for name in names if name not in shown]
    left_out = f"Not at this width: {', '.join(map(get_heading, gone))}." if gone else ""
    console.print(to_rich_text(f"{caption} {left_out}".strip()), style="dim")
    console.print()


class Column(NamedTuple):
    """One column as it is printed."""

    name: str
    width: int
    right: bool


def _choose_columns(lines: "Sequence[TextLine]", room: int) -> list[Column]:
    """The columns that are shown: those that may be done without go first, then text is folded."""
    from rich.cells import cell_len

    from byok_bench.report.columns import get_heading
    from byok_bench.report.table_text import EXPENDABLE, is_number

    cells = {name: [line[name] for line in lines] for name in (lines[0] if lines else ())}
    widths = {
        name: max(cell_len(part) for cell in [get_heading(name), *column] for part in cell.split("\n"))
        for name, column in cells.items()
    }

    def over() -> int:
        return sum(widths.values()) + GAP * (len(widths) - 1) - room

    for name in (*EXPENDABLE, *(PAIRED if "difference" in widths else ())):
        if name in widths and over() - sum(max(0, widths.get(text, 0) - FOLDED[0]) for text in FOLDING) > 0:
            del widths[name]
    for least in FOLDED:
        for name in FOLDING:
            if name in widths and over() > 0:
                widths[name] = max(widths[name] - over(), min(widths[name], least))
    return [Column(name, width, is_number(cells[name])) for name, width in widths.items()]


def _draw_table(lines: Sequence[Mapping[str, str]], columns: Sequence[Column], *, head: bool) -> "Table":
    from rich import box
    from rich.table import Table

    from byok_bench.report.columns import get_heading
    from byok_bench.report.table_text import find_alarming_columns

    drawn = Table(
        box=box.SIMPLE_HEAD if head else None,
        show_header=head,
        show_edge=False,
        pad_edge=False,
        padding=(0, GAP - 1 if head else GAP, 0, 0),  # the box of the head has a space of its own
    )
    for name, width, right in columns:
        drawn.add_column(get_heading(name), justify="right" if right else "left", width=width, overflow="fold")
    for line in lines:
        bad = find_alarming_columns(line)
        drawn.add_row(*(to_rich_text(line[name], "red" if name in bad else "") for name, _, _ in columns))
    return drawn


def to_rich_text(text: str, style: str = "") -> "Text":
    """Text as it is: no markup, and no terminal control that a server could have put there."""
    from rich.text import Text

    from byok_bench.report.printable_text import to_printable_line

    return Text("\n".join(map(to_printable_line, text.split("\n"))), style=style)
