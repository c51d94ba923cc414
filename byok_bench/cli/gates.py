"""`byok-bench gate`: rules over a run, with exit codes and files that a CI system reads."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from byok_bench.cli.completion import complete_run
from byok_bench.cli.console import Exit, build_own_command, emit_json, exit_stopped, fail, note

if TYPE_CHECKING:
    from byok_bench.report.gates.judged_rules import Judged
    from byok_bench.runs.results import Run

SUMMARY_VARIABLE = "GITHUB_STEP_SUMMARY"
CODES = {"pass": Exit.OK, "fail": Exit.FELL_SHORT, "undecided": Exit.UNDECIDED}


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("gate", short_help="Judge a run by rules, for CI")(judge_gates)


def judge_gates(
    run: Annotated[
        str, typer.Argument(help="Run id, the start of one, or `last`.", autocompletion=complete_run)
    ] = "last",
    rules: Annotated[str, typer.Option(help="Rules file (TOML), or a preset: tokenhub, aa-1k, openrouter-tools.")] = "",
    against: Annotated[
        str | None, typer.Option(help="Baseline: its name, its file (.json), or a run of the result file.")
    ] = None,
    undecided: Annotated[
        Literal["pass", "fail"] | None, typer.Option(help="What undecided rules count as. [default: exit code 4]")
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write a JUnit file.")] = None,
    github: Annotated[bool, typer.Option("--github", help="Print annotations for GitHub Actions on stdout.")] = False,
    summary: Annotated[
        Path | None, typer.Option(help=f"Append a summary in Markdown; ${SUMMARY_VARIABLE} gets one, too.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Say what the rules ask, and judge nothing.")] = False,
    store: Annotated[Path | None, typer.Option(help="Result file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")] = False,
) -> None:
    """Judge a run by rules: 0 all pass, 1 one fails, 4 none fails and some are undecided."""
    from byok_bench.report.gates.explanations import explain_rules
    from byok_bench.report.gates.judged_rules import conclude
    from byok_bench.report.gates.rule_files import list_presets, resolve_rules
    from byok_bench.report.gates.verdicts import gate, list_idle_rules
    from byok_bench.runs.results import Run

    if not rules:
        fail(f"name the rules: --rules FILE, or a preset: {', '.join(list_presets())}")
    chosen = resolve_rules(rules)
    if explain:
        for paragraph in explain_rules(chosen):
            typer.echo(paragraph)
        raise typer.Exit(int(Exit.OK))
    opened = Run.open(run, store)
    try:
        judged = [count_undecided_as(one, undecided) for one in gate(opened, chosen, against)]
    except KeyboardInterrupt:
        exit_stopped(f"; what was judged is kept. Go on with: {build_own_command()}")
    verdict = conclude(judged)
    if as_json:
        emit_json(make_gate_document(opened, judged, against, verdict))
    else:
        print_judged(judged)
    if github:
        print_annotations(judged)
    for told in list_idle_rules(chosen, judged):
        note(f"byok-bench: left out, {told}")
    write_gate_files(opened, judged, against, junit, summary)
    raise typer.Exit(int(CODES[verdict]))


def count_undecided_as(one: "Judged", undecided: str | None) -> "Judged":
    """The result, with what an undecided one counts as on this command line."""
    import msgspec

    if undecided is None or one.counts_as != "undecided":
        return one
    return msgspec.structs.replace(one, counts_as=undecided)


def print_judged(judged: "Sequence[Judged]", *, to_stderr: bool = False) -> None:
    """One line for each, worst first."""
    from byok_bench.report.printable_text import to_printable_line

    order = ("fail", "undecided", "pass")
    for one in sorted(judged, key=lambda one: order.index(one.verdict)):
        family = f" [{one.family} with all rules together]" if one.family not in (None, one.verdict) else ""
        counted = f" [counts as {one.counts_as}]" if one.counts_as != one.verdict else ""
        typer.echo(to_printable_line(f"{one.verdict:<9}  {one.rule}: {one.sentence}{family}{counted}"), err=to_stderr)


def print_annotations(judged: "Sequence[Judged]") -> None:
    """On stdout, where the runner of a job looks for them."""
    from byok_bench.report.gates.github import list_annotations

    for line in list_annotations(judged):
        typer.echo(line)


def make_gate_document(run: "Run", judged: "Sequence[Judged]", against: str | None, verdict: str) -> dict[str, Any]:
    """The results, JSON-ready."""
    from byok_bench.report.columns import TABLES_VERSION

    return {
        "version": TABLES_VERSION,
        "run": run.id,
        "status": run.status,
        "against": against,
        "verdict": verdict,
        "exit_code": int(CODES[verdict]),
        "judged": list(judged),
    }


def write_gate_files(
    run: "Run", judged: "Sequence[Judged]", against: str | None, junit: Path | None, summary: Path | None
) -> None:
    """JUnit, and the summary if there is a place for it."""
    from byok_bench.report.gates.github import render_job_summary
    from byok_bench.report.gates.junit import render_junit

    of_job = os.environ.get(SUMMARY_VARIABLE)
    places = dict.fromkeys([*([summary] if summary else []), *([Path(of_job)] if of_job else [])])
    try:
        if junit is not None:
            junit.write_text(render_junit(run.id, judged), encoding="utf-8")
        for place in places:
            with place.open("a", encoding="utf-8") as file:
                file.write(render_job_summary(run.id, judged, against))
    except OSError as error:
        fail(f"cannot write {error.filename}: {error.strerror}", Exit.UNFINISHED)
