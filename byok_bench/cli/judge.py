"""`byok-bench judge`: may this base URL be called, and if not, what to change."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.console import Exit, emit_json, fail, note
from byok_bench.errors import BookError


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("judge", short_help="Say whether a base URL may be called")(judge_base_url)


def judge_base_url(
    url: Annotated[str, typer.Argument(help="Base URL to judge; nothing is sent to it, but its name is looked up.")],
    profile: Annotated[
        Literal["local", "shared"],
        typer.Option(help="local: your own machine; shared: a worker or server that others use too."),
    ] = "local",
    policy: Annotated[
        Path | None,
        typer.Option(
            help="A policy file: what policy.toml of a workspace may say, the lists in its table [egress]. "
            "Default: policy.toml of this workspace, its profile too."
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the verdict as JSON.")] = False,
) -> None:
    """Say whether a base URL may be called, and at which addresses.

    Exit code 0: allowed; 1: blocked; 2: the policy cannot be used.
    """
    from byok_bench.wire.egress.verdicts import judge as judge_url

    if policy is None:
        held, lists, whose = (
            endpoint_options.resolve_egress_profile(profile),
            endpoint_options.read_egress_policy(),
            "this workspace's policy.toml",
        )
    else:
        held, lists, whose = *_read_policy(policy, profile), str(policy)
    if held != profile:
        note(f"{whose} says profile {held}")
    verdict = judge_url(url, held, policy=lists)
    if json:
        emit_json(verdict)
    elif verdict.action == "allow":
        typer.echo(verdict.base_url)
    note(f"{verdict.action} ({verdict.reason}): {verdict.message}")
    if verdict.addresses:
        note(f"addresses: {', '.join(verdict.addresses)}")
    if verdict.notes:
        note(f"notes: {', '.join(verdict.notes)}")
    if verdict.reason == "bad_policy":
        raise typer.Exit(int(Exit.USAGE))
    if verdict.action == "block":
        raise typer.Exit(int(Exit.FELL_SHORT))


def _read_policy(path: Path, profile: str) -> tuple[str, Any]:
    """(profile, lists) of a policy file; what is wrong in the lists is found by judge.

    Lists at the top of the file, the form of earlier versions, are read and told: a workspace's policy refuses them.
    """
    from byok_bench.endpoints.workspace import Workspace, read_workspace

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        fail(f"cannot read the policy {path}: {error.strerror}")
    except ValueError as error:
        fail(f"the policy {path} is no TOML: {error}")
    if table and not table.keys() & set(Workspace.__struct_fields__):
        note(f"put the lists of {path} into a table [egress]: a workspace's policy.toml takes them only there")
        return profile, table
    try:
        workspace = read_workspace(path)
    except BookError as error:
        fail(str(error))
    return workspace.choose_profile(profile), workspace.policy
