"""`byok-bench vendor`: candidates beside a reference and its noise floor, with three-valued verdicts."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byok_bench.cli import endpoint_options
from byok_bench.cli.completion import complete_run
from byok_bench.cli.console import Exit, emit_json, fail, note

if TYPE_CHECKING:
    from byok_bench.report.table_parts import Line
    from byok_bench.runs.results import Run

CODES = {"pass": Exit.OK, "fail": Exit.FELL_SHORT, "undecided": Exit.UNDECIDED}


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("vendor", short_help="Compare candidates with a reference and its noise floor")(compare_vendors)


def compare_vendors(
    run: Annotated[
        str | None, typer.Argument(help="Run id, the start of one, or `last`.", autocompletion=complete_run)
    ] = None,
    reference: Annotated[str | None, typer.Option(help="Endpoint that the others are held against.")] = None,
    candidate: Annotated[
        list[str] | None, typer.Option("--candidate", help="Endpoint to judge; repeatable. [default: all others]")
    ] = None,
    margins: Annotated[str, typer.Option(help="What is let pass: rates=0.03,times=0.1, or a metric by its name.")] = "",
    k2vv: Annotated[
        Path | None,
        typer.Option(help="Play the request lines of K2-Vendor-Verifier or MiniMax-Provider-Verifier first."),
    ] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Of each line, with --k2vv. [default: 2]")] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Lines in flight, with --k2vv. [default: 4]")] = None,
    results: Annotated[
        Path | None, typer.Option(help="Write results.jsonl and summary.json as K2-Vendor-Verifier does.")
    ] = None,
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Judge candidates beside a reference: 0 all pass, 1 one fails, 4 none fails and some are undecided."""
    from byok_bench.report.vendor.comparison import conclude_lines, list_vendor_lines
    from byok_bench.runs.results import Run

    if reference is None:
        fail("name the endpoint that the others are held against: --reference NAME")
    limits = read_margins(margins)
    names = candidate or []
    if k2vv is not None:
        opened = play_request_lines(k2vv, [reference, *names], run, store, repeats or 2, concurrency or 4)
    else:
        opened = Run.open(run or "last", store)
    lines = list_vendor_lines(opened, reference, names, limits)
    written = []
    if results is not None:
        from byok_bench.report.vendor.k2vv_files import write_k2vv_results

        written = write_k2vv_results(opened, results)
    if as_json:
        emit_json(make_vendor_document(opened, lines, reference, names) | {"written": [str(one) for one in written]})
    else:
        print_vendors(opened, lines)
    for path in written:
        note(f"written: {path}")
    raise typer.Exit(int(CODES[conclude_lines(lines)]))


def read_margins(text: str) -> dict[str, float]:
    """`rates=0.03,times=0.1` as numbers by name."""
    found = {}
    for part in filter(None, text.split(",")):
        name, _, number = part.partition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError:
            fail(f"--margins takes NAME=NUMBER with commas between, like rates=0.03,times=0.1, not {part!r}")
    return found


def play_request_lines(
    path: Path, names: list[str], run: str | None, store: Path | None, repeats: int, concurrency: int
) -> "Run":
    """The lines of a file on the named endpoints of the book; on those of a stored run where one is named."""
    from byok_bench.cli.progress_bar import ProgressBar
    from byok_bench.cli.run import carry_out_run
    from byok_bench.runs.measuring.stop_switch import StopSwitch
    from byok_bench.runs.results import Run
    from byok_bench.scenarios.request_lines import read_request_lines

    scenario = read_request_lines(path)
    labels = [*names, *([one.label for one in Run.open(run, store).plan.endpoints] if run and len(names) < 2 else [])]
    wanted = list(dict.fromkeys(labels))
    if len(wanted) < 2:
        fail("name whom to play the lines on: --candidate NAME, once or more, or a run that has them")
    endpoints = [endpoint_options.find_booked_endpoint(name, needs_all=False) for name in wanted]

    async def play(bar: ProgressBar, stop: StopSwitch) -> Run:
        from byok_bench.runs.runner import run as start

        return await start(
            endpoints,
            scenario,
            repeats,
            concurrency,
            store,
            bar,
            profile=endpoint_options.resolve_egress_profile("local"),
            policy=endpoint_options.read_egress_policy(),
            note=f"vendor {path.name}",
            stop=stop,
        )

    return carry_out_run(play, ProgressBar())


def make_vendor_document(run: "Run", lines: "list[Line]", reference: str, candidates: list[str]) -> dict[str, Any]:
    """The verdicts, the ranking and the finish reasons, JSON-ready."""
    from byok_bench.report.columns import TABLES_VERSION
    from byok_bench.report.evidence import name_targets
    from byok_bench.report.run_notes import list_run_notes
    from byok_bench.report.vendor.comparison import choose_sides, conclude_lines
    from byok_bench.report.vendor.details import count_finishes
    from byok_bench.report.vendor.ranking import list_ranking_lines

    sides, names = choose_sides(run, reference, candidates), name_targets(run)
    return {
        "version": TABLES_VERSION,
        "run": run.id,
        "reference": names[sides.reference],
        "verdict": conclude_lines(lines),
        "vendor": lines,
        "ranking": list_ranking_lines(run),
        "finish": {
            names[one]: count_finishes(sides.by_target[sides.reference], sides.by_target[one])
            for one in sides.candidates
        },
        "notes": list_run_notes(run),
    }


def print_vendors(run: "Run", lines: "list[Line]") -> None:
    """One table a candidate, then who is cheapest, quickest and most reliable."""
    from itertools import groupby

    from byok_bench.cli.terminal_tables import make_console, print_lines, to_rich_text
    from byok_bench.report.run_notes import list_run_notes
    from byok_bench.report.vendor.ranking import describe_ranking, list_ranking_lines
    from byok_bench.report.vendor.wording import NOTE, describe_candidate, render_ranking, render_vendor

    console = make_console(to_stdout=True)
    for (name, reference), part in groupby(lines, lambda line: (line["endpoint"], line["reference"])):
        made = list(part)
        for sentence in describe_candidate(made):
            console.print(to_rich_text(sentence))
        print_lines(console, render_vendor(made), f"{name} beside {reference}", NOTE)
    ranking = list_ranking_lines(run)
    print_lines(console, render_ranking(ranking), "Per solved task", "; ".join(describe_ranking(ranking)) + ".")
    for told in list_run_notes(run):
        console.print(to_rich_text(f"! {told}"), style="yellow")
