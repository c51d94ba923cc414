"""`--set FIELD=TEXT`: any field of an endpoint that no option of its own gives, as the form takes it."""

from collections.abc import Iterator
from typing import Annotated, Final

import typer

from byok_bench.cli.console import fail

SETTABLE: Final = (
    "alias", "other_models", "headers", "query", "body", "timeouts", "context_window", "price", "ca_file", "verify",
    "proxy", "accept_encoding", "transport",
)  # fmt: skip
"""Fields that no option of their own gives."""
_HELP: Final = (
    "Any other field, as the form takes it; may be given several times. FIELD is one of "
    f"{', '.join(SETTABLE)}; \\\\n stands between the lines of headers, query and other_models."
)
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=TEXT", help=_HELP)]
OwnSettings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=TEXT", help=f"With --base-url. {_HELP}"),
]


def iterate_settings(settings: list[str] | None) -> Iterator[tuple[str, str]]:
    """Field and text of each FIELD=TEXT. Exits with code 2 for a field that is none."""
    from byok_bench.endpoints.text_fields import MULTILINE_FIELDS, TEXT_FIELDS

    for setting in settings or ():
        name, equals, text = setting.partition("=")
        if not equals or name not in TEXT_FIELDS:
            fail(f"--set takes FIELD=TEXT, and FIELD is one of {', '.join(SETTABLE)}")
        yield name, text.replace("\\n", "\n") if name in MULTILINE_FIELDS else text
