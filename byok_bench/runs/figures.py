"""Figures: what tables need of rows, by columns, so that a million of them are read without making one object each.

A block holds some thousand rows, those of a target and load together; a column of it is one run of bytes. Words are
numbers into the block's own list of distinct values; what was not observed is NaN, or the smallest integer. Gaps
between deltas are u32 ns, those of a target and load in one run of bytes. Everything is little-endian.
"""

import math
import operator
import struct
import sys
import zlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec

from byok_bench.runs.row import Row
from byok_bench.runs.storage import ascii_json
from byok_bench.wire.recording.clock_watch import UNTIMED_FLAGS
from byok_bench.wire.recording.loop_lag import STALLED_FLAG

DOUBTFUL: Final = UNTIMED_FLAGS | {STALLED_FLAG}
"""Marks of samples whose times may be off, or are left out."""
MISSING: Final = -(2**63)
"""In a column of integers: not observed."""
SMALLEST_STEP: Final = 1024
"""Tokens of the first step of prompts; each further one is twice as far."""
_CODES: Final = ((2**8, "B"), (2**16, "H"), (2**32, "I"))
_RAW: Final = b"\0"
_DEFLATED: Final = b"\1"
_LENGTH: Final = struct.Struct("<I")
_NS: Final = 1e6
"""Of a millisecond."""


class Column(NamedTuple):
    """One number or word of each row."""

    kind: Literal["word", "number", "integer"]
    """A word is any value that JSON has; a number a float; an integer fits 64 bits."""
    read: Callable[[Row], Any]


class Block(msgspec.Struct, frozen=True, kw_only=True):
    """Some rows by columns."""

    rows: int
    columns: Mapping[str, bytes]
    gaps: Mapping[tuple[int, int], bytes]
    """(target, stage) → the gaps of its rows, one after the other."""


def find_prompt_step(row: Row) -> int | None:
    """Upper end of the step that a prompt falls in: 1024, 2048, 4096 …; None for one of unknown length."""
    return SMALLEST_STEP << max(0, (row.prompt_tokens - 1).bit_length() - 10) if row.prompt_tokens else None


def compute_flow(row: Row) -> float | None:
    """Tokens a second of a stream that flowed; where most deltas came in packets, a gap says nothing of it."""
    if row.tpot_ms and row.tpot_ms > 0 and 2 * sum(gap > 0 for gap in row.itl_ms) > len(row.itl_ms):
        return 1000 / row.tpot_ms
    return None


def _has_finding(row: Row, severity: str) -> bool:
    return any(found.severity == severity for found in row.findings)


def _make_plain_columns(kind: Literal["word", "number", "integer"], names: str) -> dict[str, Column]:
    return {name: Column(kind, operator.attrgetter(name)) for name in names.split()}


COLUMNS: Final[Mapping[str, Column]] = {
    **_make_plain_columns("integer", "exchange_id repeat start_ns end_ns deltas"),
    **_make_plain_columns(
        "word",
        "target stage scenario turn status attempt wants_failure outcome kind http_status streamed timeline"
        " message why tool_calls call_faults valid_calls",
    ),
    **_make_plain_columns(
        "number",
        "ttfb_ms ttft_ms ttft_tool_ms e2e_ms late_ms connect_ms tpot_ms retry_after_s tokens prompt_tokens"
        " cached_tokens cost",
    ),
    "is_warmup": Column("word", operator.attrgetter("is_warmup")),
    "prompt": Column("word", lambda row: (row.scenario, row.sample)),
    "mistake": Column("word", lambda row: row.scenario if row.wants_failure else ""),
    "clock": Column("word", lambda row: row.clock if row.chunks else None),
    "prompt_step": Column("word", find_prompt_step),
    "has_cached": Column("word", lambda row: None if row.cached_tokens is None else row.cached_tokens > 0),
    "has_reasoned": Column("word", lambda row: row.reasoning_chars > 0),
    "has_events": Column("word", lambda row: row.events > 1),
    "is_untimed": Column("word", lambda row: not UNTIMED_FLAGS.isdisjoint(row.flags)),
    "is_marked": Column("word", lambda row: not DOUBTFUL.isdisjoint(row.flags)),
    "has_error": Column("word", lambda row: _has_finding(row, "error")),
    "has_warning": Column("word", lambda row: _has_finding(row, "warn")),
    "findings": Column("word", lambda row: tuple((found.check, found.severity) for found in row.findings)),
    "calls": Column("word", lambda row: len(row.tool_calls)),
    "flow": Column("number", compute_flow),
    "gaps": Column("integer", lambda row: len(row.itl_ms)),
    "zero_gaps": Column("integer", lambda row: row.itl_ms.count(0)),
}
"""Everything that a table asks of a row, by name: a field of Row, or what follows from some."""


def make_block(rows: Sequence[Row]) -> Block:
    """The rows as columns, sorted by target and load."""
    ranked = sorted(rows, key=lambda row: (row.target, row.stage, row.exchange_id))
    gaps: dict[tuple[int, int], list[float]] = {}
    for row in ranked:
        gaps.setdefault((row.target, row.stage), []).extend(row.itl_ms)
    return Block(
        rows=len(ranked),
        columns={name: _pack_column(column, ranked) for name, column in COLUMNS.items()},
        gaps={place: pack_gaps(some) for place, some in gaps.items() if some},
    )


def _pack_column(column: Column, rows: Sequence[Row]) -> bytes:
    values = [column.read(row) for row in rows]
    if column.kind == "word":
        return _condense(_pack_words(values))
    if column.kind == "number":
        return _condense(_to_bytes("d", [math.nan if value is None else value for value in values]))
    return _condense(_to_bytes("q", [MISSING if value is None else value for value in values]))


def _pack_words(values: Sequence[Any]) -> bytes:
    """Length of the list of distinct values, the list as JSON, and a number into it for each row."""
    places = {value: place for place, value in enumerate(dict.fromkeys(values))}
    told = ascii_json.to_ascii(list(places))
    code = next(code for most, code in _CODES if len(places) <= most)
    return _LENGTH.pack(len(told)) + told + _to_bytes(code, [places[value] for value in values])


def unpack_words(packed: bytes) -> "tuple[list[Any], array[int]]":
    """The distinct values, and for each row its number among them."""
    plain = expand_column(packed)
    start = _LENGTH.size + _LENGTH.unpack_from(plain)[0]
    words = [_freeze(word) for word in ascii_json.from_ascii(plain[_LENGTH.size : start], list)]
    return words, _from_bytes(next(code for most, code in _CODES if len(words) <= most), plain[start:])


def unpack_integers(packed: bytes) -> "array[int]":
    """A column of integers."""
    return _from_bytes("q", expand_column(packed))


def pack_gaps(gaps_ms: Sequence[float]) -> bytes:
    """Their array code, and ns: u32, or 64 bits for all if one is too long for that."""
    steps = [round(gap * _NS) for gap in gaps_ms]
    code = "I" if min(steps, default=0) >= 0 and max(steps, default=0) < 2**32 else "q"
    return code.encode() + _to_bytes(code, steps)


def unpack_numbers(packed: bytes) -> "array[float]":
    """A column of numbers."""
    return _from_bytes("d", expand_column(packed))


def unpack_gaps(packed: bytes) -> "array[int]":
    """In ns."""
    return _from_bytes(packed[:1].decode(), packed[1:])


def to_ms(gap_ns: float) -> float:
    """The gap as a row has it."""
    return gap_ns / _NS


def expand_column(packed: bytes) -> bytes:
    """The bytes of a column."""
    return zlib.decompress(packed[1:]) if packed[:1] == _DEFLATED else packed[1:]


def _condense(plain: bytes) -> bytes:
    """Deflated where that saves a quarter: times hardly get smaller, and are read faster as they are."""
    small = zlib.compress(plain, 1)
    return _DEFLATED + small if len(small) < len(plain) * 3 // 4 else _RAW + plain


def _freeze(value: Any) -> Any:
    return tuple(map(_freeze, value)) if isinstance(value, list) else value


def _to_bytes(code: str, values: Sequence[Any]) -> bytes:
    packed = array(code, values)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _from_bytes(code: str, plain: bytes) -> "array[Any]":
    values = array(code)
    values.frombytes(plain)
    if sys.byteorder == "big":
        values.byteswap()
    return values
