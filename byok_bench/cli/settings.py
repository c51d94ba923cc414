"""`--set FIELD=TEXT`: any field of an endpoint that no option of its own gives, as the form takes it."""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Annotated, Final

import typer

from byok_bench.cli.console import fail

SETTABLE: Final = (
    "alias", "other_models", "context_window", "max_output_tokens", "price", "effort", "echo_reasoning", "drop",
    "rename", "model_schema", "model_headers", "model_body", "headers", "query", "body", "timeouts", "ca_file",
    "verify", "cert_file", "key_file", "proxy", "no_proxy", "retention", "accept_encoding", "transport",
)  # fmt: skip
"""Fields that no option of their own gives."""
_HELP: Final = (
    "Any other field, as the form takes it; may be given several times. FIELD is one of "
    f"{', '.join(SETTABLE)}; \\\\n stands between the lines of headers, query and other_models. "
    "FIELD@MODEL is about another model than the first."
)
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="FIELD=TEXT", help=_HELP)]
OwnSettings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=TEXT", help=f"With --base-url. {_HELP}"),
]


def iterate_settings(settings: list[str] | None) -> Iterator[tuple[str, str]]:
    """Field (or FIELD@MODEL) and text of each FIELD=TEXT. Exits with code 2 for a field that is none."""
    from byok_bench.endpoints.model_text_fields import MODEL_TEXT_FIELDS
    from byok_bench.endpoints.text_fields import MULTILINE_FIELDS, TEXT_FIELDS

    for setting in settings or ():
        place, equals, text = setting.partition("=")
        name, at, model = place.partition("@")
        if not equals or name not in TEXT_FIELDS:
            near = get_close_matches(name, SETTABLE, n=1) if equals else ()
            meant = f"did you mean {near[0]}? It takes" if near else "--set takes"
            fail(f"{meant} FIELD=TEXT, and FIELD is one of {', '.join(SETTABLE)}")
        if at and name not in MODEL_TEXT_FIELDS:
            fail(f"{name} is a field of the endpoint: leave @{model} out")
        yield place, text.replace("\\n", "\n") if name in MULTILINE_FIELDS else text
