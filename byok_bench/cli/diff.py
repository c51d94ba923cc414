"""`byok-bench diff`: the same requests direct and through a proxy, and what became of them."""

from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.console import Exit, emit_json, note, run_async

if TYPE_CHECKING:
    from byok_bench.report.proxy_report import ProxyReport
    from byok_bench.runs.differential.pairs import Pair


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", short_help="What a proxy changes, drops, adds, and how much time it adds")(compare_endpoints)


def compare_endpoints(
    a: Annotated[str, typer.Argument(help="Endpoint of the book that is asked directly.", show_default=False)],
    b: Annotated[str, typer.Argument(help="Endpoint of the proxy in front of it.", show_default=False)],
    scenario: Annotated[
        list[str] | None, typer.Option("--scenario", help="Name, set, folder glob or file; may be repeated.")
    ] = None,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="Pairs of each sample, beside one that warms up.")
    ] = 5,
    profile: endpoint_options.Profile = "local",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Send the same requests to A and to B, taking turns, and tell what B made of the answers of A.

    Exit code 3 if nothing could be compared.
    """
    from byok_bench.report.proxy_report import diff
    from byok_bench.runs.differential.pairs import count_pairs, select_playable
    from byok_bench.scenarios.selection import find_scenarios

    first, second = (endpoint_options.find_booked_endpoint(name) for name in (a, b))
    found = find_scenarios(scenario or "agent")
    playable = select_playable(first, found)
    note(f"This sends at least {2 * count_pairs(playable.scenarios, repeats)} requests.")
    report = run_async(
        diff(
            first,
            second,
            found,
            repeats=repeats,
            profile=endpoint_options.resolve_egress_profile(profile),
            on_pair=print_pair,
        )
    )
    if as_json:
        emit_json(report.to_json())
    else:
        print_report(report)
    raise typer.Exit(
        int(Exit.OK if any(one.a.response and one.b.response for one in report.pairs) else Exit.UNFINISHED)
    )


def print_pair(pair: "Pair") -> None:
    """One line a pair, on stderr."""
    times = [f"{one.timing.e2e:.0f} ms" if one.timing.e2e is not None else "no answer" for one in (pair.a, pair.b)]
    turn = f", turn {pair.turn}" if pair.turn > 1 else ""
    note(f"{pair.scenario} · {pair.sample} {pair.repeat or 'warm-up'}{turn}: {' | '.join(times)}")


def print_report(report: "ProxyReport") -> None:
    """Sentences first, then what they are made of."""
    from byok_bench.cli.terminal_tables import print_plain_table
    from byok_bench.report.printable_text import to_printable_line

    for sentence in report.sentences:
        typer.echo(to_printable_line(sentence))
    typer.echo("")
    print_plain_table(
        report.time_table, f"Times: A {report.a}, B {report.b}", "Medians of pairs, in ms; 95 % interval."
    )
    print_plain_table(report.table, "Changes", "pairs: in which it shows, of those in which it could.")
