"""`byok-bench runs`: the result file itself: which runs are in it, what they take, and what is to go."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli.completion import complete_run
from byok_bench.cli.console import Exit, ask_yes_or_no, emit_json, fail, note
from byok_bench.cli.option_rules import CommandGroup
from byok_bench.cli.run_baseline import keep_baseline
from byok_bench.cli.run_history import show_history
from byok_bench.cli.run_import import import_run
from byok_bench.cli.run_lists import LISTS_VERSION, print_run_list, render_date, render_size, render_summary
from byok_bench.report.printable_text import describe_count

if TYPE_CHECKING:
    from byok_bench.runs.results import Run

StorePath = Annotated[Path | None, typer.Option("--store", help="Result file.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
RunName = Annotated[
    str,
    typer.Argument(help="Run id, the start of one, its note, or `last`.", metavar="RUN", autocompletion=complete_run),
]


def add_command(app: typer.Typer) -> None:
    """Add the commands."""
    group = CommandGroup(
        help="The result file: list, show, delete, export and check what is in it.",
        short_help="The result file: list, show, delete, export, check",
    )
    group.command("list", short_help="The runs, oldest first")(list_stored)
    group.command("show", short_help="One run without its tables")(show_run)
    group.command("note", short_help="Give a run a name to find it by")(name_run)
    group.command("delete", short_help="Delete runs with all their exchanges")(delete_stored)
    group.command("vacuum", short_help="Give back the room that no run takes")(vacuum_file)
    group.command("check", short_help="Read everything, and say what is damaged")(check_file)
    group.command("merge", short_help="Join the shards of a run")(merge_parts)
    group.command("export", short_help="Write runs for other tools")(export_run)
    group.command("import", short_help="Read results of other tools as runs")(import_run)
    group.command("baseline", short_help="Keep a run to hold later ones against")(keep_baseline)
    group.command("history", short_help="How runs of one plan went over time")(show_history)
    app.add_typer(group, name="runs", no_args_is_help=True)


def list_stored(store: StorePath = None, as_json: AsJson = False) -> None:
    """List the runs, oldest first: when, how they stand, what they are of, and what they take."""
    print_run_list(store, as_json)


def show_run(run: RunName = "last", store: StorePath = None, as_json: AsJson = False) -> None:
    """Show all that is known of one run without its tables."""
    import msgspec

    from byok_bench.report.run_notes import list_run_notes
    from byok_bench.runs.listing import summarize_run
    from byok_bench.runs.results import Run

    found = summarize_run(run, store)
    notes = list_run_notes(Run.open(found.run, store))
    if as_json:
        emit_json({"version": LISTS_VERSION, **msgspec.to_builtins(found), "notes": notes})
        return
    for line in render_summary(found):
        typer.echo(line)
    if found.finished:
        typer.echo(f"    ended {render_date(found.finished)}")
    for line in notes:
        typer.echo(f"    {line}")


def name_run(
    run: RunName,
    text: Annotated[str, typer.Argument(help="What to call it; empty takes the note away.", metavar="TEXT")],
    store: StorePath = None,
    as_json: AsJson = False,
) -> None:
    """Give a run a note, by which it is found later."""
    from byok_bench.runs.listing import summarize_run
    from byok_bench.runs.storage import run_rows
    from byok_bench.runs.storage.result_file import change_store
    from byok_bench.runs.storage.result_path import locate_store

    found = summarize_run(run, store)
    with change_store(locate_store(store)) as db:
        run_rows.set_note(db, found.run, text)
    if as_json:
        emit_json({"version": LISTS_VERSION, "run": found.run, "note": text})
    else:
        note(f"run {found.run} is called “{text}”" if text else f"run {found.run} has no note any more")


def delete_stored(
    runs: Annotated[list[str], typer.Argument(help="Runs, as for `show`; several at once.", metavar="RUN…")],
    store: StorePath = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete runs with all their exchanges, and give their room back to the disk."""
    from byok_bench.runs.listing import summarize_run
    from byok_bench.runs.storage.housekeeping import delete_runs
    from byok_bench.runs.storage.result_path import locate_store

    path = locate_store(store)
    chosen = {found.run: found for found in (summarize_run(name, store) for name in runs)}
    for found in chosen.values():
        for line in render_summary(found):
            note(line)
    question = f"Delete {describe_count(len(chosen), 'run')}? This cannot be undone."
    if not yes and not ask_yes_or_no(question, "use --yes"):
        fail("nothing was deleted")
    delete_runs(path, list(chosen))
    given_back = _vacuum_if_idle(path)
    if as_json:
        emit_json({"version": LISTS_VERSION, "deleted": list(chosen), "given_back_bytes": given_back})
        return
    note(f"deleted {describe_count(len(chosen), 'run')}; {_describe_given_back(given_back)}")


def _vacuum_if_idle(path: Path) -> int | None:
    """Bytes given back; None if another run is being driven, which must not wait."""
    from byok_bench.errors import StoreError
    from byok_bench.runs.storage.housekeeping import vacuum_store

    try:
        before, after = vacuum_store(path)
    except StoreError as error:
        if error.code != "run_in_use":
            raise
        return None
    return before - after


def _describe_given_back(count: int | None) -> str:
    if count is None:
        return "another run is being played into this file: `byok-bench runs vacuum` gives the room back afterwards"
    return f"{render_size(max(count, 0))} given back"


def vacuum_file(store: StorePath = None, as_json: AsJson = False) -> None:
    """Give back the room that no run takes any more."""
    from byok_bench.runs.storage.housekeeping import vacuum_store
    from byok_bench.runs.storage.result_path import locate_store

    path = locate_store(store)
    before, after = vacuum_store(path)
    if as_json:
        emit_json({"version": LISTS_VERSION, "store": str(path), "before_bytes": before, "after_bytes": after})
    else:
        note(f"{path}: {render_size(before)} before, {render_size(after)} now")


def check_file(store: StorePath = None, as_json: AsJson = False) -> None:
    """Read everything in the file and say what is damaged; exit code 1 if anything is."""
    from byok_bench.runs.storage.housekeeping import list_damages
    from byok_bench.runs.storage.result_path import locate_store

    path = locate_store(store)
    damages = list_damages(path)
    if as_json:
        emit_json({"version": LISTS_VERSION, "store": str(path), "damages": damages})
    else:
        for line in damages or [f"{path}: nothing is damaged"]:
            note(line)
    raise typer.Exit(int(Exit.FELL_SHORT if damages else Exit.OK))


def merge_parts(
    target: Annotated[Path, typer.Argument(help="The file to join them in; made if it is not there.")],
    parts: Annotated[list[Path], typer.Argument(help="Result files of `run --shard`.", metavar="PART…")],
    as_json: AsJson = False,
) -> None:
    """Join the parts of a plan that were played apart; exit code 3 if some are still missing."""
    import msgspec

    from byok_bench.runs.storage.merging import merge_stores
    from byok_bench.runs.storage.result_path import locate_store

    path = locate_store(target)
    merged = merge_stores(path, [locate_store(part) for part in parts])
    if as_json:
        emit_json({"version": LISTS_VERSION, "store": str(path), "runs": msgspec.to_builtins(merged)})
    for one in () if as_json else merged:
        note(f"run {one.run}: {describe_count(one.exchanges, 'exchange')} of {describe_count(one.parts, 'part')}")
        if one.missing:
            note(f"    {describe_count(one.missing, 'exchange')} missing: byok-bench run --resume {one.run} plays them")
    raise typer.Exit(int(Exit.UNFINISHED if any(one.missing for one in merged) else Exit.OK))


def export_run(
    run: RunName = "last",
    store: StorePath = None,
    csv: Annotated[Path | None, typer.Option(help="Tables and exchanges as CSV, into this folder.")] = None,
    parquet: Annotated[Path | None, typer.Option(help="The same as Parquet.")] = None,
    jsonl: Annotated[Path | None, typer.Option(help="Every exchange whole, one JSON document a line.")] = None,
    html: Annotated[Path | None, typer.Option(help="One self-contained page.")] = None,
    otel: Annotated[
        str | None,
        typer.Option(
            metavar="URL|FILE",
            help="Spans and metrics to an OpenTelemetry collector (OTLP/HTTP), or as OTLP JSON lines.",
        ),
    ] = None,
    otel_bodies: Annotated[bool, typer.Option("--otel-bodies", help="With prompts and answers.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a run to files that other programs read, or send it to a telemetry collector."""
    from byok_bench.cli.report import write_exports
    from byok_bench.runs.results import Run

    if not (csv or parquet or jsonl or html or otel):
        fail("name what to write: --csv DIR, --parquet DIR, --jsonl FILE, --html FILE or --otel URL")
    opened = Run.open(run, store)
    written = [str(path) for path in write_exports(opened, html, csv, parquet, jsonl)]
    sent = None
    if otel is not None and otel.startswith(("http://", "https://")):
        sent = export_spans(opened, otel, otel_bodies)
    elif otel is not None:
        written.append(export_spans_to_file(opened, Path(otel), otel_bodies))
    if as_json:
        emit_json({"version": LISTS_VERSION, "run": opened.id, "written": written, "spans_sent": sent})
    for line in () if as_json else [f"written: {path}" for path in written]:
        note(line)
    if sent is not None and not as_json:
        note(f"sent: {describe_count(sent, 'span')} to {otel}")


def export_spans(run: "Run", url: str, bodies: bool) -> int:
    """Send a run to a collector; how many spans it took. Raises ExportError, MissingPartError."""
    from byok_bench.extras import name_missing_extra

    with name_missing_extra():
        from byok_bench.report.telemetry.sending import send_telemetry
    return send_telemetry(run, url, bodies=bodies)


def export_spans_to_file(run: "Run", path: Path, bodies: bool) -> str:
    """Write a run as OTLP JSON lines; the path. Raises ExportError, MissingPartError."""
    from byok_bench.extras import name_missing_extra

    with name_missing_extra():
        from byok_bench.report.telemetry.sending import write_telemetry
    return str(write_telemetry(run, path, bodies=bodies))
