"""What is kept of an exchange holds no secret: request headers, URL, response headers, body, failure.

Called once per exchange, so what every good answer passes is a search for the exact keys alone; error bodies,
which echo keys in every disguise, go through `redact` whole. Rules: docs/secrets.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from byok_bench.redact import REDACTED, redact
from byok_bench.wire.content import codings_of, decoded
from byok_bench.wire.raw import Chunk, RawExchange, RawHead

CREDENTIAL_HEADERS: Final = frozenset({"authorization", "api-key", "x-api-key", "proxy-authorization"})
_MARK: Final = REDACTED.encode()
_SHORTEST: Final = 3
"""Shorter texts are no secrets: they would be found everywhere."""

Headers = tuple[tuple[str, str], ...]


def clean_headers(headers: Iterable[tuple[str, str]], secrets: Sequence[str]) -> Headers:
    """Names in lower case; the value of a credential, or one that holds a secret, is gone as a whole."""
    return tuple(
        (name.lower(), REDACTED if name.lower() in CREDENTIAL_HEADERS or _holds(value, secrets) else value)
        for name, value in headers
    )


def clean_url(url: str, secrets: Sequence[str]) -> str:
    """The URL, searched where a secret can be: in a query, or before an @."""
    return redact(url, secrets) if "?" in url or "@" in url or _holds(url, secrets) else url


def clean_body(body: bytes, secrets: Sequence[str]) -> bytes:
    """A request body without the exact secrets: somebody may have pasted one into a prompt."""
    clean = _without([(0, body)], secrets)
    return body if clean is None else clean[0][1]


def clean_record(record: RawExchange, secrets: Sequence[str]) -> None:
    """Take secrets out of everything that came back; sets the flag `redacted` if there was one."""
    head, found = record.head, False
    if head is not None and any(_holds(value, secrets) for _, value in head.headers):
        fields = tuple((name, _cut(value, secrets)) for name, value in head.headers)
        record.head = replace(head, headers=fields)
        found = True
    if head is not None and record.chunks:
        found = _clean_body(record, head, secrets) or found
    if record.failure is not None:
        record.failure = replace(record.failure, message=redact(record.failure.message, secrets))
    if found:
        record.flags.append("redacted")


def _clean_body(record: RawExchange, head: RawHead, secrets: Sequence[str]) -> bool:
    """Whether something was taken out of the body; a coded one is then kept decoded."""
    good = 200 <= head.status < 300
    if good and not secrets:
        return False
    codings = codings_of(head.header("content-encoding"))
    chunks = decoded(record.chunks, codings).chunks if codings else record.chunks
    clean = _without(chunks, secrets) if good else _redacted(chunks, secrets)
    if clean is None:
        return False
    if codings and record.head is not None:
        fields = tuple(field for field in record.head.headers if field[0] != "content-encoding")
        record.head = replace(record.head, headers=fields)
    record.chunks[:] = clean
    return True


def _redacted(chunks: list[Chunk], secrets: Sequence[str]) -> list[Chunk] | None:
    """The whole body in one chunk, redacted; None if it held nothing."""
    text = b"".join(data for _, data in chunks).decode("utf-8", "surrogateescape")
    clean = redact(text, secrets)
    return None if clean == text else [(chunks[-1][0], clean.encode("utf-8", "surrogateescape"))]


def _without(chunks: list[Chunk], secrets: Sequence[str]) -> list[Chunk] | None:
    """The chunks without the exact secrets, wherever they were cut; None if they held none."""
    whole = b"".join(data for _, data in chunks)
    spans = _merged(span for secret in secrets if len(secret) >= _SHORTEST for span in _spans(whole, secret))
    if not spans:
        return None
    clean: list[Chunk] = []
    offset = 0
    for t_ns, data in chunks:
        end = offset + len(data)
        pieces, at = [], offset
        for start, stop in spans:
            if stop > offset and start < end:
                pieces.append(whole[at : max(at, start)])
                pieces.append(_MARK if start >= offset else b"")
                at = max(at, min(stop, end))
        clean.append((t_ns, b"".join(pieces) + whole[at:end]))
        offset = end
    return clean


def _spans(whole: bytes, secret: str) -> Iterator[tuple[int, int]]:
    sought = secret.encode()
    start = whole.find(sought)
    while start >= 0:
        yield start, start + len(sought)
        start = whole.find(sought, start + 1)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return merged


def _cut(value: str, secrets: Sequence[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            value = value.replace(secret, REDACTED)
    return value


def _holds(value: str, secrets: Sequence[str]) -> bool:
    return any(len(secret) >= _SHORTEST and secret in value for secret in secrets)
