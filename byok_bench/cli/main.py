"""The `byok-bench` command: one module a command, errors as one clear line, exit codes by `console.Exit`."""

import importlib
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from byok_bench.cli.console import Exit, exit_stopped, handle_sigterm
from byok_bench.cli.option_rules import CommandGroup
from byok_bench.cli.standard_streams import UNWRITABLE, give_up, prepare_streams
from byok_bench.errors import BackendError, ByokBenchError
from byok_bench.extras import name_missing_extra

COMMANDS: Final = (
    "demo", "lab", "endpoints", "models", "check", "capabilities", "limits", "judge",
    "send", "run", "report", "compare", "vendor", "diff", "gates", "bill", "runs", "checks", "scenarios", "serve",
)  # fmt: skip


class Commands(TyperGroup):
    """The commands; Ctrl-C and SIGTERM end each with one line."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        with handle_sigterm():
            try:
                return super().invoke(ctx)
            except KeyboardInterrupt:
                exit_stopped()
            except BrokenPipeError:  # click would say 1, which here is for what fell short
                give_up(sys.stdout)
                raise typer.Exit(int(Exit.UNFINISHED)) from None


def build_app() -> typer.Typer:
    """The application with every command registered; command modules import nothing heavy themselves."""
    app = CommandGroup(
        name="byok-bench",
        cls=Commands,
        help="Measure and verify OpenAI-compatible endpoints that you bring your own key to.",
        invoke_without_command=True,
        no_args_is_help=True,
        callback=show_version,
        # Drawn with rich, a page of help takes two and a half times as long: rich brings a Markdown parser.
        rich_markup_mode=None,
        context_settings={"max_content_width": 110},
        # A traceback with locals would show headers, and headers hold keys.
        pretty_exceptions_enable=False,
    )
    for name in COMMANDS:
        importlib.import_module(f"byok_bench.cli.{name}").add_command(app)
    return app


def show_version(
    version: Annotated[bool, typer.Option("--version", "-V", help="What a report of a fault needs to say.")] = False,
) -> None:
    """Measure and verify OpenAI-compatible endpoints that you bring your own key to."""
    if version:
        from byok_bench.cli.installation import describe_installation

        typer.echo("\n".join(f"{name}: {value}" for name, value in describe_installation().items()))
        raise typer.Exit(int(Exit.OK))


def main() -> None:
    """Run the command line and exit with one of `console.Exit`."""
    prepare_streams()
    try:
        try:
            with name_missing_extra():
                build_app()()
        except ByokBenchError as error:
            typer.echo(f"byok-bench: {error}", err=True)
            sys.exit(int(Exit.UNFINISHED if isinstance(error, BackendError) else Exit.USAGE))
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        give_up(sys.stdout)
        sys.exit(int(Exit.UNFINISHED))
    except OSError as error:
        if error.filename is not None or error.errno not in UNWRITABLE:
            raise
        give_up(sys.stdout)
        try:
            typer.echo(f"byok-bench: the output cannot be written: {error.strerror}", err=True)
        except OSError:
            give_up(sys.stderr)  # it was stderr that is full: the exit code is all that is left
        sys.exit(int(Exit.UNFINISHED))
