"""`byok-bench runs baseline`: keep a run as what later ones are held against."""

from pathlib import Path
from typing import Annotated

import typer

from byok_bench.cli.completion import complete_run
from byok_bench.cli.console import Exit, emit_json, fail, note


def keep_baseline(
    run: Annotated[
        str, typer.Argument(help="Run id, the start of one, or `last`.", autocompletion=complete_run)
    ] = "last",
    name: Annotated[str | None, typer.Option("--as", help="Name of the baseline; an earlier one is replaced.")] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write it as a file (.json), for a repository: no bodies, no keys.")
    ] = None,
    listing: Annotated[bool, typer.Option("--list", help="List the names of baselines instead.")] = False,
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Keep what a run measured, for `byok-bench gate --against NAME` or `--against FILE.json`."""
    from byok_bench.report.gates.baselines import list_baselines, make_baseline, store_baseline, write_baseline
    from byok_bench.runs.results import Run

    if listing:
        print_names(list_baselines(), as_json)
        raise typer.Exit(int(Exit.OK))
    if name is None and export is None:
        fail("give the baseline a name with --as NAME, or a file with --export FILE.json")
    if export is not None and export.suffix != ".json":
        fail(f"--export writes a .json file, so that --against knows it for one: not {export}")
    opened = Run.open(run, store)
    written = [] if name is None else [store_baseline(opened, name)]
    if export is not None:
        written.append(write_baseline(make_baseline(opened, name or ""), export))
    for path in written:
        note(f"written: {path}")
    if as_json:
        emit_json({"version": 1, "run": opened.id, "name": name, "written": [str(path) for path in written]})
    raise typer.Exit(int(Exit.OK))


def print_names(names: list[str], as_json: bool) -> None:
    """Every name on a line."""
    if as_json:
        emit_json({"version": 1, "baselines": names})
        return
    for name in names:
        typer.echo(name)
