"""The check ladder as it is climbed: the result on top, below it a line a rung, filled in live, folded if all is well.

Renders rungs, sends nothing.
"""

from html import escape
from typing import Final

import ipywidgets

from byok_bench.checks.ladder.report import RUNGS, LadderReport, Rung, render_rung_cells

COLOURS: Final = {
    "pass": "var(--jp-success-color0, #1b5e20)",
    "fail": "var(--jp-error-color1, #c62828)",
    "warn": "var(--jp-warn-color0, #b26a00)",
    "inconclusive": "var(--jp-info-color0, #0d47a1)",
    "skipped": "var(--jp-ui-font-color2, #757575)",
}
HEAD: Final = ("", "Rung", "Verdict", "Time", "Spent", "What was found, and what to do")
_LINE: Final = "border-bottom:1px solid var(--jp-border-color2,#e0e0e0)"
_CELL: Final = f"padding:3px 14px 3px 0;vertical-align:top;text-align:left;{_LINE}"


class LadderView(ipywidgets.HTML):  # type: ignore[misc]
    """A table of rungs; `begin()`, `add(rung)` as each ends, then `finish(report)` or `stop(why)`."""

    def __init__(self) -> None:
        super().__init__()
        self.rungs: list[Rung] = []
        self._currency = "USD"

    def begin(self, currency: str = "USD") -> None:
        """Show all rungs as waiting; `currency` is that of the costs."""
        self.rungs, self._currency = [], currency
        self._draw("Testing …", running=True)

    def add(self, rung: Rung) -> None:
        """Fill in one rung."""
        self.rungs.append(rung)
        self._draw(f"{rung.name}: {rung.verdict}", running=len(self.rungs) < len(RUNGS))

    def finish(self, report: LadderReport) -> None:
        """Show what it comes to, and what the ladder took; the rungs stay open where one is to be mended."""
        tone = "pass" if report.has_passed else "fail"
        self._draw(report.summary, tone=tone, folded=report.has_passed, spent=f"Spent: {report.spending}.")

    def stop(self, why: str) -> None:
        """Show that it goes no further."""
        self._draw(why)

    def clear(self) -> None:
        """Show nothing."""
        self.rungs = []
        self.value = ""

    def _draw(self, said: str, *, running: bool = False, tone: str = "", folded: bool = False, spent: str = "") -> None:
        rows = [_render_rung(rung, self._currency) for rung in self.rungs]
        for number, name in enumerate(RUNGS[len(self.rungs) :]):
            state = "running …" if running and number == 0 else ""
            rows.append(_render_cells(["", name, state, "", "", ""], "opacity:.75"))
        head = "".join(f"<th scope='col' style='{_CELL};font-weight:600'>{escape(one)}</th>" for one in HEAD)
        style = "border-collapse:collapse;font-size:13px;line-height:1.45;width:100%"
        result = f"font-size:14px;line-height:1.5;font-weight:600;margin:4px 0;color:{COLOURS.get(tone, 'inherit')}"
        self.value = (
            f"<div role='status' style='{result}'>{escape(said)}</div>"
            f"<details{'' if folded else ' open'}><summary style='cursor:pointer;font-size:13px'>"
            f"Rung by rung{f'. {escape(spent)}' if spent else ''}</summary>"
            f"<table aria-label='Check ladder' style='{style}'><thead><tr>{head}</tr></thead>"
            f"<tbody>{''.join(rows)}</tbody></table></details>"
        )


def _render_rung(rung: Rung, currency: str) -> str:
    """One rung as a table row; the server's words are escaped."""
    return _render_cells(list(render_rung_cells(rung, currency)), "", COLOURS[rung.verdict])


def _render_cells(texts: list[str], row_style: str, colour: str = "inherit") -> str:
    *short, advice = (escape(text) for text in texts)
    styles = [f"color:{colour};font-weight:700", "", f"color:{colour}", "text-align:right", ""]
    made = [
        f"<td style='{_CELL};white-space:nowrap;{style}'>{text}</td>" for style, text in zip(styles, short, strict=True)
    ]
    last = f"<td style='{_CELL};overflow-wrap:anywhere;width:60%'>{advice}</td>"
    return f"<tr style='{row_style}'>{''.join(made)}{last}</tr>"
