"""A comparison as HTML: what changed in words, then the tables, then the notes; a page of its own, or a part of one."""

from collections.abc import Sequence
from html import escape
from importlib.resources import files
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from byok_bench.endpoints.atomic_files import write_atomically
from byok_bench.errors import BookError, ExportError
from byok_bench.report.columns import describe_column, get_heading
from byok_bench.report.comparison_sentences import describe_changes
from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.table_parts import Line
from byok_bench.report.table_text import render_narrow_comparison

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def write_comparison_page(lines: Sequence[Line], title: str, notes: Sequence[str], path: Path) -> Path:
    """One self-contained page, whole or not at all. Raises ExportError."""
    style = (files("byok_bench.report") / "page.css").read_text(encoding="utf-8")
    page = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{_escape(title)}</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n<main>\n<header><h1>{_escape(title)}</h1></header>\n{render_comparison_part(lines, notes)}\n"
        "</main>\n</body>\n</html>\n"
    )
    try:
        write_atomically(path, page)
    except (OSError, BookError) as error:
        raise ExportError(f"cannot write {path}: {error}", code="unwritable") from None
    return path


def render_comparison_part(lines: Sequence[Line], notes: Sequence[str]) -> str:
    """The same without head and style; every text is escaped."""
    changes = "".join(f"<li>{_escape(one)}</li>" for one in describe_changes(lines))
    tables = "".join(_render_table(target, list(part)) for target, part in groupby(lines, itemgetter("target")))
    told = "".join(f"<p>! {_escape(note)}</p>" for note in notes)
    return f"<section><h2>What changed</h2><ul>{changes}</ul></section>{tables}{told}"


def _render_table(target: str, lines: Sequence[Line]) -> str:
    rows = render_narrow_comparison(lines)
    head = "".join(
        f'<th scope="col" title="{_escape(describe_column(name))}">{_escape(get_heading(name))}</th>'
        for name in rows[0]
    )
    body = "".join(f"<tr>{''.join(f'<td>{_escape(cell)}</td>' for cell in row.values())}</tr>" for row in rows)
    return (
        f"<section><h2>{_escape(target)}</h2>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></section>"
    )


def _escape(text: str) -> str:
    return escape(to_printable_line(str(text)))
