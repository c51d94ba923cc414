"""A table as HTML for a notebook's output: left-aligned text in full, numbers on the right, NA faint, trouble in red.

Styles stand in the elements: an output has no style sheet of its own. Everything in a cell is escaped.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Final

from byok_bench.report.columns import COLUMNS, describe_column, get_heading
from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.table_text import NA, describe_missing, is_number

BAD: Final = "var(--jp-error-color1, #c62828)"
LINE: Final = "var(--jp-border-color2, #e0e0e0)"
SHORT: Final = 28
"""Characters up to which a column of text is not wrapped."""
_CELL: Final = f"padding:3px 14px 3px 0;vertical-align:top;border-bottom:1px solid {LINE}"
_BELOW: Final = f"padding:0 14px 6px 1.5em;text-align:left;white-space:normal;border-bottom:1px solid {LINE}"
_WRAPPED: Final = ";overflow-wrap:anywhere;min-width:11em"
_PLAIN: Final = "border:none;background:none;padding:0;font:inherit;color:inherit;text-align:inherit"
_CODE: Final = ";font-family:var(--jp-code-font-family, monospace);font-size:12px;overflow-wrap:anywhere"


def render_html_table(
    table: Sequence[Mapping[str, str]],
    *,
    bad: Callable[[Mapping[str, str]], Collection[str]] = lambda line: (),
    code: Collection[str] = (),
    once: Collection[str] = ("endpoint", "model"),
    link: Callable[[Mapping[str, str], str], str] = lambda line, name: "",
    below: Callable[[Mapping[str, str]], str] = lambda line: "",
    sortable: bool = False,
) -> str:
    """Lines of text cells. `bad` names the cells of a line that show trouble, `code` the columns of raw bytes,
    `once` those that are written for the first of the lines of one endpoint, `link` gives the HTML of a cell that
    opens something, and nothing for any other; `below` that of a line as wide as the table under each.
    `sortable`: its heads sort, where the drawer's script is there.
    """
    columns = {name: [line[name] for line in table] for name in (table[0] if table else ())}
    side = {name: "right" if is_number(cells) else "left" for name, cells in columns.items()}
    short = {name for name, cells in columns.items() if max(map(len, _split_lines(cells)), default=0) <= SHORT}
    head = "".join(_render_head(name, side[name], sortable=sortable) for name in columns)
    lines, before = [], None
    for line in table:
        marked, first = bad(line), next(iter(line.values()))
        repeated = once if before == first else ()
        cells = [
            _render_cell(
                cell,
                side[name],
                ";white-space:nowrap" if name in short else _CODE if name in code else _WRAPPED,
                bad=name in marked,
                linked=_render_again(cell) if name in repeated else link(line, name),
                why=describe_missing(name) if cell == NA and name in COLUMNS else "",
            )
            for name, cell in line.items()
        ]
        more = below(line)
        wide = (
            f"<tr style='background:none'><td colspan='{len(line)}' style='{_BELOW}'>{more}</td></tr>" if more else ""
        )
        lines.append(f"<tr style='background:none'>{''.join(cells)}</tr>{wide}")
        before = first
    body = "".join(lines)
    style = "border-collapse:collapse;font-size:13px"
    return f"<table style='{style}'><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def render_column_meanings(names: Iterable[str]) -> str:
    """What each of these columns is, behind a click: a pointer is not needed, as it is for the title of a head."""
    told = {get_heading(name): describe_column(name) for name in names}
    lines = "".join(
        f"<dt style='font-weight:600'>{escape_lines(heading)}</dt><dd style='margin:0'>{escape_lines(meaning)}</dd>"
        for heading, meaning in told.items()
        if meaning
    )
    style = "display:grid;grid-template-columns:max-content 1fr;gap:.1em 1.2em;margin:.4em 0 .8em;font-size:13px"
    return (
        "<details><summary style='cursor:pointer;font-size:13px;opacity:.8'>What the columns mean</summary>"
        f"<dl style='{style}'>{lines}</dl></details>"
    )


def render_small_print(text: str) -> str:
    """A paragraph of small print."""
    return f"<p style='opacity:.7;margin:4px 0;font-size:13px'>{escape_lines(text)}</p>"


def escape_lines(text: str) -> str:
    """Escaped, without controls, a line for each line of it."""
    return "<br>".join(escape(to_printable_line(part)) for part in text.split("\n"))


def _render_again(text: str) -> str:
    """What is read out, and not written twice."""
    return f"<span class='byok-again' style='opacity:0;user-select:none'>{escape_lines(text)}</span>"


def _render_head(name: str, side: str, *, sortable: bool) -> str:
    about = f" title='{escape(told, quote=True)}'" if (told := describe_column(name)) else ""
    heading = escape(get_heading(name))
    shown = render_sorting_head(heading) if sortable else heading
    return f"<th scope='col'{about} style='{_CELL};text-align:{side};white-space:nowrap'>{shown}</th>"


def render_sorting_head(heading: str) -> str:
    """A head that sorts the lines of its table by its column; `heading` is HTML."""
    return f"<button type='button' class='byok-sort' style='{_PLAIN}'>{heading}</button>"


def _render_cell(text: str, side: str, wrapping: str, *, bad: bool, linked: str, why: str) -> str:
    style = f"{_CELL};text-align:{side}{wrapping}"
    if text == NA:
        style += ";opacity:.7"
    elif bad:
        style += f";color:{BAD};font-weight:700"
    about = f" title='{escape(why, quote=True)}'" if why else ""
    return f"<td{about} style='{style}'>{linked or escape_lines(text)}</td>"


def _split_lines(cells: Iterable[str]) -> Iterator[str]:
    for cell in cells:
        yield from cell.split("\n")
