"""`byok-bench endpoints`: the book. A key is asked for without echo, named, or read from stdin; never an argument."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byok_bench.cli.completion import complete_label
from byok_bench.cli.console import ask_hidden, ask_yes_or_no, emit_json, note
from byok_bench.cli.endpoint_descriptions import (
    describe_endpoint,
    describe_state,
    make_endpoint_document,
    redact_stored_text,
    say_saved,
    say_trimmed,
)
from byok_bench.cli.endpoint_fields import EndpointOptions
from byok_bench.cli.option_rules import CommandGroup
from byok_bench.cli.settings import Settings
from byok_bench.cli.standard_streams import read_stdin_line

if TYPE_CHECKING:
    from byok_bench.endpoints.book import EndpointBook
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.secret import Secret

Label = Annotated[str, typer.Argument(help="Label of the endpoint.", autocompletion=complete_label)]
BookPath = Annotated[Path | None, typer.Option("--book", help="File of endpoints; default: your own.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on stdout.")]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Base URL.")]
ModelIds = Annotated[list[str] | None, typer.Option("--model", help="Exact model id; may be given several times.")]
Schema = Annotated[str | None, typer.Option("--schema", help="chat, responses or messages.")]
KeyEnv = Annotated[str | None, typer.Option("--key-env", help="Environment variable that holds the key.")]
KeyStdin = Annotated[bool, typer.Option("--key-stdin", help="Read the key from stdin, into the keyring.")]
KeyAsk = Annotated[bool, typer.Option("--key-ask", help="Ask for the key without echo, into the keyring.")]
NoKey = Annotated[bool, typer.Option("--no-key", help="Send no key.")]
KeyStyle = Annotated[str | None, typer.Option("--key-style", help="bearer, api-key, x-api-key or header.")]
KeyHeader = Annotated[str | None, typer.Option("--key-header", help="Header that carries the key, for style header.")]
NewLabel = Annotated[str | None, typer.Option("--label", help="A new label.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


def add_command(app: typer.Typer) -> None:
    """Add the commands."""
    from byok_bench.cli import endpoint_imports  # uses the options of this module

    group = CommandGroup(name="endpoints", help="The book of endpoints.", no_args_is_help=True)
    group.command("list", short_help="Every endpoint, and what keeps it from a run")(list_endpoints)
    group.command("show", short_help="One endpoint, whole; never a key")(show_endpoint)
    group.command("add", short_help="Add an endpoint")(add_endpoint)
    group.command("edit", short_help="Change an endpoint")(edit_endpoint)
    group.command("remove", short_help="Take an endpoint out, with its key")(remove_endpoint)
    group.command("import", short_help="Add endpoints that are configured elsewhere")(endpoint_imports.import_endpoints)
    group.command("presets", short_help="Known servers, and what to expect of them")(endpoint_imports.print_presets)
    app.add_typer(group)


def list_endpoints(book: BookPath = None, as_json: AsJson = False) -> None:
    """Every endpoint: label, address, models, where its key comes from, and what keeps it from a run."""
    opened = open_book(book)
    if as_json:
        emit_json(
            {
                "version": 1,
                "book": str(opened.path),
                "team_book": str(opened.team_path) if opened.has_team else None,
                "endpoints": [make_endpoint_document(opened, one) for one in opened],
            }
        )
        return
    if not len(opened):
        note(f"The book {opened.path} is empty: byok-bench endpoints add LABEL --base-url URL --model ID")
    for endpoint in opened:
        typer.echo(describe_endpoint(opened, endpoint))
    if len(opened):
        team = f" and, the team's, {opened.team_path}" if opened.has_team else ""
        note(f"read from {opened.path}{team}")


def show_endpoint(label: Label, book: BookPath = None, as_json: AsJson = False) -> None:
    """One endpoint, whole, as it stands in the file; never anything of its key."""
    opened = open_book(book)
    found = opened[label]
    if as_json:
        emit_json({"version": 1, **make_endpoint_document(opened, found)})
        return
    from byok_bench.endpoints.book_edits import as_toml

    typer.echo(redact_stored_text(as_toml(found)), nl=False)
    if strange := opened.find_unknown_fields(found):
        note(f"unknown fields in the file, which nothing reads: {redact_stored_text(', '.join(strange))}")
    note(f"{found.label}: {describe_state(opened, found)}")


def add_endpoint(
    label: Label,
    base_url: BaseUrl = None,
    model: ModelIds = None,
    schema: Schema = None,
    key_env: KeyEnv = None,
    key_stdin: KeyStdin = False,
    key_ask: KeyAsk = False,
    key_style: KeyStyle = None,
    key_header: KeyHeader = None,
    settings: Settings = None,
    book: BookPath = None,
    as_json: AsJson = False,
) -> None:
    """Add an endpoint; what is missing can be filled in later."""
    from msgspec.structs import replace

    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.keys import KeyRef
    from byok_bench.errors import SecretError

    opened = open_book(book)
    given = EndpointOptions(
        label=label,
        base_url=base_url,
        schema=schema,
        model=model,
        key_env=key_env,
        key_style=key_style,
        key_header=key_header,
        settings=settings,
    )
    endpoint = given.apply(Endpoint(label=label))
    say_trimmed(*given.list_texts())
    key = read_key(key_stdin, key_ask)  # before anything is saved: without it, nothing is
    if key is not None and endpoint.key.kind == "none":
        endpoint = replace(endpoint, key=KeyRef.env(""))  # wants a key, until the keyring has it
    opened.add(endpoint)
    try:
        store_key(opened, endpoint, key)
    except SecretError:
        note(f"saved {endpoint.label} without its key: byok-bench endpoints edit {endpoint.label!r} sets one")
        raise
    say_saved(opened, endpoint.config_key, as_json)


def edit_endpoint(
    label: Label,
    new_label: NewLabel = None,
    base_url: BaseUrl = None,
    model: ModelIds = None,
    schema: Schema = None,
    key_env: KeyEnv = None,
    key_stdin: KeyStdin = False,
    key_ask: KeyAsk = False,
    no_key: NoKey = False,
    key_style: KeyStyle = None,
    key_header: KeyHeader = None,
    settings: Settings = None,
    confirm_key: Annotated[
        bool, typer.Option("--confirm-key", help="The stored key may go to the endpoint's present address.")
    ] = False,
    book: BookPath = None,
    as_json: AsJson = False,
) -> None:
    """Change an endpoint; what is not named stays as it is."""
    from msgspec.structs import replace

    opened = open_book(book)
    before = opened[label]
    given = EndpointOptions(
        label=new_label,
        base_url=base_url,
        schema=schema,
        model=model,
        key_env=key_env,
        no_key=no_key,
        key_style=key_style,
        key_header=key_header,
        settings=settings,
    )
    after = given.apply(before)
    say_trimmed(*given.list_texts())
    if confirm_key:
        after = after.confirm_key()
    if confirm_key and replace(after, key_origin=before.key_origin) == before:
        opened.confirm_key(before.config_key)
        say_saved(opened, before.config_key, as_json)
        return
    if after == before and not (key_stdin or key_ask):
        note("nothing changes: name what to change, as `byok-bench endpoints edit --help` lists it")
        if as_json:
            emit_json({"version": 1, **make_endpoint_document(opened, before)})
        return
    key = read_key(key_stdin, key_ask)
    opened.update(after)
    store_key(opened, after, key)
    say_saved(opened, after.config_key, as_json)


def remove_endpoint(label: Label, yes: Yes = False, book: BookPath = None, as_json: AsJson = False) -> None:
    """Take an endpoint out of the book, and its key out of the keyring."""
    opened = open_book(book)
    endpoint = opened[label]
    removed = yes or ask_yes_or_no(f"Remove {endpoint.label} and its stored key?", "say so with --yes")
    if removed:
        opened.remove(endpoint.config_key)
    note(f"{'removed' if removed else 'kept'} {endpoint.label}")
    if as_json:
        emit_json(
            {
                "version": 1,
                "label": endpoint.label,
                "config_key": endpoint.config_key,
                "removed": removed,
            }
        )


def open_book(path: Path | None) -> "EndpointBook":
    """The book of a command."""
    from byok_bench.endpoints.book import EndpointBook

    return EndpointBook.open(path)


def read_key(from_stdin: bool, ask: bool) -> "Secret | None":
    """The key that is to be kept, if there is one. Raises SecretError for what can be none."""
    if not (from_stdin or ask):
        return None
    from byok_bench.endpoints.entered_text import trim_ends
    from byok_bench.endpoints.secret import Secret

    # The line's own end is no part of what was entered.
    entered = (
        (read_stdin_line() or "").rstrip("\r\n")
        if from_stdin
        else ask_hidden("API key", "pipe the key in, with --key-stdin")
    )
    secret, is_trimmed = Secret(entered), entered != trim_ends(entered)
    del entered
    secret.check_sendable()
    if is_trimmed:
        note("white space or invisible characters around the key were left out")
    return secret


def store_key(book: "EndpointBook", endpoint: "Endpoint", key: "Secret | None") -> None:
    """Put a key into the keyring, if there is one to keep."""
    if key is not None:
        book.set_key(endpoint.config_key, key)
