"""The tables of a run in a terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from byok_bench.runs.results import TABLES, Run

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

FIRST_LIGHT: Final = ("latency", "streaming", "errors")
FOLDED: Final = {"endpoint": 18, "model": 18, "findings": 36, "seen": 24, "status": 12, "verdict": 13}
"""Columns that may take several lines, and how wide they get."""
LEAST: Final = 10
"""Characters that a column keeps, if it has as many, when the terminal is too narrow for all."""
WIDTH: Final = 100
"""Columns at least, where the terminal does not say how wide it is."""


def print_tables(run: Run, names: Sequence[str] = FIRST_LIGHT, *, to_stdout: bool = False) -> None:
    """Print tables of a run for a person: on stderr, or on stdout if they are what was asked for."""
    from byok_bench.report.shown import CAPTIONS, TITLES, narrow
    from byok_bench.report.tables import notes, table

    console = _console(to_stdout=to_stdout)
    for name in names:
        console.print(_drawn(narrow(table(run, name), name), TITLES[name], CAPTIONS[name]))
    for told in notes(run):
        console.print(f"! {plain(told)}", style="yellow", markup=False, highlight=False)


def tables_json(run: Run, names: Sequence[str] = TABLES) -> dict[str, Any]:
    """The run and its tables, JSON-ready; null for what is NA."""
    from byok_bench.report.export import records
    from byok_bench.report.tables import notes, table

    return {
        "version": 1,
        "run": run.id,
        "status": run.status,
        "created": run.created,
        "store": str(run.path),
        "notes": notes(run),
        "tables": {name: records(table(run, name)) for name in names},
    }


def print_comparison(made: Any, title: str) -> None:
    """Print what compare() made on stdout: one table for each pair of targets."""
    from byok_bench.report.shown import narrow_comparison

    console = _console(to_stdout=True)
    for target, part in made.groupby("target", sort=False):
        console.print(_drawn(narrow_comparison(part), f"{title}: {target}", ""))


def _console(*, to_stdout: bool) -> "Console":
    from rich.console import Console

    console = Console(stderr=not to_stdout)
    return console if console.is_terminal else Console(stderr=not to_stdout, width=max(WIDTH, console.width))


def _drawn(cells: Any, title: str, caption: str) -> "Table":
    from rich import box
    from rich.table import Table

    from byok_bench.report.shown import is_number

    drawn = Table(
        title=title, caption=caption, box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), title_style="bold",
        title_justify="left", caption_justify="left",
    )  # fmt: skip
    for column in cells.columns:
        drawn.add_column(
            column,
            justify="right" if is_number(cells[column]) else "left",
            no_wrap=column not in FOLDED,
            overflow="fold" if column in FOLDED else "ellipsis",
            min_width=min(
                LEAST, max(len(line) for cell in [column, *cells[column]] for line in cell.split("\n"))
            ),
            max_width=FOLDED.get(column),
        )
    before = None
    for row in cells.itertuples(index=False):
        if before is not None and before != row[0] and "scenario" in cells:
            drawn.add_row()
        drawn.add_row(*(plain(cell) if cell != before or at else "" for at, cell in enumerate(row)))
        before = row[0]
    return drawn


def plain(text: str) -> "Text":
    """Text as it is: no markup, and no terminal control that a server could have put there."""
    from rich.text import Text

    from byok_bench.report.text import printable

    return Text("\n".join(map(printable, text.split("\n"))))
