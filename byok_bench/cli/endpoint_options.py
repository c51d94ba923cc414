"""Which endpoint a command is about: one of the book by its label, or one given by options. No key is an option."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from byok_bench.cli.completion import complete_label
from byok_bench.cli.console import fail
from byok_bench.cli.endpoint_fields import EndpointOptions

if TYPE_CHECKING:
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.workspace import Workspace

EndpointArgument = Annotated[
    str | None,
    typer.Argument(help="Label of an endpoint in the book.", show_default=False, autocompletion=complete_label),
]
BaseUrl = Annotated[str | None, typer.Option("--base-url", help="Base URL, in place of an endpoint of the book.")]
ModelId = Annotated[str | None, typer.Option("--model", help="The provider's exact model id.")]
KeyEnv = Annotated[str | None, typer.Option("--key-env", help="Environment variable that holds the key.")]
Schema = Annotated[
    Literal["chat", "responses", "messages"] | None,
    typer.Option("--schema", help="API schema, with --base-url.  [default: chat]"),
]
Profile = Annotated[
    Literal["local", "shared"],
    typer.Option("--profile", help="Egress profile: your own machine, or one that others use too."),
]


def collect_options(
    base_url: str | None, model: str | None, key_env: str | None, schema: str | None, settings: list[str] | None
) -> EndpointOptions:
    """The options of a command that asks one model."""
    return EndpointOptions(
        base_url=base_url, model=[model] if model else None, key_env=key_env, schema=schema, settings=settings
    )


def choose_endpoint(name: str | None, given: EndpointOptions, *, needs_model: bool = True) -> "Endpoint":
    """The endpoint that was named, or one made of the options. Exits with code 2 if there is neither.

    Raises EndpointError for options that cannot be. `needs_model`: an endpoint of the book must have one.
    """
    if name is not None and given.base_url is not None:
        fail("name an endpoint of the book or give --base-url, not both")
    if name is not None:
        return find_booked_endpoint(name, needs_model=needs_model and not given.model)
    if given.base_url is None:
        fail("name an endpoint of the book, or give --base-url URL --model ID [--key-env NAME]")
    return make_ad_hoc_endpoint(given)


def make_ad_hoc_endpoint(given: EndpointOptions) -> "Endpoint":
    """An endpoint of no book. Raises EndpointError for what cannot be one, or may not be used here."""
    from byok_bench.endpoints.endpoint import Endpoint
    from byok_bench.endpoints.permission import refuse_unless_allowed
    from byok_bench.errors import EndpointError

    base_url = given.base_url or ""
    if not base_url.strip():
        raise EndpointError("the base URL is empty", code="base_url_missing")
    made = given.apply(Endpoint(label=make_short_label(base_url)))
    refuse_unless_allowed(made)
    return made


def make_short_label(base_url: str) -> str:
    """`host:port` of a base URL, as tables show it; the URL itself where it has none."""
    from byok_bench.redact import redact

    _, scheme, rest = base_url.strip().partition("://")
    place = rest.partition("/")[0].rpartition("@")[2] if scheme else ""
    return redact(place or base_url, ())[:80]


def find_booked_endpoint(name: str, *, needs_model: bool = True, needs_all: bool = True) -> "Endpoint":
    """The endpoint with this label in the book. Exits with code 2 if there is none, or if it cannot be used now.

    `needs_all`: False where a field that is not filled in is told elsewhere, since others can be used without it.
    """
    from byok_bench.cli.endpoint_descriptions import describe_mending
    from byok_bench.endpoints.book import EndpointBook
    from byok_bench.endpoints.readiness import describe_unreadiness

    book = EndpointBook.open()
    found = book[name]
    if refusal := book.find_refusal(found):
        fail(refusal)
    if needs_all and (why := describe_unreadiness(found, needs_model=needs_model)):
        edit = describe_mending(found) or f" Change it: byok-bench endpoints edit {found.label!r} --help"
        fail(f"{found.label!r} is not ready. {why}{edit}")
    return found


def list_booked_endpoints() -> "list[Endpoint]":
    """Every endpoint of the book that may be used here."""
    from byok_bench.endpoints.book import EndpointBook

    return list(EndpointBook.open().usable_endpoints)


def read_egress_policy() -> Mapping[str, Any] | None:
    """The workspace's egress lists; None if there is no policy file."""
    return _find_workspace().policy


def resolve_egress_profile(asked: str) -> str:
    """The profile that was asked for; `shared` if the workspace says so, which no option can loosen."""
    return _find_workspace().choose_profile(asked)


def _find_workspace() -> "Workspace":
    from byok_bench.endpoints.permission import find_workspace

    return find_workspace()
