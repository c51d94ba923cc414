"""The `byok-bench` command: one module a command, errors as one clear line, exit codes by `console.Exit`."""

import importlib
import sys
from typing import Final

import typer

from byok_bench.cli.console import Exit
from byok_bench.errors import BackendError, ByokBenchError

COMMANDS: Final = (
    "demo", "lab", "endpoints", "models", "check", "judge",
    "send", "run", "report", "compare", "checks", "serve",
)  # fmt: skip


def build_app() -> typer.Typer:
    """The application with every command registered; command modules import nothing heavy themselves."""
    app = typer.Typer(
        name="byok-bench",
        help="Measure and verify OpenAI-compatible endpoints that you bring your own key to.",
        no_args_is_help=True,
        add_completion=False,
        # A traceback with locals would show headers, and headers hold keys.
        pretty_exceptions_enable=False,
    )
    for name in COMMANDS:
        importlib.import_module(f"byok_bench.cli.{name}").register(app)
    return app


def main() -> None:
    """Run the command line and exit with one of `console.Exit`."""
    try:
        build_app()()
    except KeyboardInterrupt:
        typer.echo("byok-bench: stopped by Ctrl-C", err=True)
        sys.exit(int(Exit.INTERRUPTED))
    except ByokBenchError as error:
        typer.echo(f"byok-bench: {error}", err=True)
        sys.exit(int(Exit.UNFINISHED if isinstance(error, BackendError) else Exit.USAGE))
