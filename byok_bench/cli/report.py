"""`byok-bench report`: the tables of a stored run, in the terminal or in files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli.completion import complete_run
from byok_bench.cli.console import Exit, emit_json, fail, note
from byok_bench.cli.run_lists import print_run_list

if TYPE_CHECKING:
    from byok_bench.report.thresholds import Thresholds
    from byok_bench.runs.results import Run


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", short_help="Print the tables of a run, or write them")(report_run)


def report_run(
    run: Annotated[
        str, typer.Argument(help="Run id, the start of one, its note, or `last`.", autocompletion=complete_run)
    ] = "last",
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page.")] = None,
    csv: Annotated[
        Path | None, typer.Option(help="Write the tables and every exchange as CSV into this folder.")
    ] = None,
    parquet: Annotated[Path | None, typer.Option(help="The same as Parquet.")] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Write every exchange whole, one JSON document a line.")] = None,
    again: Annotated[
        bool, typer.Option("--judge-again", help="Read the stored bytes anew with today's checks.")
    ] = False,
    thresholds: Annotated[
        Path | None, typer.Option(help="TOML file, `slow_ttft_ms = 400` and others: from where a card says slow.")
    ] = None,
    findings: Annotated[
        bool, typer.Option("--findings", help="Print the findings instead, each with its exchange and byte.")
    ] = False,
    exchange: Annotated[
        int | None, typer.Option(metavar="N", help="Print one exchange instead, event by event.")
    ] = None,
    table: Annotated[
        list[str] | None, typer.Option("--table", metavar="NAME", help="Only this table; may be repeated.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="The same as `runs list`.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Print the tables of a run, also of one that is still running; or write them to files."""
    if listing:
        print_run_list(store, as_json)
        raise typer.Exit(int(Exit.OK))
    from byok_bench.cli.terminal_tables import make_tables_document, print_tables
    from byok_bench.report.thresholds import read_thresholds
    from byok_bench.runs.results import DETAILS, TABLES, Run

    limits = read_thresholds(thresholds) if thresholds is not None else None

    names = check_table_names(table) if table else (*TABLES, *DETAILS)
    opened = Run.open(run, store)
    if again:
        opened.judge_again()
    if findings or exchange is not None:
        from byok_bench.cli.evidence import print_findings, print_stored_exchange

        if findings:
            print_findings(opened, as_json)
        else:
            print_stored_exchange(opened, exchange or 0, as_json)
        raise typer.Exit(int(Exit.OK))
    written = write_exports(opened, html, csv, parquet, jsonl, limits)
    for path in written:
        note(f"written: {path}")
    if as_json:
        emit_json(
            make_tables_document(opened, table or (*TABLES, *DETAILS), limits)
            | {"written": [str(path) for path in written]}
        )
    elif not written:
        print_tables(opened, names, limits, to_stdout=True, judged=not table)
    raise typer.Exit(int(Exit.OK))


def check_table_names(names: list[str]) -> list[str]:
    """The same. Exits with code 2 for one that is no table, and names the nearest."""
    from difflib import get_close_matches

    from byok_bench.runs.results import DETAILS, TABLES

    known = (*TABLES, *DETAILS)
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            meant = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
            fail(f"no table named {name!r}; {meant}")
    return names


def write_exports(
    run: "Run",
    html: Path | None,
    csv: Path | None,
    parquet: Path | None,
    jsonl: Path | None,
    limits: "Thresholds | None" = None,
) -> list[Path]:
    """The files that were asked for; without any, nothing of what they need is imported."""
    if not (html or csv or parquet or jsonl):
        return []
    from byok_bench.report.export import write_csv, write_jsonl, write_parquet
    from byok_bench.report.html import write_html

    written = []
    if html is not None:
        written.append(write_html(run, html, limits))
    if csv is not None:
        written += write_csv(run, csv)
    if parquet is not None:
        written += write_parquet(run, parquet)
    if jsonl is not None:
        written.append(write_jsonl(run, jsonl))
    return written
