"""Probe: a rule that must ask. Two pure functions around the sending: what to send, and what the answers show.

`requests(target)` is a generator: it yields `Ask`s and is sent back each recorded exchange, so that a second
turn can echo the first. `judge(exchanges)` sees the recorded exchanges in the order they were asked for, and
nothing else, so stored ones can be judged again. The sending itself is in ladder.py and prober.py.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Final

import msgspec

from byok_bench.checks.finding import Hit, Severity
from byok_bench.dialects.exchange import Exchange


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe may know of the endpoint before it asks."""

    model: str
    context_window: int | None = None
    """Tokens, declared by the user or listed by the server; None if nobody said."""
    has_key: bool = True
    """Whether a key is configured: without one, a wrong key proves nothing."""


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a probe."""

    body: dict[str, Any]
    """Chat completions body; the model is filled in unless it is named here."""
    wrong_key: bool = False
    """Send a key that cannot be right in place of the configured one."""
    raw: bytes | None = None
    """Bytes to send in place of the body, for requests that are no JSON."""


class Inconclusive(msgspec.Struct, frozen=True):
    """The answers prove nothing either way."""

    message: str


class Note(msgspec.Struct, frozen=True):
    """Worth telling, and no fault."""

    message: str


Shown = Hit | Inconclusive | Note
Requests = Callable[[Target], Generator[Ask, Exchange, None]]
Judge = Callable[[Sequence[Exchange]], Iterator[Shown]]


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """One active rule of the catalogue."""

    id: str
    severity: Severity
    cost: int
    """Requests it sends at most."""
    applies_to: str
    doc: str
    """Title, `Rule:`, `Why:`, `Seen in:`."""
    requests: Requests
    judge: Judge


PROBES: Final[dict[str, Probe]] = {}


def probe(id: str, severity: Severity, *, cost: int, applies_to: str = "chat") -> Callable[[type], type]:
    """Register a class with a docstring and two static functions, `requests` and `judge`, as a probe."""

    def register(rule: Any) -> type:
        if id in PROBES:
            raise ValueError(f"two probes are named {id}")
        PROBES[id] = Probe(
            id=id,
            severity=severity,
            cost=cost,
            applies_to=applies_to,
            doc=rule.__doc__,
            requests=rule.requests,
            judge=rule.judge,
        )
        return rule  # type: ignore[no-any-return]

    return register


def refused(exchange: Exchange) -> bool:
    """Whether the server turned the request itself down: 400 or 422."""
    return exchange.error is not None and exchange.error.status in (400, 422)


def unusable(exchange: Exchange) -> Inconclusive | None:
    """Why an answer cannot be judged at all: it failed, for a reason that is not the rule's."""
    if exchange.error is None:
        return None
    return Inconclusive(f"the request failed ({exchange.error.kind}): {exchange.error.message}")
