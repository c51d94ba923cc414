"""`byok-bench bill`: what servers counted and charged in a run, or of known texts, beside the declared prices."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.completion import complete_label, complete_run
from byok_bench.cli.console import Exit, emit_json, note, run_async
from byok_bench.cli.endpoint_fields import EndpointOptions
from byok_bench.cli.settings import OwnSettings
from byok_bench.report.printable_text import describe_count, to_printable_line

if TYPE_CHECKING:
    from byok_bench.report.bill import Bill

BILL_VERSION = 2


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bill", short_help="Audit what servers counted and charged")(print_bills)


def print_bills(
    run: Annotated[
        str, typer.Argument(help="Run id, the start of one, or `last`.", autocompletion=complete_run)
    ] = "last",
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", help="Ask this endpoint of the book now.", autocompletion=complete_label),
    ] = None,
    base_url: endpoint_options.BaseUrl = None,
    model: endpoint_options.ModelId = None,
    key_env: endpoint_options.KeyEnv = None,
    schema: endpoint_options.Schema = None,
    settings: OwnSettings = None,
    profile: endpoint_options.Profile = "local",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Hold the counts and charges of a run, or of an endpoint that is asked now, against prices and texts.

    Exit code 1 if something does not add up, 3 if nothing was answered.
    """
    given = endpoint_options.collect_options(base_url, model, key_env, schema, settings)
    if endpoint is None and base_url is None:
        document = _list_bills_of_run(run, store)
    else:
        document = _ask_endpoint(endpoint, given, model, profile)
    bills: list[Bill] = document["bills"]
    if as_json:
        emit_json(document)
    else:
        for line in (line for bill in bills for line in describe_bill(bill)):
            typer.echo(to_printable_line(line))
    if (endpoint is not None or base_url is not None) and not any(bill.answers for bill in bills):
        raise typer.Exit(int(Exit.UNFINISHED))
    raise typer.Exit(int(Exit.FELL_SHORT if any(bill.findings for bill in bills) else Exit.OK))


def _list_bills_of_run(run: str, store: Path | None) -> dict[str, Any]:
    from byok_bench.report.bill import list_bills
    from byok_bench.runs.results import Run

    opened = Run.open(run, store)
    return {"version": BILL_VERSION, "run": opened.id, "bills": list_bills(opened)}


def _ask_endpoint(label: str | None, given: EndpointOptions, model: str | None, profile: str) -> dict[str, Any]:
    from byok_bench.report.endpoint_bill import describe_review, review_bill

    chosen = endpoint_options.choose_endpoint(label, given)
    note(f"This sends {describe_review(chosen, model)}.")
    reviewed = run_async(
        review_bill(
            chosen,
            model=model,
            profile=endpoint_options.resolve_egress_profile(profile),
            policy=endpoint_options.read_egress_policy(),
        )
    )
    exchanges = [one.to_json() for one in reviewed.exchanges]
    return {"version": BILL_VERSION, "run": None, "bills": [reviewed.bill], "exchanges": exchanges}


def describe_bill(bill: "Bill") -> list[str]:
    """Counts, money, and what does not add up."""
    told = "the server tells no cost" if bill.reported_cost is None else f"charged {bill.reported_cost:.6g}"
    priced = "no price is declared" if bill.priced_cost is None else f"{bill.priced_cost:.6g} {bill.currency} by price"
    lines = [
        f"{bill.endpoint} · {bill.model}: {describe_count(bill.answers, 'answer')}, {bill.counted} counted, "
        f"{bill.prompt_tokens} tokens of prompt ({bill.cached_tokens} cached), "
        f"{bill.completion_tokens} of output ({bill.reasoning_tokens} reasoning); {told}, {priced}"
    ]
    if bill.template_tokens is not None:
        lines.append(f"  the fixed texts count {_describe_fit(bill)}")
    if bill.cancelled:
        seen = "what the others cost only the provider's own bill tells"
        if bill.cancelled_tokens is not None:
            seen = f"{describe_count(bill.cancelled_tokens, 'token')} were taken from the budget that headers tell"
        lines.append(
            f"  cancelled in mid-flight: {bill.cancelled}, of which {bill.cancelled_counted} carry a count; {seen}"
        )
    return lines + [f"  {one.check}: {one.message}" for one in bill.findings]


def _describe_fit(bill: "Bill") -> str:
    fewest, most = bill.template_tokens or (0, 0)
    around = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    like = f"as {bill.tokenizer} does" if bill.tokenizer else "within what public tokenizers make of them"
    return f"{like}, with {around} tokens around each"
