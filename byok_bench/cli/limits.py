"""`byok-bench limits`: how much an endpoint lets through, and after how long a silence a hop in front of one cuts."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.completion import complete_label
from byok_bench.cli.console import Exit, ask_yes_or_no, emit_json, exit_stopped, note, run_async
from byok_bench.cli.settings import OwnSettings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.runs.limits.limits_map import LimitsMap
    from byok_bench.runs.limits.search import LimitSearch
    from byok_bench.runs.limits.silences import SilenceMap

    AsksSilences = Callable[..., Awaitable[SilenceMap]]

HOPS_VERSION = 2


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("limits", short_help="How much an endpoint lets through, and may be silent")(print_limits)


def print_limits(
    endpoint: endpoint_options.EndpointArgument = None,
    base_url: endpoint_options.BaseUrl = None,
    model: endpoint_options.ModelId = None,
    key_env: endpoint_options.KeyEnv = None,
    schema: endpoint_options.Schema = None,
    settings: OwnSettings = None,
    profile: endpoint_options.Profile = "local",
    max_requests: Annotated[int | None, typer.Option("--max-requests", min=1, help="Send no more.")] = None,
    max_cost: Annotated[
        float | None, typer.Option("--max-cost", help="Send nothing that could pass it; needs a declared price.")
    ] = None,
    max_seconds: Annotated[float | None, typer.Option("--max-seconds", help="Send nothing after that time.")] = None,
    widest: Annotated[int, typer.Option("--widest", min=1, max=512, help="Requests at a time, at most.")] = 16,
    window_s: Annotated[
        float, typer.Option("--window-s", min=0.01, help="Seconds of the window that the server counts in.")
    ] = 60.0,
    large_tokens: Annotated[
        int, typer.Option("--large-tokens", min=0, help="Of the prompts that find a limit of tokens; 0: leave it out.")
    ] = 1000,
    silence: Annotated[
        bool, typer.Option("--silence", help="The silence map instead, of a hop with byok-bench serve behind it.")
    ] = False,
    longest_s: Annotated[
        float, typer.Option("--longest-s", min=0.1, max=3600, help="Seconds of silence that are tried.")
    ] = 120.0,
    behind: Annotated[
        list[str] | None,
        typer.Option(
            "--behind",
            help="Endpoint of the next hop inwards, to tell who cuts; may be repeated.",
            autocompletion=complete_label,
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before sending.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and send nothing.")] = False,
    save: Annotated[bool, typer.Option("--save", help="Note what was found in the book, with its date.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Find the limits at a time and over time, whether headers tell them truly, and the cheapest safe concurrency.

    One of --max-requests, --max-cost and --max-seconds has to be given. Exit code 3 if nothing was answered.
    """
    from byok_bench.checks.ladder.climb import choose_model_id
    from byok_bench.runs.limits.bounds import Bounds, SearchSettings, describe_search
    from byok_bench.runs.limits.search import LimitSearch
    from byok_bench.runs.limits.silences import find_silences
    from byok_bench.runs.measuring.stop_switch import StopSwitch

    given = endpoint_options.collect_options(base_url, model, key_env, schema, settings)
    chosen = endpoint_options.choose_endpoint(endpoint, given)
    resolved, policy = endpoint_options.resolve_egress_profile(profile), endpoint_options.read_egress_policy()
    if silence:
        hops = [chosen, *(endpoint_options.find_booked_endpoint(label) for label in behind or ())]
        confirm_expense(f"{5 * len(hops)} requests, in about {longest_s:g} seconds", yes=yes, dry_run=dry_run)
        stop = StopSwitch()
        asks = partial(find_silences, longest_s=longest_s, profile=resolved, policy=policy, stop=stop)
        with stop.enable():
            maps = run_async(ask_hops(asks, hops, model), finish=stop.press, tell=ignore)
        print_silences(maps, as_json=as_json)
        if stop.is_pressed:
            exit_stopped("; what was cut until then is told above")
        return
    bounds = Bounds(requests=max_requests, cost=max_cost, seconds=max_seconds)
    bounds.check(chosen)
    confirm_expense(describe_search(chosen, model, bounds, large_tokens), yes=yes, dry_run=dry_run)
    settings_of_search = SearchSettings(
        endpoint=chosen,
        model=choose_model_id(chosen, model) or chosen.get_model().name,
        bounds=bounds,
        widest=widest,
        window_s=window_s,
        large_tokens=large_tokens,
        profile=resolved,
        policy=policy,
        on_progress=note,
    )
    found, is_partial = carry_out_search(LimitSearch(settings_of_search))
    print_map(found, as_json=as_json)
    if is_partial:
        exit_stopped("; what was measured until then is told above" + (", and not saved" if save else ""))
    if save:
        save_map(chosen, found)
    raise typer.Exit(int(Exit.OK if found.is_answered else Exit.UNFINISHED))


def carry_out_search(search: "LimitSearch") -> "tuple[LimitsMap, bool]":
    """The map, and whether it was stopped before it was over: by Ctrl-C once what is in flight is answered, at once by
    the second one or SIGTERM.
    """
    from byok_bench.runs.measuring.stop_switch import StopSwitch

    stop, has_ended = StopSwitch(), True
    try:
        run_async(search.run(stop=stop), finish=stop.press)
    except KeyboardInterrupt:
        search.stop()
        has_ended = False
    return search.make_map(), stop.is_pressed or not has_ended


def ignore(said: str) -> None:
    """Nothing in flight is waited for, so nothing of it is told."""


def confirm_expense(expense: str, *, yes: bool, dry_run: bool) -> None:
    """Say what will be sent, and go on only if that is wanted."""
    note(f"This sends {expense}.")
    if dry_run:
        raise typer.Exit(int(Exit.OK))
    if not yes and not ask_yes_or_no("Go on?", "add --yes"):
        raise typer.Exit(int(Exit.OK))


def print_map(found: "LimitsMap", *, as_json: bool) -> None:
    """The map as lines, or as one document."""
    from byok_bench.report.printable_text import to_printable_line

    tell = partial(typer.echo, err=as_json)
    for line in found.list_lines():
        tell(to_printable_line(line))
    stopped = f"; {found.stopped}" if found.stopped else ""
    tell(to_printable_line(f"It took {found.spending}, {found.seconds:.0f} seconds{stopped}."))
    if as_json:
        emit_json(found.to_json())


def save_map(endpoint: "Endpoint", found: "LimitsMap") -> None:
    """Write what was found into the model of the book."""
    from byok_bench.endpoints.book import EndpointBook
    from byok_bench.runs.limits.saving import save_limits

    path = save_limits(EndpointBook.open(), endpoint, found)
    note(f"byok-bench: saved; the exchanges are in {path}")


async def ask_hops(asks: "AsksSilences", hops: "list[Endpoint]", model: str | None) -> "list[SilenceMap]":
    """All at once: silence takes time and nothing else. `model` is that of the outermost hop."""
    first, *others = hops
    return list(await asyncio.gather(asks(first, model=model), *(asks(hop) for hop in others)))


def print_silences(maps: "list[SilenceMap]", *, as_json: bool) -> None:
    """The silence map of each hop, and who cuts."""
    from byok_bench.report.printable_text import to_printable_line
    from byok_bench.runs.limits.silences import iterate_cutters

    cutters = list(iterate_cutters(maps)) if len(maps) > 1 else []
    for line in [*(line for found in maps for line in str(found).splitlines()), *cutters]:
        typer.echo(to_printable_line(line), err=as_json)
    if as_json:
        emit_json({"version": HOPS_VERSION, "hops": [found.to_json() for found in maps], "cutters": cutters})
