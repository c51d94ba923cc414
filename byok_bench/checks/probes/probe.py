"""Probe: a rule that must ask. Two pure functions around the sending: what to send, and what the answers show.

`requests(target)` is a generator: it yields `Ask`s and is sent back each recorded exchange, so that a second
turn can echo the first. `judge(exchanges)` sees the recorded exchanges in the order they were asked for, and
nothing else, so stored ones can be judged again. Sending is in prober.py; a probe registers itself with
`registry.probe`.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Final, NoReturn

import msgspec

from byok_bench.checks.finding import Hit
from byok_bench.checks.registry import Check, load_catalogue, make_scopes
from byok_bench.dialects.exchange import Exchange


class ProbeTarget(msgspec.Struct, frozen=True, kw_only=True):
    """What a probe may know of the endpoint before it asks."""

    model: str
    context_window: int | None = None
    """Tokens, declared by the user or listed by the server; None if nobody said."""
    has_key: bool = True
    """Whether a key is configured: without one, a wrong key proves nothing."""


class ProbeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request of a probe."""

    body: dict[str, Any]
    """Chat completions body; the model is filled in unless it is named here."""
    wrong_key: bool = False
    """Send a key that cannot be right in place of the configured one."""
    without_key: bool = False
    """Send no key at all."""
    raw: bytes | None = None
    """Bytes to send in place of the body, for requests that are no JSON."""
    accept_encoding: str | None = None
    """Content codings that the answer may have; None: as the endpoint says."""


class Inconclusive(msgspec.Struct, frozen=True):
    """The answers prove nothing either way."""

    message: str


class Note(msgspec.Struct, frozen=True):
    """Worth telling, and no fault."""

    message: str
    is_doubt: bool = False
    """The rule does not hold here all the same: its rung warns."""


Observation = Hit | Inconclusive | Note
RequestBuilder = Callable[[ProbeTarget], Generator[ProbeRequest, Exchange, None]]
Judge = Callable[[Sequence[Exchange]], Iterator[Observation]]


def list_probes() -> list[Check]:
    """All probes, in the order of the catalogue."""
    return [one for one in load_catalogue() if one.mode == "probe"]


PROVOKING: Final = (
    "structured.unsupported",
    "error.unknown-model",
    "error.bad-key",
    "error.client-5xx",
    "error.context-length",
)
"""Probes that make mistakes on purpose, in the order in which they are asked: after all others, since a server may hold
a mistake against whatever comes next, and the over-long prompt last, since it may keep the server busy."""


def list_dialect_probes(schema: str) -> list[Check]:
    """The probes that are about a dialect, in the order in which they are asked."""
    fitting = make_scopes(schema, True) | make_scopes(schema, False)
    found = [one for one in list_probes() if not fitting.isdisjoint((one.applies_to, *one.also))]
    return sorted(found, key=lambda one: PROVOKING.index(one.id) + 1 if one.id in PROVOKING else 0)


def find_probe(id: str) -> Check:
    """One probe. Raises KeyError for an id that is none."""
    return next((one for one in list_probes() if one.id == id), None) or _raise_unknown_probe(id)


def get_request_builder(probe: Check) -> RequestBuilder:
    """What a probe asks."""
    found: RequestBuilder = probe.subject.build_requests
    return found


def get_judge(probe: Check) -> Judge:
    """How a probe judges the answers."""
    found: Judge = probe.subject.judge
    return found


def _raise_unknown_probe(id: str) -> NoReturn:
    raise KeyError(f"no probe is called {id!r}")


TROUBLE: Final = frozenset(
    {
        "auth", "permission", "quota", "rate_limit", "overloaded", "timeout", "network", "protocol", "redirect",
        "egress", "not_found_route", "content_filter",
    }
)  # fmt: skip
"""Kinds of failure that say nothing of what a request asked for: they prove no rule, and break none."""


def is_request_refused(exchange: Exchange) -> bool:
    """Whether the server turned down what the request asked for: 400 or 422, for no other reason than that."""
    error = exchange.error
    return error is not None and error.status in (400, 422) and error.kind not in TROUBLE | {"context_length"}


def find_unrelated_failure(exchange: Exchange) -> Inconclusive | None:
    """Why an answer cannot be judged at all: it failed, for a reason that is not the rule's."""
    if exchange.error is None:
        return None
    return Inconclusive(f"the request failed ({exchange.error.kind}): {exchange.error.message}")
