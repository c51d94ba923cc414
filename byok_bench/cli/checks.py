"""`byok-bench checks`: the catalogue of rules, and the page of one of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli.completion import complete_rule
from byok_bench.cli.console import emit_json, fail
from byok_bench.cli.option_rules import CommandGroup

if TYPE_CHECKING:
    from byok_bench.checks.registry import Check


def add_command(app: typer.Typer) -> None:
    """Add the commands."""
    group = CommandGroup(
        help="The catalogue of rules: what is checked, why, and who was seen breaking it.",
        short_help="The catalogue of rules",
    )
    group.command("list")(list_checks)
    group.command("show")(print_rule)
    app.add_typer(group, name="checks", no_args_is_help=True)


def list_checks(
    group: Annotated[str | None, typer.Option(help="Only this group, such as framing or tool-calls.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The catalogue as one JSON document.")] = False,
) -> None:
    """List the rules: id, severity, how each is checked, and its title."""
    from byok_bench.checks.registry import load_catalogue

    every = load_catalogue()
    groups = list(dict.fromkeys(one.group for one in every))
    if group is not None and group not in groups:
        fail(f"no group {group!r}: use one of {', '.join(groups)}")
    chosen = [one for one in every if group in (None, one.group)]
    if as_json:
        emit_json([_list_facts(one) for one in chosen])
        return
    width = max(len(one.id) for one in chosen)
    for one in chosen:
        typer.echo(f"{one.id:{width}}  {one.severity:5}  {one.mode:7}  {one.title}")


def print_rule(
    id: Annotated[
        str, typer.Argument(help="Id of a rule, such as stream.truncated.", metavar="ID", autocompletion=complete_rule)
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Facts and page as one JSON document.")] = False,
) -> None:
    """Print the page of one rule, in Markdown."""
    from difflib import get_close_matches

    from byok_bench.checks.registry import load_catalogue
    from byok_bench.checks.rule_pages import load_rule_page

    every = {one.id: one for one in load_catalogue()}
    if id not in every:
        near = get_close_matches(id, every, n=3)
        fail(f"no rule {id!r}" + (f": did you mean {' or '.join(near)}?" if near else "; see checks list"))
    if as_json:
        emit_json({"version": 1, **_list_facts(every[id]), "page": load_rule_page(id)})
    else:
        typer.echo(load_rule_page(id), nl=False)


def _list_facts(one: "Check") -> dict[str, object]:
    """What the catalogue says of a rule, without its function."""
    names = (
        "id",
        "group",
        "severity",
        "mode",
        "applies_to",
        "also",
        "title",
        "rule",
        "why",
        "seen_in",
        "cost",
    )
    return {name: getattr(one, name) for name in names}
