"""`byok-bench bill`: what servers counted and charged in a run, beside the declared prices."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli.completion import complete_run
from byok_bench.cli.console import Exit, emit_json
from byok_bench.report.printable_text import describe_count, to_printable_line

if TYPE_CHECKING:
    from byok_bench.report.bill import Bill

BILL_VERSION = 1


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bill", short_help="Audit what servers counted and charged")(review_bill)


def review_bill(
    run: Annotated[
        str, typer.Argument(help="Run id, the start of one, or `last`.", autocompletion=complete_run)
    ] = "last",
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Hold the counts and charges of a run against prices and texts; exit code 1 if something does not add up."""
    from byok_bench.report.bill import list_bills
    from byok_bench.runs.results import Run

    opened = Run.open(run, store)
    bills = list_bills(opened)
    if as_json:
        emit_json({"version": BILL_VERSION, "run": opened.id, "bills": bills})
    else:
        for bill in bills:
            for line in describe_bill(bill):
                typer.echo(to_printable_line(line))
    raise typer.Exit(int(Exit.FELL_SHORT if any(bill.findings for bill in bills) else Exit.OK))


def describe_bill(bill: "Bill") -> list[str]:
    """Counts, money, and what does not add up."""
    told = "the server tells no cost" if bill.reported_cost is None else f"charged {bill.reported_cost:.6g}"
    priced = "no price is declared" if bill.priced_cost is None else f"{bill.priced_cost:.6g} {bill.currency} by price"
    lines = [
        f"{bill.endpoint} · {bill.model}: {describe_count(bill.answers, 'answer')}, {bill.counted} counted, "
        f"{bill.prompt_tokens} tokens of prompt ({bill.cached_tokens} cached), "
        f"{bill.completion_tokens} of output ({bill.reasoning_tokens} reasoning); {told}, {priced}"
    ]
    if bill.cancelled:
        lines.append(
            f"  cancelled in mid-flight: {bill.cancelled}, of which {bill.cancelled_counted} carry a count; what the "
            "others cost only the provider's own bill tells"
        )
    return lines + [f"  {one.check}: {one.message}" for one in bill.findings]
