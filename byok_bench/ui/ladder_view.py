"""The check ladder as it is climbed: one line a rung, filled in live. Renders rungs, sends nothing."""

from html import escape
from typing import Final

import ipywidgets

from byok_bench.checks.rungs import MARKS, RUNGS, Rung

COLOURS: Final = {
    "pass": "var(--jp-success-color0, #1b5e20)",
    "fail": "var(--jp-error-color1, #c62828)",
    "warn": "var(--jp-warn-color0, #b26a00)",
    "inconclusive": "var(--jp-info-color0, #0d47a1)",
    "skipped": "var(--jp-ui-font-color2, #757575)",
}


class LadderView(ipywidgets.HTML):  # type: ignore[misc]
    """A table of rungs; `begin()`, then `add(rung)` as each ends."""

    def __init__(self) -> None:
        super().__init__()
        self.rungs: list[Rung] = []

    def begin(self) -> None:
        """Show all rungs as waiting."""
        self.rungs = []
        self._draw(running=True)

    def add(self, rung: Rung) -> None:
        """Fill in one rung."""
        self.rungs.append(rung)
        self._draw(running=len(self.rungs) < len(RUNGS))

    def clear(self) -> None:
        """Show nothing."""
        self.rungs = []
        self.value = ""

    def _draw(self, *, running: bool) -> None:
        waiting = RUNGS[len(self.rungs) :]
        rows = [row(rung) for rung in self.rungs]
        rows += [
            f"<tr style='opacity:.55'><td>{'…' if running else ''}</td><td>{name}</td></tr>"
            for name in waiting
        ]
        style = "border-collapse:collapse;font-size:13px;line-height:1.5"
        self.value = f"<table role='status' aria-label='Check ladder' style='{style}'>{''.join(rows)}</table>"


def row(rung: Rung) -> str:
    """One rung as a table row; the server's words are escaped."""
    took = "" if rung.duration_ms is None else f"{rung.duration_ms:.0f} ms"
    cell = "padding:2px 10px 2px 0;vertical-align:top"
    return (
        f"<tr><td style='{cell};color:{COLOURS[rung.verdict]};font-weight:700'>{MARKS[rung.verdict]}</td>"
        f"<td style='{cell};white-space:nowrap'>{escape(rung.name)}</td>"
        f"<td style='{cell};color:{COLOURS[rung.verdict]}'>{rung.verdict}</td>"
        f"<td style='{cell};text-align:right;white-space:nowrap'>{took}</td>"
        f"<td style='{cell};overflow-wrap:anywhere'>{escape(rung.advice)}</td></tr>"
    )
