"""How long and how much: the four clocks and the size limits of one exchange.

Defaults are the project's policy (docs/egress.md, section "Response limits"). No enforcement in here.
"""

from numbers import Real

import msgspec

KIB = 1024
MIB = 1024 * 1024


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds, each counted by a clock of its own."""

    connect: float = 10.0
    """DNS, TCP and TLS together."""
    first_byte: float = 120.0
    """Request written → first byte of the final response; 1xx answers do not count."""
    idle: float = 60.0
    """Longest silence between two reads of the body; comments count as bytes."""
    total: float = 600.0
    """Whole exchange by the caller's clock, so a drip of bytes cannot stretch it."""

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not 0 < value <= 86_400:
                raise ValueError(f"timeout {name} must be more than 0 and at most 86400 seconds, not {value!r}")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of what is read; passing one ends the exchange with kind `protocol`."""

    head_bytes: int = 64 * KIB
    """Status line and header lines together."""
    head_lines: int = 200
    """Header lines."""
    interim_responses: int = 10
    """1xx answers before the final one."""
    body_bytes: int = 16 * MIB
    """A JSON body after content decoding; a larger Content-Length is refused without reading."""
    error_read_bytes: int = 64 * KIB
    """How much of an error body is read."""
    error_keep_bytes: int = 4 * KIB
    """How much of an error body is kept, after redaction."""
    line_bytes: int = 8 * MIB
    """One line, or the data of one event, of a stream."""
    stream_bytes: int = 64 * MIB
    """A whole stream after content decoding."""
    stream_events: int = 200_000
    """Events of a whole stream."""
    stream_lines: int = 1_000_000
    """Lines of a whole stream, with comments and blank ones, which are no events: five for each that may be one."""
    json_depth: int = 200
    """Nesting of a JSON document."""
    json_digits: int = 400
    """Digits of one JSON number."""


DEFAULT_TIMEOUTS = Timeouts()
DEFAULT_LIMITS = Limits()
