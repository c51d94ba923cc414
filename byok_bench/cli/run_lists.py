"""How runs are listed and shown in a terminal: local dates, sizes, scenarios, note and state."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from byok_bench.cli.console import emit_json
from byok_bench.report.printable_text import describe_count

if TYPE_CHECKING:
    from byok_bench.runs.listing import RunSummary

LISTS_VERSION: Final = 2
"""Of the JSON documents about runs."""
_UNITS: Final = ("bytes", "KB", "MB", "GB", "TB")


def print_run_list(store: Path | None, as_json: bool) -> None:
    """Every run of a result file, oldest first, and what the file takes."""
    import msgspec

    from byok_bench.runs.listing import summarize_store

    found = summarize_store(store)
    if as_json:
        emit_json({"version": LISTS_VERSION, **msgspec.to_builtins(found)})
        return
    for one in found.runs:
        for line in render_summary(one):
            typer.echo(line)
    free = f", {render_size(found.free_bytes)} of it free" if found.free_bytes else ""
    typer.echo(f"{describe_count(len(found.runs), 'run')} in {found.store}: {render_size(found.size_bytes)}{free}")


def render_summary(one: "RunSummary") -> list[str]:
    """Two lines about a run: how it stands, then what it is of."""
    from byok_bench.report.printable_text import to_printable_line

    counts = ", ".join(f"{count} {status}" for status, count in one.exchanges.items())
    note = f"  “{to_printable_line(one.note)}”" if one.note else ""
    size = "" if one.size_bytes is None else f"  {render_size(one.size_bytes)}"
    plan = f"  ({to_printable_line(one.plan_file)})" if one.plan_file else ""
    of = f"{', '.join(one.targets)}: {', '.join(one.scenarios)} × {one.repeats}"
    return [
        f"{one.run}  {render_date(one.created)}  {describe_standing(one):<11}  {counts}{size}{note}",
        f"    {to_printable_line(of)}{plan}",
    ]


def describe_standing(one: "RunSummary") -> str:
    """How a run stands, in a few words."""
    return f"{one.status} (its process is gone)" if one.is_abandoned else one.status


def render_date(created: str) -> str:
    """A stored time (UTC, ISO 8601) as the clock on this machine's wall says it."""
    return datetime.fromisoformat(created).astimezone().strftime("%Y-%m-%d %H:%M")


def render_size(count: int) -> str:
    """`3.1 MB`, in steps of a thousand."""
    size = float(count)
    for unit in _UNITS:
        if size < 1000 or unit == _UNITS[-1]:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError("the last unit takes any size")
