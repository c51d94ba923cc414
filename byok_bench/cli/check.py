"""`byok-bench check`: the ladder, with what each rung costs."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.console import Exit, emit_json, fail, note, run_async
from byok_bench.cli.settings import OwnSettings

if TYPE_CHECKING:
    from byok_bench.checks.ladder.report import LadderReport, Rung
    from byok_bench.checks.remedies import Remedy
    from byok_bench.endpoints.endpoint import Endpoint


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check", short_help="Climb the check ladder of one endpoint")(check_endpoint)


def check_endpoint(
    endpoint: endpoint_options.EndpointArgument = None,
    base_url: endpoint_options.BaseUrl = None,
    model: endpoint_options.ModelId = None,
    key_env: endpoint_options.KeyEnv = None,
    schema: endpoint_options.Schema = None,
    settings: OwnSettings = None,
    profile: endpoint_options.Profile = "local",
    deep: Annotated[bool, typer.Option("--deep", help="Run every probe about the dialect after the ladder.")] = False,
    save: Annotated[
        bool, typer.Option("--save", help="Note in the book what the model was seen to be able to do.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Climb the check ladder: parse, policy, dns, connect, tls, models, chat, stream, tools, turn 2.

    Exit code 1 if a rung failed.
    """
    from byok_bench.checks.ladder.climb import ladder

    given = endpoint_options.collect_options(base_url, model, key_env, schema, settings)
    chosen = endpoint_options.choose_endpoint(endpoint, given)
    if model is None and not chosen.models:
        fail("name the model that is to answer: --model ID; `byok-bench models` lists what there is")
    report = run_async(
        ladder(
            chosen,
            model=model,
            profile=endpoint_options.resolve_egress_profile(profile),
            policy=endpoint_options.read_egress_policy(),
            deep=deep,
            on_rung=partial(print_rung, to_stdout=not as_json),
        )
    )
    tell = note if as_json else typer.echo
    tell(report.spending)
    for remedy in report.remedies:
        tell(f"{remedy.words} {_describe_mending(remedy, chosen, is_booked=endpoint is not None)}")
    if save:
        keep_capabilities(chosen, report)
    if as_json:
        emit_json(report.to_json())
    raise typer.Exit(int(Exit.OK if report.has_passed else Exit.FELL_SHORT))


def print_rung(rung: "Rung", *, to_stdout: bool) -> None:
    """One line a rung, as it ends: on stdout, for it is what was asked for, unless a document is to stand there."""
    from byok_bench.checks.ladder.report import render_rung_line
    from byok_bench.report.printable_text import to_printable_line

    typer.echo(to_printable_line(render_rung_line(rung)), err=not to_stdout)


def _describe_mending(remedy: "Remedy", endpoint: "Endpoint", *, is_booked: bool) -> str:
    """How to set it: in the book, or beside --base-url."""
    from byok_bench.checks.remedies import render_command

    return f"Do it: {render_command(remedy, endpoint)}" if is_booked else f"Add --set {remedy.field}={remedy.value}"


def keep_capabilities(endpoint: "Endpoint", report: "LadderReport") -> None:
    """Write what was shown into the model of the book."""
    from msgspec.structs import replace

    from byok_bench.checks.ladder.capabilities import note_proofs
    from byok_bench.endpoints.book import EndpointBook

    book = EndpointBook.open()
    endpoint = book.look_up_again(endpoint)
    if endpoint.find_model(report.model) is None:
        note(f"byok-bench: nothing is saved: {endpoint.label!r} has no model {report.model!r} in the book")
        return
    models = [note_proofs(one, report) if one.name == report.model else one for one in endpoint.models]
    book.update(replace(endpoint, models=models))
