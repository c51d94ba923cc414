"""`byok-bench capabilities`: what an endpoint can do, each with the exchange that shows it."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.console import Exit, emit_json, note, run_async
from byok_bench.cli.settings import OwnSettings

if TYPE_CHECKING:
    from byok_bench.checks.capabilities.fallback import Comparison
    from byok_bench.checks.capabilities.report import CapabilityReport
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.model_record import Capability


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("capabilities", short_help="What an endpoint can do, each with its evidence")(print_capabilities)


def print_capabilities(
    endpoint: endpoint_options.EndpointArgument = None,
    base_url: endpoint_options.BaseUrl = None,
    model: endpoint_options.ModelId = None,
    key_env: endpoint_options.KeyEnv = None,
    schema: endpoint_options.Schema = None,
    settings: OwnSettings = None,
    profile: endpoint_options.Profile = "local",
    only: Annotated[
        list[str] | None, typer.Option("--only", help="This capability or group of them; may be repeated.")
    ] = None,
    max_requests: Annotated[
        int | None, typer.Option("--max-requests", min=1, help="Send no more; what would take more is unknown.")
    ] = None,
    window_tokens: Annotated[
        int, typer.Option("--window-tokens", min=0, help="Prompt tokens for measuring the window; 0 leaves it out.")
    ] = 20_000,
    save: Annotated[bool, typer.Option("--save", help="Note what was found in the book, with its date.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Ask what an endpoint can do: streaming, tools, formats, reasoning, vision, parameters, window, cache, identity.

    Where the book holds an earlier record, it is compared: does the same model answer? Exit code 3 if nothing could
    be asked.
    """
    from byok_bench.checks.capabilities.examination import capabilities, describe_expense

    given = endpoint_options.collect_options(base_url, model, key_env, schema, settings)
    chosen = endpoint_options.choose_endpoint(endpoint, given)
    note(f"This sends {describe_expense(chosen, model, only, window_tokens)}.")
    report = run_async(
        capabilities(
            chosen,
            model=model,
            only=only,
            max_requests=max_requests,
            window_tokens=window_tokens,
            profile=endpoint_options.resolve_egress_profile(profile),
            policy=endpoint_options.read_egress_policy(),
            on_capability=partial(print_capability, to_stdout=not as_json),
        )
    )
    tell = note if as_json else typer.echo
    tell(f"It took {report.spending}.")
    compared = compare_with_book(chosen, report)
    if compared is not None:
        tell(compared.sentence)
    if save:
        save_to_book(chosen, report)
    if as_json:
        emit_json(report.to_json() | {"compared": describe_comparison(compared)})
    raise typer.Exit(int(Exit.OK if report.is_answered else Exit.UNFINISHED))


def print_capability(name: str, found: "Capability", *, to_stdout: bool) -> None:
    """One line a capability, as it is judged."""
    from byok_bench.checks.capabilities.report import render_line
    from byok_bench.report.printable_text import to_printable_line

    typer.echo(to_printable_line(render_line(name, found)), err=not to_stdout)


def compare_with_book(endpoint: "Endpoint", report: "CapabilityReport") -> "Comparison | None":
    """What changed since the record that the book holds; None if there is none of this model."""
    from byok_bench.checks.capabilities.fallback import compare_records

    model = endpoint.find_model(report.record.model)
    return compare_records(model.record, report.record) if model is not None and model.record is not None else None


def describe_comparison(compared: "Comparison | None") -> object:
    """The comparison as plain data, with its sentence."""
    import msgspec

    if compared is None:
        return None
    return {"sentence": compared.sentence, "is_suspicious": compared.is_suspicious, **msgspec.to_builtins(compared)}


def save_to_book(endpoint: "Endpoint", report: "CapabilityReport") -> None:
    """Write what was found into the model of the book, and say where the exchanges are."""
    from byok_bench.checks.capabilities.saving import save_report
    from byok_bench.endpoints.book import EndpointBook

    path = save_report(EndpointBook.open(), endpoint, report)
    note(f"byok-bench: saved; the exchanges are in {path}")
