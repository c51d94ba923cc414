"""The tables of a run in a terminal."""

from collections.abc import Sequence
from typing import Any, Final

from byok_bench.runs.results import Run

FIRST_LIGHT: Final = ("latency", "streaming", "errors")
FOLDED: Final = {"endpoint": 20, "model": 20, "findings": 34, "seen": 26, "status": 12}
"""Columns that may take several lines, and how wide they get."""
WIDTH: Final = 100
"""Columns at least, where the terminal does not say how wide it is."""


def print_tables(run: Run, names: Sequence[str] = FIRST_LIGHT, *, to_stdout: bool = False) -> None:
    """Print tables of a run for a person: on stderr, or on stdout if they are what was asked for."""
    from rich.console import Console

    from byok_bench.report.tables import table

    console = Console(stderr=not to_stdout)
    if console.width < WIDTH and not console.is_terminal:
        console = Console(stderr=not to_stdout, width=WIDTH)
    for name in names:
        made = table(run, name)
        console.print(_drawn(made, name))
    for note in table(run, names[0]).attrs["notes"]:
        console.print(f"! {plain(note)}", style="yellow", markup=False, highlight=False)


def _drawn(made: Any, name: str) -> Any:
    from rich import box
    from rich.table import Table

    from byok_bench.report.shown import CAPTIONS, TITLES, is_number, narrow

    cells = narrow(made, name)
    drawn = Table(
        title=TITLES[name],
        caption=CAPTIONS[name],
        box=box.SIMPLE_HEAD,
        title_justify="left",
        caption_justify="left",
        title_style="bold",
        padding=(0, 1, 0, 0),
    )
    for column in cells.columns:
        right = is_number(cells[column])
        drawn.add_column(
            column,
            justify="right" if right else "left",
            no_wrap=column not in FOLDED,
            overflow="fold" if column in FOLDED else "ellipsis",
            max_width=FOLDED.get(column),
        )
    before = None
    for row in cells.itertuples(index=False):
        if before is not None and before != row[0] and "scenario" in cells:
            drawn.add_row()
        drawn.add_row(*(plain(cell) if cell != before or at else "" for at, cell in enumerate(row)))
        before = row[0]
    return drawn


def plain(text: str) -> Any:
    """Text as it is: no markup, and no terminal control that a server could have put there."""
    from rich.text import Text

    return Text(
        "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    )
