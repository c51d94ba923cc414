"""Content codings, undone in steps: gzip and deflate, with a cap on what comes out.

Known to real servers and taken here: several gzip members in a row, zeros after the last one, and `deflate`
without its zlib header (RFC 9110, section 8.4.1.2 allows only the wrapped form). A body that ends in the
middle is no problem of the coding: what came out so far counts. No sockets, no text.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

from byok_bench.wire.limits import DEFAULT_LIMITS
from byok_bench.wire.raw_exchange import Chunk

IDENTITY: Final = "identity"
CODINGS: Final = frozenset(
    {
        "aes128gcm", "br", "compress", "dcb", "dcz", "deflate", "exi", "gzip", "pack200-gzip", "x-compress", "x-gzip",
        "zstd", "brotli", "bzip2", "lz4", "lzma", "snappy", "x-bzip2", "x-deflate", "x-snappy-framed", "xz", "zlib",
        "zstandard",
    }
)  # fmt: skip
"""Names of codings: those that IANA lists (iana.org/assignments/http-parameters), and others that are in use. Any
other name (none, utf-8, chunked) says of no coding, and the body is read as it came."""
_GZIP: Final = ("gzip", "x-gzip")
_KNOWN: Final = (*_GZIP, "deflate")
"""What can be undone."""
_GZIP_START: Final = b"\x1f"


PIECE_BYTES: Final = 65_536
"""What comes out of a decoder at a time."""
NESTED_BYTES: Final = DEFAULT_LIMITS.body_bytes
"""What may come out of several codings in a row, which no honest server uses: each unfolds a thousandfold."""


class DecodedBody(msgspec.Struct, frozen=True, kw_only=True):
    """A body without its content coding."""

    chunks: list[Chunk]
    """Stamps as on the wire; reads that yielded no byte are left out."""
    problem: str | None = None
    """Why the coding could not be undone; the chunks are then those before it."""
    is_over_limit: bool = False
    """More came out than was allowed; the chunks end at the limit."""


def read_codings(header: str | None) -> tuple[str, ...]:
    """The codings that a Content-Encoding header names, in the order applied, without `identity`."""
    return tuple(name for name in _split_names(header) if name in CODINGS)


def find_odd_codings(header: str | None) -> tuple[str, ...]:
    """What a Content-Encoding header names that is no coding; an empty name for an empty header."""
    return tuple(name for name in _split_names(header) if name not in CODINGS and name != IDENTITY)


def list_undecodable_codings(accepted: str) -> tuple[str, ...]:
    """Codings of an Accept-Encoding value that an answer could have, and that nothing here undoes."""
    return tuple(name for name in read_codings(accepted) if name not in _KNOWN)


def _split_names(header: str | None) -> list[str]:
    return [] if header is None else [name.strip().lower() for name in header.split(",")]


def compute_output_limit(codings: Sequence[str], limit: int) -> int:
    """How many bytes may come out of these codings, where `limit` may come out of one."""
    return limit if len(codings) < 2 else min(limit, NESTED_BYTES)


def decode_content(
    chunks: list[Chunk], codings: Sequence[str], limit: int = DEFAULT_LIMITS.stream_bytes
) -> DecodedBody:
    """Timed chunks with their coding undone; at most `limit` bytes."""
    limit = compute_output_limit(codings, limit)
    if not codings and sum(len(data) for _, data in chunks) <= limit:
        return DecodedBody(chunks=chunks)
    decoder = ContentDecoder(codings, limit)
    plain: list[Chunk] = []
    for number, (t_ns, data) in enumerate(chunks):
        piece = decoder.feed(data)
        if decoder.problem is not None:
            decoder, piece = _decode_until_broken(chunks[:number], data, ContentDecoder(codings, limit))
        if piece:
            plain.append((t_ns, piece))
        if decoder.problem is not None or decoder.over:
            break
    return DecodedBody(chunks=plain, problem=decoder.problem, is_over_limit=decoder.over)


def _decode_until_broken(
    before: list[Chunk], broken: bytes, decoder: "ContentDecoder"
) -> tuple["ContentDecoder", bytes]:
    """What the read that holds the first bad byte adds; zlib loses it, unless that byte comes alone."""
    for _, data in before:
        decoder.feed(data)
    return decoder, b"".join([decoder.feed(broken[at : at + 1]) for at in range(len(broken))])


class ContentDecoder:
    """Bytes in as they come, decoded bytes out; at most `limit` of them."""

    def __init__(self, codings: Sequence[str], limit: int = DEFAULT_LIMITS.stream_bytes) -> None:
        unknown = [name for name in codings if name not in _KNOWN]
        self.problem: str | None = f"cannot undo content coding {unknown[0]!r}" if unknown else None
        """Why nothing more can be decoded."""
        self.over = False
        """The limit was passed."""
        self._limit = limit
        self._room = limit
        self._steps = [] if unknown else [_Inflater(name, limit) for name in reversed(codings)]

    def feed(self, data: bytes) -> bytes:
        """What `data` adds to the decoded body; empty once `problem` or `over` is set."""
        return b"".join(self.iterate_pieces(data))

    def iterate_pieces(self, data: bytes) -> Iterator[bytes]:
        """The same in pieces of at most PIECE_BYTES, however much comes out: no step holds more than one at a time."""
        if self.problem is not None or self.over:
            return
        for piece in self._pass_through(data, 0):
            yield piece[: self._room]
            self._room -= len(piece)
            if self._room < 0:
                self.over = True
                return

    def _pass_through(self, data: bytes, number: int) -> Iterator[bytes]:
        """What a step, and those after it, make of `data`."""
        if number == len(self._steps):
            yield data
            return
        step = self._steps[number]
        for piece in step.iterate_pieces(data):
            yield from self._pass_through(piece, number + 1)
            if self.problem is not None or self.over:
                return
        self.problem = self.problem or step.problem
        self.over = self.over or step.over


class _Inflater:
    """One coding, across its members."""

    def __init__(self, coding: str, limit: int) -> None:
        self.problem: str | None = None
        self.over = False
        self._coding = coding
        self._room = limit
        self._stream: Any = None
        self._held = b""
        self._members = 0
        self._ended = False

    def iterate_pieces(self, data: bytes) -> Iterator[bytes]:
        data = self._held + data
        self._held = b""
        is_full = False
        while (data or is_full) and not (self._ended or self.problem or self.over):
            if self._stream is None:
                data = self._begin(data)
                continue
            try:
                piece = self._stream.decompress(data, PIECE_BYTES)
            except zlib.error as error:
                self.problem = f"broken {self._coding} data: {error}"
                return
            is_full = len(piece) == PIECE_BYTES and not self._stream.eof  # more may come out of what went in
            data = self._stream.unused_data if self._stream.eof else self._stream.unconsumed_tail
            if self._stream.eof:
                self._stream = None
                self._members += 1
            self._room -= len(piece)
            self.over = self._room < 0
            if piece:
                yield piece

    def _begin(self, data: bytes) -> bytes:
        """Choose the format of the next member; return the bytes that belong to it."""
        if self._coding in _GZIP:
            data = data.lstrip(b"\0") if self._members else data
            self._ended = bool(self._members and data and not data.startswith(_GZIP_START))
            self._stream = zlib.decompressobj(16 + zlib.MAX_WBITS) if data else None
            return data
        self._ended = self._members > 0
        if len(data) < 2:
            self._held = data
            return b""
        wrapped = data[0] & 0x0F == zlib.DEFLATED and int.from_bytes(data[:2]) % 31 == 0
        self._stream = zlib.decompressobj(zlib.MAX_WBITS if wrapped else -zlib.MAX_WBITS)
        return data
