"""What is kept of an exchange holds no secret: request headers, URL, response headers, body, failure.

Called once per exchange, so what every good answer passes is a search for the exact keys alone, as they are and
as JSON may write them; headers and error bodies, which echo keys in every disguise, go through `redact` whole.
Rules: docs/secrets.md.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec.structs import replace

from byok_bench.redact import REDACTED, redact
from byok_bench.wire.bodies.content_coding import decode_content, read_codings
from byok_bench.wire.cleaning.key_edits import (
    SHORTEST_SECRET,
    KeyEdit,
    find_split_key_edits,
    find_whole_key_edits,
)
from byok_bench.wire.cleaning.short_bodies import shorten_error_body
from byok_bench.wire.limits import DEFAULT_LIMITS, Limits
from byok_bench.wire.raw_exchange import Chunk, RawExchange, RawHead

CREDENTIAL_HEADERS: Final = frozenset({"authorization", "api-key", "x-api-key", "proxy-authorization"})
COOKIE_HEADERS: Final = frozenset({"set-cookie", "set-cookie2"})
"""A session that a server or a gateway opened: never sent back, and nobody's business in a printed or saved answer."""

Headers = tuple[tuple[str, str], ...]
FindEdits = Callable[[bytes, Sequence[str]], list[KeyEdit]]


def clean_headers(headers: Iterable[tuple[str, str]], secrets: Sequence[str]) -> Headers:
    """Names in lower case; the value of a credential, or one that holds a secret, is gone as a whole."""
    return tuple(
        (
            name.lower(),
            REDACTED if name.lower() in CREDENTIAL_HEADERS or _has_secret(value, secrets) else value,
        )
        for name, value in headers
    )


def clean_url(url: str, secrets: Sequence[str]) -> str:
    """The URL, searched where a secret can be: in a query, or before an @."""
    return redact(url, secrets) if "?" in url or "@" in url or _has_secret(url, secrets) else url


def clean_body(body: bytes, secrets: Sequence[str]) -> bytes:
    """A request body without the exact secrets: somebody may have pasted one into a prompt."""
    clean = _remove_secrets([(0, body)], secrets, find_whole_key_edits)
    return body if clean is None else clean[0][1]


def clean_record(record: RawExchange, secrets: Sequence[str], limits: Limits = DEFAULT_LIMITS) -> None:
    """Take secrets out of everything that came back, and keep of an error body what the limits say.

    Sets the flags `redacted` and `body_cut` where something is gone. A secret that is spread over the events of a
    stream stays: that is for `clean_stream`.
    """
    head, found = record.head, False
    if head is not None and any(name.lower() in COOKIE_HEADERS for name, _ in head.headers):
        fields = tuple((name, REDACTED if name.lower() in COOKIE_HEADERS else value) for name, value in head.headers)
        record.head = head = replace(head, headers=fields)
    if head is not None and _has_secret_in_any([value for _, value in head.headers], secrets):
        fields = tuple((name, _redact_header_value(value, secrets)) for name, value in head.headers)
        record.head = head = replace(head, headers=fields)
        found = True
    if head is not None and record.chunks:
        found = _clean_body(record, head, secrets, limits) or found
    if record.failure is not None:
        record.failure = replace(record.failure, message=redact(record.failure.message, secrets))
    if found:
        record.flags.append("redacted")


def clean_stream(record: RawExchange, secrets: Sequence[str]) -> None:
    """Take secrets out that a model wrote token by token; reads the whole body, so it is not the hot path's work."""
    head = record.head
    if head is None or not 200 <= head.status < 300 or not secrets:
        return
    if _edit_body(record, head, secrets, find_split_key_edits) and "redacted" not in record.flags:
        record.flags.append("redacted")


def _clean_body(record: RawExchange, head: RawHead, secrets: Sequence[str], limits: Limits) -> bool:
    """Whether a secret was taken out of the body; an error body is shortened too."""
    if 200 <= head.status < 300:
        return bool(secrets) and _edit_body(record, head, secrets, find_whole_key_edits)
    chunks, coded = _decode_body(record, head, limits.error_read_bytes)
    clean = _redact_whole(chunks, secrets)
    if clean is None and coded:
        clean = _drop_undecoded_rest(record, chunks, secrets)
    _replace_body(record, head, _shorten_body(record, clean or chunks, limits) or clean, coded=coded)
    return clean is not None


def _edit_body(record: RawExchange, head: RawHead, secrets: Sequence[str], find: FindEdits) -> bool:
    chunks, coded = _decode_body(record, head, DEFAULT_LIMITS.stream_bytes)
    clean = _remove_secrets(chunks, secrets, find)
    if clean is None and coded:
        clean = _drop_undecoded_rest(record, chunks, secrets)
    return _replace_body(record, head, clean, coded=coded)


def _drop_undecoded_rest(record: RawExchange, chunks: list[Chunk], secrets: Sequence[str]) -> list[Chunk] | None:
    """The decoded chunks, if a secret stands in what follows the end of the coding and is never decoded."""
    return None if _remove_secrets(record.chunks, secrets, find_whole_key_edits) is None else chunks


def _decode_body(record: RawExchange, head: RawHead, most: int) -> tuple[list[Chunk], bool]:
    """The body without its coding, and whether it had one; what cannot be decoded is shown as it came."""
    codings = read_codings(head.get_header("content-encoding"))
    plain = decode_content(record.chunks, codings, most) if codings else None
    return (record.chunks, False) if plain is None or plain.problem is not None else (plain.chunks, True)


def _replace_body(record: RawExchange, head: RawHead, clean: list[Chunk] | None, *, coded: bool) -> bool:
    """Keep `clean` in place of the body, unless it is None; a coded body is then kept decoded."""
    if clean is None:
        return False
    if coded:
        fields = tuple(field for field in head.headers if field[0] != "content-encoding")
        record.head = replace(head, headers=fields)
    record.chunks[:] = clean
    return True


def _shorten_body(record: RawExchange, chunks: list[Chunk], limits: Limits) -> list[Chunk] | None:
    """An error body that is longer than what is kept of one, shortened; None if it is not."""
    whole = b"".join(data for _, data in chunks)
    if len(whole) <= limits.error_keep_bytes:
        return None
    if "body_cut" not in record.flags:
        record.flags.append("body_cut")
    return [(chunks[-1][0], shorten_error_body(whole, limits.error_keep_bytes))]


def _redact_whole(chunks: list[Chunk], secrets: Sequence[str]) -> list[Chunk] | None:
    """The whole body in one chunk, redacted; None if it held nothing."""
    text = b"".join(data for _, data in chunks).decode("utf-8", "surrogateescape")
    clean = redact(text, secrets)
    return None if clean == text else [(chunks[-1][0], clean.encode("utf-8", "surrogateescape"))]


def _remove_secrets(chunks: list[Chunk], secrets: Sequence[str], find: FindEdits) -> list[Chunk] | None:
    """The chunks with the edits that `find` finds, wherever they were cut; None if there are none."""
    whole = b"".join(data for _, data in chunks)
    edits = find(whole, [secret for secret in secrets if len(secret) >= SHORTEST_SECRET])
    if not edits:
        return None
    clean: list[Chunk] = []
    offset = 0
    for t_ns, data in chunks:
        end = offset + len(data)
        pieces, at = [], offset
        for start, stop, put in edits:
            if stop > offset and start < end:
                pieces.append(whole[at : max(at, start)])
                pieces.append(put if start >= offset else b"")
                at = max(at, min(stop, end))
        clean.append((t_ns, b"".join(pieces) + whole[at:end]))
        offset = end
    return clean


def _has_secret_in_any(values: Sequence[str], secrets: Sequence[str]) -> bool:
    """Whether a value holds a secret in any form; all are searched at once, since most exchanges hold none."""
    if not secrets:
        return False
    together = "\0".join(values)
    return redact(together, secrets) != together or any(_has_secret(value, secrets) for value in values)


def _redact_header_value(value: str, secrets: Sequence[str]) -> str:
    """The value redacted; the parts that are a secret too short for `redact` go as well."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            value = value.replace(secret, REDACTED)
    return redact(value, secrets)


def _has_secret(value: str, secrets: Sequence[str]) -> bool:
    return any(len(secret) >= SHORTEST_SECRET and secret in value for secret in secrets)
