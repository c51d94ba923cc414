"""What is kept of an exchange holds no secret: request headers, URL, response headers, body, failure.

Called once per exchange, so what every good answer passes is a search for the exact keys alone; error bodies,
which echo keys in every disguise, go through `redact` whole. Rules: docs/secrets.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec.structs import replace

from byok_bench.redact import REDACTED, redact
from byok_bench.wire.condensed import condensed
from byok_bench.wire.content import codings_of, decoded
from byok_bench.wire.limits import DEFAULT_LIMITS, Limits
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


def clean_record(record: RawExchange, secrets: Sequence[str], limits: Limits = DEFAULT_LIMITS) -> None:
    """Take secrets out of everything that came back, and keep of an error body what the limits say.

    Sets the flags `redacted` and `body_cut` where something is gone.
    """
    found = False
    if record.head is not None:
        record.head, found = _clean_head(record.head, secrets)
        if record.chunks:
            found = _clean_body(record, record.head, secrets, limits) or found
    if record.failure is not None:
        record.failure = replace(record.failure, message=redact(record.failure.message, secrets))
    if found:
        record.flags.append("redacted")


def _clean_head(head: RawHead, secrets: Sequence[str]) -> tuple[RawHead, bool]:
    """The head, and whether a secret was taken out."""
    if not any(_holds(value, secrets) for _, value in head.headers):
        return head, False
    return replace(head, headers=tuple((name, _cut(value, secrets)) for name, value in head.headers)), True


def _clean_body(record: RawExchange, head: RawHead, secrets: Sequence[str], limits: Limits) -> bool:
    """Whether a secret was taken out of the body; a coded one that changes is then kept decoded."""
    good = 200 <= head.status < 300
    if good and not secrets:
        return False
    codings = codings_of(head.header("content-encoding"))
    plain = decoded(record.chunks, codings, limits.stream_bytes if good else limits.error_read_bytes)
    # What cannot be decoded is shown as it came, so that is what is searched.
    was_coded = bool(codings) and plain.problem is None
    chunks = plain.chunks if was_coded else record.chunks
    clean = _without(chunks, secrets) if good else _redacted(chunks, secrets)
    kept = clean if good else _in_little(record, clean or chunks, limits) or clean
    if kept is None:
        return False
    if was_coded:
        fields = tuple(field for field in head.headers if field[0] != "content-encoding")
        record.head = replace(head, headers=fields)
    record.chunks[:] = kept
    return clean is not None


def _in_little(record: RawExchange, chunks: list[Chunk], limits: Limits) -> list[Chunk] | None:
    """An error body that is longer than what is kept of one, shortened; None if it is not."""
    whole = b"".join(data for _, data in chunks)
    if len(whole) <= limits.error_keep_bytes:
        return None
    if "body_cut" not in record.flags:
        record.flags.append("body_cut")
    return [(chunks[-1][0], condensed(whole, limits.error_keep_bytes))]


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
