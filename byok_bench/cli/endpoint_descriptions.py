"""How the commands speak of an endpoint: as data, in a few lines, and what keeps it from a run."""

from typing import TYPE_CHECKING, Any, Final

from byok_bench.cli.console import emit_json, note

if TYPE_CHECKING:
    from byok_bench.endpoints.book import EndpointBook
    from byok_bench.endpoints.endpoint import Endpoint

_TRIMMED: Final = "white space or invisible characters around {} were taken off"


def make_endpoint_document(book: "EndpointBook", endpoint: "Endpoint") -> dict[str, Any]:
    """An endpoint as plain data: what the file says, and what follows from it."""
    from byok_bench.endpoints.book_edits import as_table
    from byok_bench.endpoints.key_places import describe_key_place
    from byok_bench.endpoints.readiness import describe_unreadiness, is_ready

    return {
        **as_table(endpoint),
        "base_url": redact_stored_text(endpoint.base_url),
        "key": str(endpoint.key) if endpoint.key.kind != "session" else "session",
        "key_place": describe_key_place(endpoint).words,
        "key_set_at": None if endpoint.key_set_at is None else endpoint.key_set_at.isoformat(),
        "team": book.is_team(endpoint),
        "missing": list(endpoint.list_missing_fields()),
        "unready": describe_unreadiness(endpoint) or None,
        "refused": book.find_refusal(endpoint),
        "usable": is_ready(endpoint) and book.find_refusal(endpoint) is None,
    }


def describe_endpoint(book: "EndpointBook", endpoint: "Endpoint") -> str:
    """An endpoint in two lines, for a list."""
    from byok_bench.endpoints.entered_text import RETENTION_UNKNOWN
    from byok_bench.endpoints.key_places import describe_key_place

    names = ", ".join(model.alias or model.name for model in endpoint.models if model.name) or "no model"
    where = "Team" if book.is_team(endpoint) else "Custom"
    address = redact_stored_text(endpoint.base_url) or "no address"
    kept = "" if endpoint.retention == RETENTION_UNKNOWN else f"  data kept: {endpoint.retention}"
    facts = f"{address}  {endpoint.schema}  {names}  key: {describe_key_place(endpoint).words}{kept}"
    return f"{endpoint.label}  ({where}, {describe_state(book, endpoint)})\n    {facts}"


def describe_state(book: "EndpointBook", endpoint: "Endpoint") -> str:
    """`ready`, or why it is not."""
    from byok_bench.endpoints.readiness import describe_unreadiness

    if refusal := book.find_refusal(endpoint):
        return f"turned off here: {refusal}"
    if why := describe_unreadiness(endpoint):
        return f"not ready: {why}{describe_mending(endpoint)}"
    return "ready"


def describe_state_and_key(book: "EndpointBook", endpoint: "Endpoint") -> str:
    """`ready`, or why it is not; and where its key should be, if that is known not to be there."""
    from byok_bench.endpoints.key_places import describe_key_place

    place = describe_key_place(endpoint)
    return f"{describe_state(book, endpoint)}{f'; its key: {place.words}' if place.is_there is False else ''}"


def describe_mending(endpoint: "Endpoint") -> str:
    """The command that says what only its user can."""
    if "key_origin" in endpoint.list_missing_fields() and endpoint.origin is not None:
        return f" For {endpoint.origin}: byok-bench endpoints edit {endpoint.label!r} --confirm-key"
    return ""


def say_saved(book: "EndpointBook", config_key: str, as_json: bool) -> None:
    """What stands now, and whether it can be used."""
    from byok_bench.endpoints.readiness import find_url_hint, render_request_line

    endpoint = book[config_key]
    note(f"saved {endpoint.label} in {book.path}: {describe_state_and_key(book, endpoint)}")
    if line := render_request_line(endpoint.base_url, endpoint.schema, endpoint.query):
        words = find_url_hint(endpoint.base_url, endpoint.schema)
        note(f"it will call {redact_stored_text(line)}{f' ({words})' if words else ''}")
    if as_json:
        emit_json({"version": 1, **make_endpoint_document(book, endpoint)})


def say_trimmed(*texts: str | None) -> None:
    """Say which of the given texts lost something at their ends."""
    from byok_bench.endpoints.entered_text import trim_ends

    for text in texts:
        if text is not None and trim_ends(text) != text:
            note(_TRIMMED.format(redact_stored_text(trim_ends(text)) or "an empty text"))


def redact_stored_text(text: str) -> str:
    """A stored text without what might be a credential in it."""
    from byok_bench.redact import redact

    return redact(text, ())
