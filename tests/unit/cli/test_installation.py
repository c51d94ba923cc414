"""`--version`, completion, short help: the program as a whole."""

import importlib.metadata

import click
import pytest
import typer

import byok_bench
from byok_bench.cli import completion
from byok_bench.cli.installation import describe_installation
from byok_bench.cli.main import build_app


def test_a_report_of_a_fault_has_what_it_needs() -> None:
    """Versions, the event loop, what is installed, and where files live."""
    assert list(describe_installation()) == [
        "byok-bench", "python", "platform", "uvloop", "extras", "endpoints", "results",
    ]  # fmt: skip


def test_both_places_of_the_version_agree() -> None:
    """The package's and pyproject's."""
    assert byok_bench.__version__ == importlib.metadata.version("byok-bench")


def test_the_short_help_of_every_command_fits_eighty_columns() -> None:
    """Longer ones are cut with dots."""
    app = typer.main.get_command(build_app())
    assert isinstance(app, click.Group) or hasattr(app, "commands")
    long = {name: one.get_short_help_str(200) for name, one in app.commands.items()}
    assert {name: text for name, text in long.items() if len(text) > 60} == {}


@pytest.mark.parametrize(
    ("complete", "begun", "offered"),
    [
        (completion.complete_rule, "stream.trunc", ["stream.truncated"]),
        (completion.complete_label, "", []),
        (completion.complete_run, "", ["last"]),
    ],
)
def test_the_shell_is_offered_what_there_is(complete: object, begun: str, offered: list[str]) -> None:
    """Also where there is no book and no result file yet."""
    assert callable(complete)
    assert complete(begun) == offered
