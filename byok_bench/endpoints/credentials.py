"""What an endpoint adds to a request beyond its body: header fields and query fields with their real values.

The place where keys are revealed. Each value is checked again, since a variable may have changed since entry.
"""

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.extra_fields import has_key_mark
from byok_bench.endpoints.key_literals import KEY_MARK
from byok_bench.endpoints.keys import KeyRef, Secret
from byok_bench.errors import SecretError
from byok_bench.redact.logs import remember

Fields = tuple[tuple[str, str], ...]


class Credentials:
    """Real values for one request: used to build it, then dropped. Shows nothing of itself."""

    __slots__ = ("headers", "query", "secrets")

    def __init__(self, headers: Fields, query: Fields, secrets: tuple[str, ...]) -> None:
        self.headers = headers
        """Key header first, unless an extra one of its name stands in its place; then the extra ones."""
        self.query = query
        self.secrets = secrets
        """What `redact` must know; the usual dummies are not among them."""

    def __repr__(self) -> str:
        return f"Credentials({len(self.headers)} headers, {len(self.query)} query fields)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("credentials do not travel: resolve the endpoint's key where it is needed")


def resolve_credentials(endpoint: Endpoint, explicit: Secret | None = None) -> Credentials:
    """Resolve the key and all references of `endpoint`; `explicit` stands in for its key.

    Raises SecretError if one is missing, malformed, or not confirmed for the endpoint's origin.
    May wait for the keyring: call it off an event loop that must not stand still.
    """
    extras = (*endpoint.headers.values(), *endpoint.query.values())
    stored = explicit is None or any(isinstance(value, KeyRef) for value in extras)
    if stored and not endpoint.key_is_confirmed:
        raise SecretError(
            f"the key of {endpoint.label!r} belongs to {endpoint.key_origin}, not to {endpoint.origin}: "
            "confirm it for the new address, or enter another",
            code="key_not_confirmed",
        )
    key = endpoint.key.resolve(explicit)
    _refuse_mark_without_key(endpoint, key)
    headers = {name: _resolve_value(value) for name, value in endpoint.headers.items()}
    query = {name: _resolve_value(value) for name, value in endpoint.query.items()}
    known = [key, *(value for value in (*headers.values(), *query.values()) if isinstance(value, Secret))]
    names = {name.lower() for name in headers}
    built = [build_key_header(endpoint, key)] if key is not None else []
    key_fields = tuple(field for field in built if field[0].lower() not in names)
    secrets = tuple(one.reveal() for one in known if one is not None and not one.is_dummy)
    remember(secrets)
    return Credentials(
        headers=(*key_fields, *((name, _reveal_header(value, key)) for name, value in headers.items())),
        query=tuple((name, _reveal_text(value)) for name, value in query.items()),
        secrets=secrets,
    )


def build_key_header(endpoint: Endpoint, key: Secret) -> tuple[str, str]:
    """The header field that carries the key, by the endpoint's key style. Raises SecretError."""
    match endpoint.key_style:
        case "bearer":
            return "authorization", f"Bearer {key.reveal()}"
        case "header":
            if not endpoint.key_header:
                raise SecretError(
                    f"name the header that carries the key of {endpoint.label!r}", code="key_header_missing"
                )
            return endpoint.key_header, key.reveal()
        case style:
            return style, key.reveal()


def _resolve_value(value: str | KeyRef) -> str | Secret | None:
    return value.resolve() if isinstance(value, KeyRef) else value


def _refuse_mark_without_key(endpoint: Endpoint, key: Secret | None) -> None:
    marked = [name for name, value in endpoint.headers.items() if has_key_mark(value)]
    if marked and key is None:
        raise SecretError(
            f"header {marked[0]} of {endpoint.label!r} holds {KEY_MARK}, and the endpoint has no key: choose where it "
            "comes from",
            code="key_missing",
        )


def _reveal_header(value: str | Secret | None, key: Secret | None) -> str:
    """A header's real value: a text with the key where it is marked; what came by reference is no template."""
    is_marked = isinstance(value, str) and key is not None
    return value.replace(KEY_MARK, key.reveal()) if is_marked else _reveal_text(value)  # type: ignore[union-attr]


def _reveal_text(value: str | Secret | None) -> str:
    return value.reveal() if isinstance(value, Secret) else value or ""
