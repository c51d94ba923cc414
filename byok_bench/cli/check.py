"""`byok-bench check`: the ladder, with what each rung costs."""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli import adhoc
from byok_bench.cli.console import Exit, emit_json, note

if TYPE_CHECKING:
    from byok_bench.checks.rungs import Rung


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    endpoint: adhoc.EndpointArgument = None,
    base_url: adhoc.BaseUrl = None,
    model: adhoc.ModelId = None,
    key_env: adhoc.KeyEnv = None,
    schema: adhoc.Schema = "chat",
    profile: adhoc.Profile = "local",
    deep: Annotated[
        bool, typer.Option("--deep", help="Run every probe about the dialect after the ladder.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Climb the check ladder: parse, policy, dns, connect, tls, models, chat, stream, tools, turn 2."""
    from byok_bench.checks.ladder import ladder

    chosen = adhoc.endpoint_from(endpoint, base_url=base_url, model=model, key_env=key_env, schema=schema)
    assert chosen is not None
    report = asyncio.run(
        ladder(
            chosen,
            model=model,
            profile=adhoc.egress_profile(profile),
            policy=adhoc.egress_policy(),
            deep=deep,
            on_rung=say,
        )
    )
    if as_json:
        emit_json(report.to_json())
    raise typer.Exit(int(Exit.OK if report.ok else Exit.FELL_SHORT))


def say(rung: "Rung") -> None:
    """One line a rung, as it ends."""
    from byok_bench.checks.rungs import MARKS

    took = "" if rung.duration_ms is None else f"{rung.duration_ms:.0f} ms"
    spent = "" if rung.tokens is None else f"{rung.tokens} tokens"
    note(f"{MARKS[rung.verdict]} {rung.name:<24} {rung.verdict:<13}{took:>9}{spent:>12}  {rung.advice}")
