"""Feature × endpoint: one word a cell, as text for terminals and as a coloured table for pages."""

from collections.abc import Sequence
from html import escape
from typing import Final

from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.table_parts import Line

MAPS: Final = ("capabilities", "schemas", "params")
"""Tables that are shown so; their DataFrame has a line a feature and target."""
NOT_ASKED: Final = "–"
TONES: Final = {
    "valid": "good", "effect": "good", "yes": "good",
    "ignored": "mild", "partly": "mild", "refused": "mild", "unknown": "mild",
    "invalid": "bad", "error": "bad", "no": "bad",
}  # fmt: skip
"""Word → how it is coloured; of several, the first decides."""


def render_heat_lines(table: Sequence[Line]) -> list[dict[str, str]]:
    """One line a feature, one column a target, headed by its label; by its model and load too where they differ."""
    names = _name_targets(table)
    cells: dict[str, dict[str, str]] = {}
    for line in table:
        cells.setdefault(line["feature"], dict.fromkeys(names.values(), NOT_ASKED))[names[_get_target(line)]] = (
            render_heat_cell(line)
        )
    return [{"feature": feature, **found} for feature, found in cells.items()]


def render_heat_cell(line: Line) -> str:
    """`valid ×5`, or every word with its count."""
    result = line["result"]
    if result is None:
        return NOT_ASKED
    return f"{result} ×{line['n']}" if line["n"] > 1 and "×" not in result else str(result)


def render_heat_map(table: Sequence[Line], caption: str) -> str:
    """The same as a table of a page."""
    lines = render_heat_lines(table)
    if not lines:
        return '<p class="caption">Nothing to show.</p>'
    head = "".join(f'<th scope="col">{_escape_text(name)}</th>' for name in lines[0])
    rows = "".join(
        f'<tr><th scope="row">{_escape_text(line["feature"])}</th>'
        + "".join(
            f'<td class="{find_tone(cell)}">{_escape_text(cell)}</td>'
            for name, cell in line.items()
            if name != "feature"
        )
        + "</tr>"
        for line in lines
    )
    title = _escape_text(caption)
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table class="map">'
        f"<caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def find_tone(cell: str) -> str:
    """good, mild, bad, or na for what was not asked."""
    return TONES.get(cell.partition(" ")[0].rstrip(","), "na")


def _get_target(line: Line) -> tuple[str, str, str]:
    return line["endpoint"], line["model"], line.get("load", "")


def _name_targets(table: Sequence[Line]) -> dict[tuple[str, str, str], str]:
    """Target → the shortest heading that no other has."""
    targets = list(dict.fromkeys(map(_get_target, table)))
    for parts in (1, 2, 3):
        names = {target: " · ".join(filter(None, target[:parts])) for target in targets}
        if len(set(names.values())) == len(targets):
            return names
    return {target: f"{' · '.join(filter(None, target))} {number}" for number, target in enumerate(targets)}


def _escape_text(value: str) -> str:
    return escape(to_printable_line(value))
