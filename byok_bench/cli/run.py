"""`byok-bench run`: endpoints × scenarios × repeats, by a plan file or by options; resumable."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.completion import complete_label, complete_scenario
from byok_bench.cli.console import Exit, ask_hidden, emit_json, exit_stopped, fail, note, run_async
from byok_bench.cli.dry_run import print_forecast
from byok_bench.cli.endpoint_fields import EndpointOptions
from byok_bench.cli.plan_gates import (
    check_baseline_of_plan,
    is_decided,
    judge_plan_gates,
    read_plan_gates,
    read_until_gates,
)
from byok_bench.cli.settings import OwnSettings
from byok_bench.errors import ByokBenchError, EndpointError, PlanError
from byok_bench.report.printable_text import describe_count

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from byok_bench.cli.plan_gates import PlanGates
    from byok_bench.cli.progress_bar import ProgressBar
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.runs.measuring.stop_switch import StopSwitch
    from byok_bench.runs.results import Run
    from byok_bench.runs.row import Row


class RunOptions(NamedTuple):
    """What the command line asks for."""

    plan: Path | None
    endpoints: "list[Endpoint]"
    settings: dict[str, Any]
    """Arguments of `bb.run` that were given; they win over the plan file's."""
    store: Path | None
    is_new: bool
    note: str


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", short_help="Play agent scenarios against endpoints")(run_plan)


def run_plan(
    plan: Annotated[Path | None, typer.Argument(help="Plan file (TOML); options beside it win.")] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            "--endpoint", "-e", help="Endpoint of the book; repeat it for several.", autocompletion=complete_label
        ),
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            "-s",
            help="Scenario, set (agent, errors, all) or TOML file; repeatable.",
            autocompletion=complete_scenario,
        ),
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="How often each sample is played. [default: 5]")] = None,
    concurrency: Annotated[
        str | None, typer.Option(help="Samples in flight on one target; 1,4,16 climbs a ladder.")
    ] = None,
    rate: Annotated[
        str | None, typer.Option(help="Samples started a second, whatever is in flight; 1,2,4 in turn.")
    ] = None,
    arrivals: Annotated[str | None, typer.Option(help="poisson or constant, for --rate. [default: poisson]")] = None,
    ramp_to: Annotated[float | None, typer.Option(help="Let --rate grow evenly to this one.")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides order and arrivals.")] = None,
    warmup: Annotated[int | None, typer.Option(min=0, help="Requests to each target beforehand. [default: 1]")] = None,
    attempts: Annotated[
        int | None, typer.Option(min=1, help="Requests at most for one answer. [default: 1, no retry]")
    ] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="Processes that drive the load. [default: 1]")] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Send nothing that could cost more in all, by the declared prices.")
    ] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Send nothing that could take more tokens in all.")
    ] = None,
    max_requests: Annotated[int | None, typer.Option(min=1, help="Send no more requests in all.")] = None,
    until_decided: Annotated[
        str | None, typer.Option(metavar="RULES", help="Stop once these rules (file or preset) are decided.")
    ] = None,
    against: Annotated[str | None, typer.Option(help="Baseline of --until-decided: name, file or run.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be sent, and what it tells; send nothing.")
    ] = False,
    shard: Annotated[str | None, typer.Option(metavar="I/N", help="Play this part of the plan only, like 3/8.")] = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Play on the workers of this Dask scheduler, like tls://host:8786."),
    ] = None,
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    resume: Annotated[str | None, typer.Option(help="Go on with this run by its own plan; `last` is one, too.")] = None,
    ask_key: Annotated[
        bool, typer.Option("--ask-key", help="With --resume: ask for keys that were kept for one session only.")
    ] = False,
    new: Annotated[bool, typer.Option("--new", help="Start anew, even if this plan has an unfinished run.")] = False,
    label: Annotated[str, typer.Option("--note", help="What to call the run; found by it later.")] = "",
    base_url: endpoint_options.BaseUrl = None,
    model: endpoint_options.ModelId = None,
    key_env: endpoint_options.KeyEnv = None,
    schema: endpoint_options.Schema = None,
    settings: OwnSettings = None,
    profile: Annotated[str | None, typer.Option(help="local or shared. [default: local]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The tables as one JSON document on stdout.")] = False,
) -> None:
    """Play agent scenarios against endpoints, and print what came of it. Ctrl-C keeps what was measured."""
    from byok_bench.cli.progress_bar import ProgressBar

    given = endpoint_options.collect_options(base_url, model, key_env, schema, settings)
    asked = RunOptions(
        plan=plan,
        endpoints=list_given_endpoints(endpoint or [], given),
        settings=drop_unset(
            scenarios=scenario or None,
            repeats=repeats,
            concurrency=read_numbers(concurrency, int, "--concurrency"),
            rate=read_numbers(rate, float, "--rate"),
            arrivals=arrivals,
            ramp_to=ramp_to,
            seed=seed,
            warmup=warmup,
            attempts=attempts,
            processes=processes,
            profile=profile,
            shard=shard,
            max_cost=max_cost,
            max_tokens=max_tokens,
            max_requests=max_requests,
            cluster=dask,
        ),
        store=store,
        is_new=new,
        note=label,
    )
    gates = None if plan is None else read_plan_gates(plan)
    if until_decided is not None:
        gates = read_until_gates(until_decided, against)
        asked.settings["until"] = partial(is_decided, gates)
    if dry_run:
        endpoints, arguments = collect_arguments(asked)
        with name_plan_file(asked):
            if gates is not None:
                check_baseline_of_plan(gates, endpoints, arguments)
            print_forecast(endpoints, arguments, store, as_json)
        raise typer.Exit(int(Exit.OK))
    if ask_key and resume is not None:
        asked.endpoints.extend(ask_session_keys(resume, store, asked.endpoints))
    bar = ProgressBar()
    if resume is None:
        endpoints, arguments = collect_arguments(asked)
        if gates is not None:
            check_baseline_of_plan(gates, endpoints, arguments)
        work = partial(start_planned_run, asked, endpoints, arguments)
    else:
        work = partial(resume_stored_run, resume, asked)
    code = print_outcome(carry_out_run(work, bar), as_json, gates)
    if bar.limit:
        note(f"byok-bench: stopped by the limit of {bar.limit}{describe_kept_samples(bar)}")
    is_short = bool(bar.unusable_endpoints or (bar.limit and code is not Exit.FELL_SHORT))
    raise typer.Exit(int(Exit.UNFINISHED if is_short else code))


def drop_unset(**options: Any) -> dict[str, Any]:
    """The options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def list_given_endpoints(names: list[str], given: EndpointOptions) -> "list[Endpoint]":
    """The endpoints that options name: those of the book, then the one that is made of options."""
    alone = len(names) + (given.base_url is not None) == 1
    named = [endpoint_options.find_booked_endpoint(name, needs_all=alone) for name in names]
    return named if given.base_url is None else [*named, endpoint_options.make_ad_hoc_endpoint(given)]


def collect_arguments(asked: RunOptions) -> "tuple[list[Endpoint], dict[str, Any]]":
    """Endpoints and arguments of `bb.run`, by a plan file and options."""
    from byok_bench.runs.planning.plan_file import list_inline_endpoints, make_run_arguments, read_plan

    plan, chosen = asked.plan, asked.settings
    settings: dict[str, Any] = {"scenarios": "agent"}
    endpoints = asked.endpoints
    if plan is not None:
        file = read_plan(plan)
        settings |= drop_other_load(make_run_arguments(file, plan), chosen)
        alone = len(file.endpoints) + len(file.endpoint) == 1
        with name_plan_file(asked):
            endpoints = asked.endpoints or [
                *(endpoint_options.find_booked_endpoint(name, needs_all=alone) for name in file.endpoints),
                *list_inline_endpoints(file),
            ]
    if not endpoints:
        fail("name an endpoint: --endpoint NAME, or --base-url URL --model ID, or a plan file that does")
    settings |= chosen
    settings["profile"] = endpoint_options.resolve_egress_profile(settings.get("profile") or "local")
    return endpoints, settings


async def start_planned_run(
    asked: RunOptions, endpoints: "list[Endpoint]", settings: dict[str, Any], bar: "ProgressBar", stop: "StopSwitch"
) -> "Run":
    """A run by a plan file and options, of which endpoints and arguments were made."""
    from byok_bench.runs.runner import run

    policy = endpoint_options.read_egress_policy()
    with name_plan_file(asked):
        return await run(
            endpoints,
            store=asked.store,
            on_progress=bar,
            resume=not asked.is_new,
            policy=policy,
            note=asked.note,
            plan_file=asked.plan or "",
            stop=stop,
            **settings,
        )


@contextmanager
def name_plan_file(asked: RunOptions) -> Iterator[None]:
    """What is wrong with a plan is told with its file, where no option may be what is wrong."""
    try:
        yield
    except (PlanError, EndpointError) as error:
        if asked.plan is None or asked.endpoints or asked.settings or str(asked.plan) in str(error):
            raise
        raise PlanError(f"{asked.plan}: {error}", code=error.code) from None


def drop_other_load(of_file: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """The settings of a plan file, without its load where an option asks for one of the other kind."""
    dropped = ["concurrency"] if "rate" in chosen else []
    dropped += ["rate", "arrivals", "ramp_to"] if "concurrency" in chosen else []
    gone = [name for name in dropped if name in of_file]
    if gone:
        note(f"byok-bench: the options stand in place of the plan's {', '.join(gone)}")
    return {name: value for name, value in of_file.items() if name not in gone}


async def resume_stored_run(wanted: str, asked: RunOptions, bar: "ProgressBar", stop: "StopSwitch") -> "Run":
    """A stored run by its own plan; its endpoints come from the command line, the book, or the plan itself."""
    from byok_bench.runs.planning.budgets import Limits
    from byok_bench.runs.play_settings import PlaySettings
    from byok_bench.runs.results import Run
    from byok_bench.runs.runner import resume

    given = asked.endpoints
    found = Run.open(wanted, asked.store)
    labels = [endpoint.label for endpoint in found.plan.endpoints]
    for endpoint in given:
        if endpoint.label not in labels:
            fail(f"run {found.id} has no endpoint {endpoint.label!r}; it has {', '.join(labels)}")
    booked = [endpoint for endpoint in endpoint_options.list_booked_endpoints() if endpoint.label in labels]
    limits = Limits(**{name: asked.settings.get(f"max_{name}") for name in Limits.__struct_fields__})
    means = PlaySettings(policy=endpoint_options.read_egress_policy(), limits=limits, stop=stop)
    return await resume(wanted, asked.store, bar, endpoints=[*booked, *given], means=means)


def ask_session_keys(wanted: str, store: Path | None, given: "list[Endpoint]") -> "list[Endpoint]":
    """The endpoints of a stored run whose keys a session took with it, each with the key that is typed now."""
    import msgspec

    from byok_bench.endpoints.keys import KeyRef
    from byok_bench.runs.attachment import is_key_gone
    from byok_bench.runs.results import Run

    now = {one.label: one for one in (*endpoint_options.list_booked_endpoints(), *given)}
    planned = [now.get(one.label, one) for one in Run.open(wanted, store).plan.endpoints]
    otherwise = "start it at a terminal, or name endpoints that have their keys"
    return [
        msgspec.structs.replace(one, key=KeyRef.session(ask_hidden(f"The {one.describe_key()}", otherwise)))
        for one in planned
        if is_key_gone(one)
    ]


def carry_out_run(work: "Callable[[ProgressBar, StopSwitch], Coroutine[Any, Any, Run]]", bar: "ProgressBar") -> "Run":
    """Run to the end on a loop of our own; a run that was cut short exits with one line that says how to go on."""
    from byok_bench.runs.measuring.event_loop import find_loop_factory
    from byok_bench.runs.measuring.stop_switch import StopSwitch

    stop = StopSwitch()
    try:
        with bar:
            run = run_async(work(bar, stop), find_loop_factory(), stop.press, bar.tell)
    except KeyboardInterrupt:
        exit_stopped(describe_kept_samples(bar))
    except ByokBenchError as error:
        if bar.started is None:
            raise
        fail(f"{error}{describe_kept_samples(bar)}", Exit.UNFINISHED)
    if stop.is_pressed and run.status != "finished":
        exit_stopped(describe_kept_samples(bar))
    return run


def describe_kept_samples(bar: "ProgressBar") -> str:
    """What is kept of a run that was cut short."""
    if bar.started is None:
        return ", before anything was sent"
    from byok_bench.runs.storage.result_path import locate_store

    started = bar.started
    elsewhere = f" --store {quote(started.store)}" if started.store != str(locate_store(None)) else ""
    samples = describe_count(started.samples - started.warmups, "sample")
    return (
        f"; {bar.kept} of {samples} {'is' if bar.kept == 1 else 'are'} kept. "
        f"Go on with: byok-bench run --resume {started.run_id}{elsewhere}"
    )


def print_outcome(run: "Run", as_json: bool, gates: "PlanGates | None") -> Exit:
    """Print the tables and what the gates say; the exit code is theirs, if every target answered something."""
    from byok_bench.cli.terminal_tables import make_tables_document, print_tables

    if not as_json:
        print_tables(run, to_stdout=True)
    judged, code = (None, Exit.OK) if gates is None else judge_plan_gates(run, gates, as_json)
    if as_json:
        emit_json(make_tables_document(run) | ({} if judged is None else {"gates": judged}))
    silent = describe_silent_targets(run)
    for line in silent:
        note(f"byok-bench: {line}")
    note(f"byok-bench report {run.id} --html report.html writes the report")
    return Exit.UNFINISHED if silent and code is not Exit.FELL_SHORT else code


def describe_silent_targets(run: "Run") -> list[str]:
    """One line for each target that gave no good answer at all to an agent prompt."""
    from byok_bench.report.printable_text import to_printable_line
    from byok_bench.report.selections import select_measured

    lines, measured = [], select_measured(run)
    for index, target in enumerate(run.plan.targets):
        asked = measured.select("target", index).select("status", "done", "failed").select("wants_failure", False)
        kinds = asked.select("caused_by_us", False).count_values("kind")
        if kinds and None not in kinds:
            kind, count = kinds.most_common(1)[0]
            first = next(row for row in run.iterate_rows() if _is_silent(row, index, kind))
            said = to_printable_line(first.message or "")[:300]
            lines.append(f"{target.name}: nothing answered; {kind} ({first.phase}) ×{count}: {said}")
    return lines


def _is_silent(row: "Row", target: int, kind: str) -> bool:
    """Whether an agent prompt of a target failed in that way."""
    is_ours = row.is_warmup or row.wants_failure or row.caused_by_us
    return not is_ours and (row.target, row.kind) == (target, kind) and row.status in ("done", "failed")


def read_numbers(text: str | None, kind: "type[int] | type[float]", option: str) -> "list[int] | list[float] | None":
    """`1,4,16` as numbers."""
    if text is None:
        return None
    try:
        return [kind(part) for part in text.split(",")]
    except ValueError:
        fail(f"{option} takes numbers with commas between them, like 1,4,16, not {text!r}")
