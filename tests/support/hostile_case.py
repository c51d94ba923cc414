"""What one hostile server does, and what has to be recorded of it."""

from typing import Any, NamedTuple

from support.hostile import Script

from byok_bench.wire.limits import Limits, Timeouts

QUICK = Timeouts(connect=5, first_byte=0.3, idle=0.3, total=5)
TOTAL = Timeouts(connect=5, first_byte=5, idle=0.3, total=1.5)
"""The total clock runs out first, whatever comes."""
SMALL = Limits(
    head_bytes=4096,
    head_lines=50,
    body_bytes=20_000,
    error_read_bytes=5_000,
    error_keep_bytes=1_000,
    line_bytes=3_000,
    stream_bytes=50_000,
    stream_events=300,
    stream_lines=1_500,
)


class Case(NamedTuple):
    """A server and its record: failure kind and phase, end, and where given status, body, and a flag."""

    name: str
    script: Script
    kind: str | None
    phase: str | None = None
    end: str | None = None
    timeouts: Timeouts = QUICK
    limits: Limits = Limits()
    status: int | None = None
    body: bytes | None = None
    flag: str | None = None
    asked_to_stream: bool = True
    stock: bool = True
    """Whether stock httpx has to record the same; its parser reads some things in another way, or not at all."""

    def __str__(self) -> str:
        return self.name


def over(name: str, script: Script, phase: str, **more: Any) -> Case:
    """A server that is stopped at one of the SMALL limits."""
    return Case(name, script, "protocol", phase, "limit", limits=SMALL, **more)


def whole(name: str, script: Script, **more: Any) -> Case:
    """A server whose answer is read to its end, with no failure."""
    return Case(name, script, None, None, "eof", **more)
