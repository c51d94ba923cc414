"""`byok-bench demo`: the main job on the embedded backends, from nothing to three tables and a report.

What is not installed is named in one line and left out.
"""

import shutil
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from byok_bench.cli.console import Exit, emit_json, fail, note
from byok_bench.errors import MissingPartError
from byok_bench.extras import name_missing_extra

if TYPE_CHECKING:
    from byok_bench.backends.backend import Backend
    from byok_bench.cli.progress_bar import ProgressBar
    from byok_bench.runs.measuring.stop_switch import StopSwitch
    from byok_bench.runs.results import Run

FAULTS: Final = (
    "stream.truncated", "error.in-stream", "stream.done-terminator", "tool.arguments-json", "tool.index-missing",
    "http-429", "http-500", "http.html-200",
)  # fmt: skip
"""What the faulty simulator does wrong, in turn, at every second request."""
DEMO_KEY: Final = "demo-key-for-this-machine-only"
NEXT_STEP: Final = "  {program} endpoints add MINE --base-url https://llm.example.com/v1 --model MODEL --key-ask"
"""What the last line of the demo offers to paste."""


def add_command(app: typer.Typer) -> None:
    """Add the command."""
    app.command("demo", short_help="Run agent prompts on embedded backends, from nothing")(run_demo)


def run_demo(
    model: Annotated[Path | None, typer.Option(help="A .gguf file in place of the bundled SmolLM2-135M.")] = None,
    gateway: Annotated[bool, typer.Option(help="Also a real LiteLLM proxy in front of llama.cpp.")] = False,
    repeats: Annotated[int, typer.Option(min=1, help="How often each prompt is asked.")] = 2,
    html: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("report.html"),
    as_json: Annotated[bool, typer.Option("--json", help="The tables as one JSON document on stdout.")] = False,
) -> None:
    """Start the embedded backends, run the agent prompts against them, print the tables, write a report."""
    from byok_bench.cli.progress_bar import ProgressBar
    from byok_bench.cli.run import carry_out_run, describe_silent_targets
    from byok_bench.cli.terminal_tables import make_tables_document, print_tables

    if model is not None:
        refuse_no_model(model)
    run = carry_out_run(partial(run_on_embedded_backends, model, gateway, repeats), ProgressBar())
    if as_json:
        emit_json(make_tables_document(run))
    else:
        print_tables(run, to_stdout=True)
    silent = describe_silent_targets(run)
    for line in silent:
        note(f"byok-bench: {line}")
    note(f"{describe_report(run, html)} Now with an endpoint of your own:")
    note(NEXT_STEP.format(program=find_program()))
    raise typer.Exit(int(Exit.UNFINISHED if silent else Exit.OK))


def describe_report(run: "Run", html: Path) -> str:
    """Write the report and say where it is; what it needs and is not installed is named instead."""
    try:
        with name_missing_extra():
            from byok_bench.report.html import write_html

            write_html(run, html)
    except MissingPartError as error:
        return f"No report was written: {error}."
    return f"The report is in {html}."


def find_program() -> str:
    """How this program can be called from here: its name, or its path where the name is not on the path."""
    if shutil.which("byok-bench"):
        return "byok-bench"
    beside = Path(sys.executable).with_name("byok-bench")
    if not beside.is_file():
        return f"{Path(sys.executable).name} -m byok_bench"
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


def refuse_no_model(path: Path) -> None:
    """A file that is no model is wrong usage, and told before anything is started."""
    from byok_bench.backends.gguf import find_model_file
    from byok_bench.errors import BackendError

    try:
        find_model_file(path)
    except BackendError as error:
        fail(str(error))


async def run_on_embedded_backends(
    model: Path | None, gateway: bool, repeats: int, bar: "ProgressBar", stop: "StopSwitch"
) -> "Run":
    """The demo's run; its backends are stopped whatever happens."""
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.permission import refuse_unless_allowed
    from byok_bench.runs.runner import run

    refuse_unless_allowed(Endpoint(label="the embedded backends", base_url="http://127.0.0.1/v1"))
    async with AsyncExitStack() as stack:
        endpoints = []
        for backend in make_embedded_backends(model, gateway):
            note(f"starting {backend.label} …")
            endpoints.append((await stack.enter_async_context(backend)).endpoint)
        return await run(endpoints, "quick", repeats=repeats, on_progress=bar, resume=False, stop=stop)


def make_embedded_backends(model: Path | None, gateway: bool) -> "list[Backend]":
    """llama.cpp, the proxy in front of it if asked for, a correct simulator, a faulty one."""
    from byok_bench.backends.llamacpp import LlamaCpp
    from byok_bench.backends.simulator.server import Simulator

    backends: list[Backend] = []
    missing = LlamaCpp.find_missing_part()
    if missing is not None and (model is not None or gateway):
        raise missing
    if missing is not None:
        note(f"byok-bench: {missing}; the demo goes on with the two simulators alone")
    else:
        backends.append(LlamaCpp(model, api_key=DEMO_KEY))
    if gateway:
        from byok_bench.backends.litellm import LiteLLM

        backends.append(LiteLLM(backends[0]))
    return [
        *backends,
        Simulator(label="simulator", api_key=DEMO_KEY),
        Simulator(label="faulty simulator", api_key=DEMO_KEY, faults=FAULTS, every=2),
    ]
