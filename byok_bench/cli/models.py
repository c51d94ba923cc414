"""`byok-bench models`: what /models lists, beside what is configured."""

from typing import Annotated

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.console import Exit, emit_json, note, run_async
from byok_bench.cli.settings import OwnSettings


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("models", short_help="List the models that a server names")(print_models)


def print_models(
    endpoint: endpoint_options.EndpointArgument = None,
    base_url: endpoint_options.BaseUrl = None,
    model: endpoint_options.ModelId = None,
    key_env: endpoint_options.KeyEnv = None,
    schema: endpoint_options.Schema = None,
    settings: OwnSettings = None,
    profile: endpoint_options.Profile = "local",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """List the models that the server names, and say which of them are configured. Advisory: lists are often wrong."""
    from byok_bench.checks.advice import describe_failure, has_sent_key
    from byok_bench.checks.registry import run_checks
    from byok_bench.cli.send import choose_exit_code, to_printable_text
    from byok_bench.dialects.model_list import list_usable_models, read_context_windows
    from byok_bench.endpoints.send import list_models

    given = endpoint_options.collect_options(base_url, model, key_env, schema, settings)
    chosen = endpoint_options.choose_endpoint(endpoint, given, needs_model=False)
    exchange = run_async(
        list_models(
            chosen,
            profile=endpoint_options.resolve_egress_profile(profile),
            policy=endpoint_options.read_egress_policy(),
        )
    )
    listed = list_usable_models(exchange.reading.body.document)
    configured = [one.name for one in chosen.models]
    if as_json:
        document = exchange.to_json(run_checks(exchange))
        windows = read_context_windows(exchange.reading.body.document)
        emit_json(
            {
                "version": 1,
                "listed": listed,
                "windows": windows,
                "configured": configured,
                "exchange": document,
            }
        )
        raise typer.Exit(int(choose_exit_code(exchange)))
    for name in listed:
        typer.echo(to_printable_text(f"{name}  (configured)" if name in configured else name))
    for name in configured if exchange.error is None else ():
        if name not in listed:
            note(f"{name} is configured and not listed")
    for finding in run_checks(exchange):
        note(f"{finding.severity}: {finding.check}: {to_printable_text(finding.message)}")
    if exchange.error is not None:
        said = to_printable_text(describe_failure(exchange.error, is_list=True, key_sent=has_sent_key(exchange)))
        note(f"byok-bench: {exchange.error.kind} ({exchange.error.phase}): {said}")
    raise typer.Exit(int(choose_exit_code(exchange) if exchange.error else Exit.OK))
