"""What an endpoint can do, as it is found: one line a capability; a click on one opens the exchange that shows it.

Renders what checks/capabilities found, sends nothing. The exchanges stand in the page, so a click needs no kernel.
"""

from collections.abc import Mapping
from html import escape
from typing import Final

import ipywidgets

from byok_bench.checks.capabilities.fallback import Comparison
from byok_bench.checks.capabilities.report import MARKS, CapabilityReport
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_record import Capability, ModelRecord
from byok_bench.ui.exchange_view import render_exchange

COLOURS: Final = {
    "yes": "var(--jp-success-color0, #1b5e20)",
    "no": "var(--jp-error-color1, #c62828)",
    "partly": "var(--jp-warn-color0, #8a5300)",
    "unknown": "var(--jp-ui-font-color2, #616161)",
}
_ROW: Final = "display:grid;grid-template-columns:1.4em 15em 9em 1fr;gap:0 10px;font-size:13px;line-height:1.6"
_TITLE: Final = "font-size:14px;line-height:1.5;font-weight:600;margin:8px 0 4px"


class CapabilityView(ipywidgets.HTML):  # type: ignore[misc]
    """`begin(expense)`, `add(name, capability)` as each is judged, then `finish(report)`; or `show_record(record)`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, Capability] = {}

    def begin(self, expense: str) -> None:
        """Say what will be sent at most."""
        self.found = {}
        self._draw(f"Asking what it can do: {expense} …")

    def add(self, name: str, capability: Capability) -> None:
        """Fill in one line."""
        self.found[name] = capability
        self._draw(f"{name}: {capability.state}")

    def finish(self, report: CapabilityReport, compared: Comparison | None = None) -> None:
        """Show all lines with their exchanges, what it took, and whether the same model seems to answer."""
        behind = {name: report.find_exchange(name) for name in report}
        told = f" {compared.sentence}" if compared is not None else ""
        self.found = dict(report)
        self._draw(f"{_describe_states(report)} It took {report.spending}.{told}", behind)

    def show_record(self, record: ModelRecord) -> None:
        """Show what was saved on an earlier day; its exchanges are in the folder `evidence` beside the book."""
        self.found = dict(record.found)
        self._draw(f"Seen on {record.at:%Y-%m-%d %H:%M} UTC: {_describe_states(record.found)}", folded=True)

    def stop(self, why: str) -> None:
        """Show that it goes no further."""
        self._draw(why)

    def clear(self) -> None:
        """Show nothing."""
        self.found = {}
        self.value = ""

    def _draw(self, said: str, behind: Mapping[str, Exchange | None] | None = None, *, folded: bool = False) -> None:
        exchanges = behind or {}
        lines = "".join(_render_line(name, one, exchanges.get(name)) for name, one in self.found.items())
        self.value = (
            f"<div role='status' style='{_TITLE}'>{escape(said)}</div>"
            f"<details{'' if folded else ' open'}><summary style='cursor:pointer;font-size:13px'>"
            f"What it can do, line by line</summary><div role='list' aria-label='Capabilities'>{lines}</div></details>"
        )


def _describe_states(found: Mapping[str, Capability]) -> str:
    """`20 yes, 3 no, 1 partly, 4 unknown.`"""
    states = [one.state for one in found.values()]
    return ", ".join(f"{states.count(state)} {state}" for state in MARKS if state in states) + "."


def _render_line(name: str, one: Capability, exchange: Exchange | None) -> str:
    """One capability; the server's words are escaped. With an exchange, it opens."""
    colour = COLOURS[one.state]
    state = f"{one.state}{f' · {one.value}' if one.value else ''}"
    cells = (
        f"<span style='color:{colour};font-weight:700' aria-hidden='true'>{MARKS[one.state]}</span>"
        f"<span>{escape(name)}</span><span style='color:{colour};overflow-wrap:anywhere'>{escape(state)}</span>"
        f"<span style='overflow-wrap:anywhere'>{escape(one.evidence or '')}</span>"
    )
    if exchange is None:
        return f"<div role='listitem' style='{_ROW}'>{cells}</div>"
    return (
        f"<details role='listitem'><summary style='{_ROW};cursor:pointer' title='Open the exchange behind it'>{cells}"
        f"</summary>{render_exchange(exchange)}</details>"
    )
