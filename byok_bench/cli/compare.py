"""`byok-bench compare`: two runs, difference by difference."""

from pathlib import Path
from typing import Annotated

import typer

from byok_bench.cli.completion import complete_run
from byok_bench.cli.console import Exit, emit_json


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare", short_help="Paired differences of two runs or endpoints")(compare_runs)


def compare_runs(
    run_a: Annotated[
        str, typer.Argument(help="First run: id, the start of one, or `last`.", autocompletion=complete_run)
    ],
    run_b: Annotated[
        str,
        typer.Argument(help="Second run; the same one to compare two of its endpoints.", autocompletion=complete_run),
    ],
    a: Annotated[str | None, typer.Option(help="Endpoint of the first run; all by name if not given.")] = None,
    b: Annotated[str | None, typer.Option(help="Endpoint of the second run.")] = None,
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    store_b: Annotated[Path | None, typer.Option(help="Result file of the second run, if another.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Paired differences B − A with 95 % intervals; "no difference shown" is a result."""
    from byok_bench.cli.terminal_tables import print_comparison
    from byok_bench.report.columns import TABLES_VERSION
    from byok_bench.report.compare import list_differences
    from byok_bench.report.run_notes import list_comparison_notes
    from byok_bench.runs.results import Run

    first, second = Run.open(run_a, store), Run.open(run_b, store_b or store)
    made = list_differences(first, second, a=a, b=b)
    told = list_comparison_notes(first, second, same_endpoints=a == b)
    if as_json:
        emit_json({"version": TABLES_VERSION, "a": first.id, "b": second.id, "notes": told, "differences": made})
    else:
        print_comparison(made, f"B {second.id} against A {first.id}", told)
    raise typer.Exit(int(Exit.OK))
