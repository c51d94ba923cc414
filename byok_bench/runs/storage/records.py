"""RawExchange ↔ the columns of a stored record, exactly.

What the bytes mean is not stored here: a record is judged again from the same bytes and stamps. Bodies are zlib;
stamps are u32 steps in ns from the exchange's start, with an escape for steps that do not fit. The rest is ASCII
JSON, in which NUL and lone surrogates survive, deflated with words of its own; files of before format 6 have it as it
is, and sizes that are not deflated.

Header values are kept by an allow-list, which holds every header that a rule reads; of the others the name is kept.
A set-cookie, or a header of the user's own, is nobody's business later (docs/secrets.md).
"""

import json
import operator
import struct
import zlib
from array import array
from collections.abc import Iterable
from itertools import accumulate
from typing import Any, Final

import msgspec

from byok_bench.runs.storage import ascii_json
from byok_bench.runs.storage.record_words import WORDS
from byok_bench.wire.raw_exchange import Chunk, RawExchange

NOT_KEPT: Final = "[not kept]"
KEPT_REQUEST_HEADERS: Final = frozenset(
    {"accept", "accept-encoding", "anthropic-version", "content-type", "user-agent", "x-request-id"}
)
KEPT_RESPONSE_HEADERS: Final = frozenset(
    {
        "age", "cache-control", "cf-ray", "connection", "content-encoding", "content-length", "content-type", "date",
        "keep-alive", "location", "openai-processing-ms", "openai-version", "request-id", "retry-after",
        "retry-after-ms", "server", "transfer-encoding", "vary", "via", "www-authenticate", "x-accel-buffering",
        "x-cache", "x-request-id", "x-should-retry",
    }
)  # fmt: skip
KEPT_PREFIXES: Final = ("x-ratelimit-", "ratelimit")
_WITH_WORDS: Final = b"\1"
"""In front of JSON that was deflated with the words of record_words.py."""
_ESCAPE: Final = 0xFFFFFFFF
_WIDE: Final = struct.Struct("<q")
_NARROW: Final = struct.Struct("<I")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of one attempt's record."""

    meta: bytes
    """Everything but bodies and stamps: see expand_meta."""
    request: bytes
    """zlib of the request body."""
    response: bytes
    """zlib of all body bytes, joined."""
    stamps: bytes
    """Steps between chunk stamps, ns."""
    sizes: bytes
    """zlib of the u32 length of each chunk."""

    def count_bytes(self) -> int:
        """What it takes in a file."""
        return sum(map(len, (self.meta, self.request, self.response, self.stamps, self.sizes)))


def to_record(raw: RawExchange) -> Record:
    """The record of an exchange; everything that decode needs to build an equal one."""
    bare = msgspec.structs.replace(raw, chunks=[], request=msgspec.structs.replace(raw.request, body=b""))
    plain: dict[str, Any] = msgspec.to_builtins(bare)
    plain["request"]["headers"] = [
        (name, _mask_value(name, value, KEPT_REQUEST_HEADERS)) for name, value in raw.request.headers
    ]
    if raw.head is not None:
        plain["head"]["headers"] = [
            (name, _mask_value(name, value, KEPT_RESPONSE_HEADERS)) for name, value in raw.head.headers
        ]
    return Record(
        meta=_pack_meta(json.dumps(plain, separators=(",", ":")).encode("ascii")),
        request=zlib.compress(raw.request.body, 3),
        response=zlib.compress(b"".join(body for _, body in raw.chunks), 3),
        stamps=pack_stamps((stamp for stamp, _ in raw.chunks), raw.phases.start),
        sizes=zlib.compress(_as_bytes(array("I", (len(body) for _, body in raw.chunks))), 3),
    )


def from_record(record: Record) -> RawExchange:
    """The exchange as it was recorded."""
    raw = ascii_json.from_ascii_fast(expand_meta(record.meta), RawExchange)
    raw.request = msgspec.structs.replace(raw.request, body=zlib.decompress(record.request))
    body = zlib.decompress(record.response)
    packed = zlib.decompress(record.sizes) if record.meta.startswith(_WITH_WORDS) else record.sizes
    ends = [0, *accumulate(_unpack_sizes(packed))]
    stamps = unpack_stamps(record.stamps, raw.phases.start)
    chunks: list[Chunk] = [
        (stamp, body[start:end]) for stamp, start, end in zip(stamps, ends[:-1], ends[1:], strict=True)
    ]
    raw.chunks = chunks
    return raw


def _pack_meta(plain: bytes) -> bytes:
    packer = zlib.compressobj(3, zdict=WORDS)
    return _WITH_WORDS + packer.compress(plain) + packer.flush()


def expand_meta(meta: bytes) -> bytes:
    """ASCII JSON. Raises zlib.error for what is neither that nor packed."""
    return zlib.decompressobj(zdict=WORDS).decompress(meta[1:]) if meta.startswith(_WITH_WORDS) else meta


def _mask_value(name: str, value: str, names: frozenset[str]) -> str:
    return value if name in names or name.startswith(KEPT_PREFIXES) else NOT_KEPT


def pack_stamps(stamps: Iterable[int], start: int) -> bytes:
    """Little-endian u32 steps; a step below 0 or from 2³²−1 ns up is the escape and a signed 64-bit step."""
    marks = [start, *stamps]
    steps = list(map(operator.sub, marks[1:], marks))
    if not steps or (min(steps) >= 0 and max(steps) < _ESCAPE):
        return struct.pack(f"<{len(steps)}I", *steps)
    return b"".join(
        _NARROW.pack(step) if 0 <= step < _ESCAPE else _NARROW.pack(_ESCAPE) + _WIDE.pack(step) for step in steps
    )


def unpack_stamps(packed: bytes, start: int) -> list[int]:
    """The stamps that were packed."""
    steps = _unpack_sizes(packed)
    if _ESCAPE not in steps:
        return list(accumulate(steps, initial=start))[1:]
    stamps, position, now = [], 0, start
    while position < len(packed):
        (step,) = _NARROW.unpack_from(packed, position)
        position += _NARROW.size
        if step == _ESCAPE:
            (step,) = _WIDE.unpack_from(packed, position)
            position += _WIDE.size
        now += step
        stamps.append(now)
    return stamps


def _as_bytes(numbers: "array[int]") -> bytes:
    return struct.pack(f"<{len(numbers)}I", *numbers)


def _unpack_sizes(packed: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(packed) // 4}I", packed)
