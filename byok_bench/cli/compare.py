"""`byok-bench compare`: two runs, or endpoints of one, difference by difference."""

from pathlib import Path
from typing import Annotated

import typer

from byok_bench.cli.completion import complete_run
from byok_bench.cli.console import Exit, emit_json, fail, note


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("compare", short_help="Paired differences of two runs or endpoints")(compare_runs)


def compare_runs(
    run_a: Annotated[
        str, typer.Argument(help="First run: id, the start of one, or `last`.", autocompletion=complete_run)
    ],
    run_b: Annotated[
        str | None,
        typer.Argument(help="Second run; without one, endpoints of the first.", autocompletion=complete_run),
    ] = None,
    a: Annotated[
        str | None, typer.Option(help="Endpoint of the first run, the baseline; all by name if not given.")
    ] = None,
    b: Annotated[
        list[str] | None, typer.Option(help="Endpoint of the second run; repeatable. [default: all others]")
    ] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="failures, ttft_ms, e2e_ms, tpot_ms, itl_ms; repeatable. [default: all]")
    ] = None,
    at_least: Annotated[str, typer.Option(help="Smallest change of a time that is called one.")] = "5%",
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    store_b: Annotated[Path | None, typer.Option(help="Result file of the second run, if another.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write one self-contained page.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """What changed from A to B, in words and worst first, then the paired differences with 95 % intervals."""
    from byok_bench.cli.terminal_tables import print_comparison
    from byok_bench.report.columns import TABLES_VERSION
    from byok_bench.report.comparison_lines import METRICS, Question, list_differences
    from byok_bench.report.comparison_sentences import describe_changes
    from byok_bench.report.run_notes import list_comparison_notes
    from byok_bench.runs.results import Run

    first = Run.open(run_a, store)
    second = first if run_b is None else Run.open(run_b, store_b or store)
    others = tuple(b or ())
    if run_b is None:
        labels = list(dict.fromkeys(target.label for target in first.plan.targets))
        a = a or labels[0]
        others = others or tuple(label for label in labels if label != a)
        if not others:
            fail(f"run {first.id} has one endpoint, {a}: name a second run")
    asked = Question(a=a, b=others, metrics=tuple(metric or METRICS), at_least=read_share(at_least))
    made = list_differences(first, second, asked)
    told = list_comparison_notes(first, second, same_endpoints=others in ((), (a,)))
    changes = describe_changes(made)
    if html is not None:
        from byok_bench.report.comparison_page import write_comparison_page

        note(f"written: {write_comparison_page(made, f'B {second.id} against A {first.id}', told, html)}")
    if as_json:
        ends = {"a": first.id, "b": second.id}
        emit_json({"version": TABLES_VERSION, **ends, "changes": changes, "notes": told, "differences": made})
    else:
        print_comparison(made, f"B {second.id} against A {first.id}", told)
    raise typer.Exit(int(Exit.OK))


def read_share(text: str) -> float:
    """`5%` or `0.05` as a number."""
    number, percent, rest = text.strip().partition("%")
    try:
        return float(number) / (100 if percent else 1)
    except ValueError:
        fail(f"--at-least takes a share, like 5% or 0.05, not {text!r}{rest}")
