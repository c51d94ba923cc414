"""`byok-bench runs import`: results of other tools as runs in the result file."""

from pathlib import Path
from typing import Annotated

import typer

from byok_bench.cli.console import Exit, emit_json, fail, note
from byok_bench.cli.run_lists import LISTS_VERSION
from byok_bench.report.printable_text import describe_count


def import_run(
    file: Annotated[Path, typer.Argument(help="What another tool wrote.", metavar="FILE")],
    tool: Annotated[
        str, typer.Option("--from", metavar="TOOL", help="guidellm, aiperf or k2vv. [default: seen by its shape]")
    ] = "",
    label: Annotated[str, typer.Option(help="What to call the endpoint. [default: its host]")] = "",
    model: Annotated[str, typer.Option(help="Its model, where the file does not name it.")] = "",
    scenario: Annotated[
        str, typer.Option(help="What to call its prompts: a scenario of your own run, to compare. [default: TOOL]")
    ] = "",
    sample: Annotated[
        str, typer.Option(help="All requests are repeats of this sample. [default: each is a sample]")
    ] = "",
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Read the results of guidellm, aiperf or K2-Vendor-Verifier as a run; its name says who measured it."""
    from difflib import get_close_matches

    from byok_bench.runs.imports.result_import import TOOLS, ImportNames, import_results

    if tool and tool not in TOOLS:
        near = get_close_matches(tool, TOOLS, n=1)
        fail(f"--from {tool}: " + (f"did you mean {near[0]}?" if near else f"there are {', '.join(TOOLS)}"))
    names = ImportNames(label=label, model=model, scenario=scenario, sample=sample)
    made = import_results(file, tool, store, names)
    if as_json:
        emit_json(
            {
                "version": LISTS_VERSION,
                "run": made.id,
                "measured_by": made.plan.measured_by,
                "endpoint": made.plan.targets[0].label,
                "exchanges": dict(made.states),
            }
        )
    else:
        count = describe_count(sum(made.states.values()), "exchange")
        note(f"run {made.id}: {count} of {made.plan.targets[0].name}, measured by {made.plan.measured_by}")
    raise typer.Exit(int(Exit.OK))
