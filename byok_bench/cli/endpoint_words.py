"""How the commands speak of an endpoint: as data, in a few lines, and what keeps it from a run."""

from typing import TYPE_CHECKING, Any, Final

from byok_bench.cli.console import emit_json, note

if TYPE_CHECKING:
    from byok_bench.endpoints.book import EndpointBook
    from byok_bench.endpoints.endpoint import Endpoint

_TRIMMED: Final = "white space or invisible characters around {} were taken off"


def shown(book: "EndpointBook", endpoint: "Endpoint") -> dict[str, Any]:
    """An endpoint as plain data: what the file says, and what follows from it."""
    from byok_bench.endpoints.book_edit import as_table
    from byok_bench.endpoints.key_place import key_place
    from byok_bench.endpoints.readiness import is_ready, unready

    return {
        **as_table(endpoint),
        "base_url": safe(endpoint.base_url),
        "key": str(endpoint.key) if endpoint.key.kind != "session" else "session",
        "key_place": key_place(endpoint).words,
        "key_set_at": None if endpoint.key_set_at is None else endpoint.key_set_at.isoformat(),
        "team": book.is_team(endpoint),
        "missing": list(endpoint.missing()),
        "unready": unready(endpoint) or None,
        "refused": book.refusal(endpoint),
        "usable": is_ready(endpoint) and book.refusal(endpoint) is None,
    }


def describe(book: "EndpointBook", endpoint: "Endpoint") -> str:
    """An endpoint in two lines, for a list."""
    from byok_bench.endpoints.key_place import key_place

    names = ", ".join(model.alias or model.name for model in endpoint.models if model.name) or "no model"
    where = "Team" if book.is_team(endpoint) else "Custom"
    address = safe(endpoint.base_url) or "no address"
    facts = f"{address}  {endpoint.schema}  {names}  key: {key_place(endpoint).words}"
    return f"{endpoint.label}  ({where}, {state_of(book, endpoint)})\n    {facts}"


def state_of(book: "EndpointBook", endpoint: "Endpoint") -> str:
    """`ready`, or why it is not."""
    from byok_bench.endpoints.readiness import unready

    if refusal := book.refusal(endpoint):
        return f"turned off here: {refusal}"
    if why := unready(endpoint):
        return f"not ready: {why}{how_to_mend(endpoint)}"
    return "ready"


def state_with_key(book: "EndpointBook", endpoint: "Endpoint") -> str:
    """`ready`, or why it is not; and where its key should be, if that is known not to be there."""
    from byok_bench.endpoints.key_place import key_place

    place = key_place(endpoint)
    return f"{state_of(book, endpoint)}{f'; its key: {place.words}' if place.there is False else ''}"


def how_to_mend(endpoint: "Endpoint") -> str:
    """The command that says what only its user can."""
    if "key_origin" in endpoint.missing() and endpoint.origin is not None:
        return f" For {endpoint.origin}: byok-bench endpoints edit {endpoint.label!r} --confirm-key"
    return ""


def say_saved(book: "EndpointBook", config_key: str, as_json: bool) -> None:
    """What stands now, and whether it can be used."""
    from byok_bench.endpoints.readiness import hint, request_line

    endpoint = book[config_key]
    note(f"saved {endpoint.label} in {book.path}: {state_with_key(book, endpoint)}")
    if line := request_line(endpoint.base_url, endpoint.schema, endpoint.query):
        words = hint(endpoint.base_url, endpoint.schema)
        note(f"it will call {safe(line)}{f' ({words})' if words else ''}")
    if as_json:
        emit_json({"version": 1, **shown(book, endpoint)})


def told_trimmed(*texts: str | None) -> None:
    """Say which of the given texts lost something at their ends."""
    from byok_bench.endpoints.entry import trim

    for text in texts:
        if text is not None and trim(text) != text:
            note(_TRIMMED.format(safe(trim(text)) or "an empty text"))


def safe(text: str) -> str:
    """A stored text without what might be a credential in it."""
    from byok_bench.redact import redact

    return redact(text, ())
