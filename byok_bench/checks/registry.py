"""The catalogue of checks, and how they are run over an exchange.

A rule is a function decorated with `check`, a probe one decorated with `probe`; the decorator owns id and
severity, the docstring holds title, rule, reason and public evidence. No rule is in here.
"""

import importlib
import inspect
import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any, Final, Literal, TypeVar

import msgspec

from byok_bench.checks.finding import WEIGHTS, Finding, Hit, Severity, make_finding
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.exchange import Exchange

Scope = Literal[
    "any",
    "models",
    "chat",
    "chat-stream",
    "chat-whole",
    "responses",
    "responses-stream",
    "responses-whole",
    "messages",
    "messages-stream",
    "messages-whole",
]
"""What a rule is about: every exchange, the list of models, or the answers of a dialect: all of them, those
asked for as a stream, or those asked for as a whole."""
TYPED: Final[tuple[Scope, ...]] = ("responses", "messages")
"""Dialects whose streams are typed events."""
TYPED_STREAMS: Final[tuple[Scope, ...]] = ("responses-stream", "messages-stream")
"""Where rules about framing hold as they do for streams of chat."""
WHOLE: Final[tuple[Scope, ...]] = ("chat-whole", "responses-whole", "messages-whole")
"""Answers that were not asked for as a stream."""
SAID: Final[tuple[Scope, ...]] = ("chat-whole", *TYPED)
"""Where rules about what was said hold beside streams of chat."""
Rule = Callable[[SeenExchange], Iterator[Hit]]
_Probe = TypeVar("_Probe", bound=Callable[..., Any])

RULE_FILES: Final = (
    *("rules.framing", "rules.delta", "rules.answer", "rules.tool_calls", "rules.usage", "rules.finish"),
    *("rules.reasoning", "rules.structured", "rules.errors", "rules.http", "rules.models"),
    *("rules.responses", "rules.responses_items", "rules.responses_objects"),
    *("rules.messages", "rules.messages_objects"),
    *("probes.tools", "probes.errors", "probes.delivery", "probes.turns"),
)
"""Modules of this package that hold rules, in the order of the catalogue."""
_GROUPS: Final = {
    "stream": "framing",
    "delta": "delta",
    "answer": "answer",
    "tool": "tool-calls",
    "usage": "usage",
    "finish": "finish",
    "reasoning": "reasoning",
    "structured": "structured",
    "error": "errors",
    "http": "http",
    "turn": "multi-turn",
    "models": "models",
    "responses": "responses",
    "messages": "messages",
}
_SECTION: Final = re.compile(r"^(Rule|Why|Seen in): ", re.MULTILINE)
_checks: dict[str, "Check"] = {}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One rule of the catalogue."""

    id: str
    group: str
    severity: Severity
    mode: Literal["passive", "probe"]
    """passive: over one recorded exchange; probe: sends requests of its own."""
    applies_to: Scope
    title: str
    rule: str
    why: str
    """What breaks in clients."""
    seen_in: tuple[str, ...]
    """Public evidence: repo#issue, a file in a repo, or a document address."""
    subject: Any
    """The decorated function or class."""
    also: tuple[Scope, ...] = ()
    """What it is about beyond `applies_to`."""
    streams_only: bool = False
    """Of those, it is about answers that were asked for as a stream alone."""
    alone: bool = False
    """If it fires, only the ids in `beside` may be reported with it."""
    beside: tuple[str, ...] = ()
    cost: int = 0
    """Requests that a probe sends."""


def check(
    id: str,
    severity: Severity,
    *,
    applies_to: Scope,
    also: tuple[Scope, ...] = (),
    streams_only: bool = False,
    alone: bool = False,
    beside: tuple[str, ...] = (),
) -> Callable[[Rule], Rule]:
    """Register a passive rule. The function yields a Hit for each place; the first one is reported."""

    def register(rule: Rule) -> Rule:
        more = {"also": also, "streams_only": streams_only, "alone": alone, "beside": beside}
        _add_check(rule, id, severity, "passive", applies_to, **more)
        return rule

    return register


def probe(
    id: str, severity: Severity, *, applies_to: Scope, cost: int, also: tuple[Scope, ...] = ()
) -> Callable[[_Probe], _Probe]:
    """Register a rule that sends `cost` requests of its own."""

    def register(subject: _Probe) -> _Probe:
        _add_check(subject, id, severity, "probe", applies_to, cost=cost, also=also)
        return subject

    return register


def load_catalogue() -> list[Check]:
    """All checks, in the order of the catalogue."""
    return list(_load_rules().values())


def select_checks(names: Collection[str] | None) -> list[Check]:
    """Checks by id or group; all of them for None. Raises KeyError for a name that is neither."""
    every = load_catalogue()
    if names is None:
        return every
    known = {one.id for one in every} | {one.group for one in every}
    for name in names:
        if name not in known:
            raise KeyError(f"no check or group is called {name!r}")
    return [one for one in every if one.id in names or one.group in names]


def run_checks(exchange: Exchange, ids: Collection[str] | None = None) -> list[Finding]:
    """Findings of the passive checks over one exchange, each id at most once, in order of place."""
    seen = SeenExchange(exchange)
    chosen = None if ids is None else select_checks(ids)
    fired: list[tuple[Check, Finding]] = []
    for one, subject in _list_passive_checks(_find_scopes(seen)):
        hits = subject(seen)
        for first in hits:
            fired.append((one, _make_finding(one, seen, first, hits)))
    solo = next((one for one, _ in fired if one.alone), None)
    if solo is not None:
        fired = [pair for pair in fired if pair[0].id == solo.id or pair[0].id in solo.beside]
    kept = [finding for one, finding in fired if chosen is None or one in chosen]
    return sorted(kept, key=lambda finding: finding.event if finding.event is not None else len(seen.events))


def is_about(one: Check, schema: str, streamed: bool) -> bool:
    """Whether a check judges the answers of a dialect, asked for as a stream or not."""
    return _is_within(one, make_scopes(schema, streamed))


def _make_finding(one: Check, seen: SeenExchange, first: Hit, others: Iterator[Hit]) -> Finding:
    """One finding for all hits of a rule, at the place of the first of those that weigh most."""
    heaviest, more = WEIGHTS[first.severity or one.severity], 0
    for hit in others:
        more += 1
        weight = WEIGHTS[hit.severity or one.severity]
        if weight > heaviest:
            first, heaviest = hit, weight
    at = first.event
    offset = seen.events[at].offset if at is not None and at < len(seen.events) else None
    return make_finding(one.id, one.severity, first, offset=offset, more=more)


def _find_scopes(seen: SeenExchange) -> frozenset[Scope]:
    """Which rules are about this exchange."""
    return make_scopes(seen.schema, seen.is_stream_requested)


def list_answer_forms(one: Check) -> list[tuple[str, bool]]:
    """(dialect, streamed) of every sort of answer that a check is about; not those of lists of models."""
    return [
        (schema, streamed)
        for schema in ("chat", "responses", "messages")
        for streamed in (True, False)
        if is_about(one, schema, streamed)
    ]


def make_scopes(schema: str, streamed: bool) -> frozenset[Any]:
    """The scopes that an answer is in."""
    form = "stream" if streamed else "whole"
    return frozenset(("any", schema, f"{schema}-{form}"))


@cache
def _list_passive_checks(scopes: frozenset[Scope]) -> tuple[tuple[Check, Rule], ...]:
    """The passive checks of these scopes with their functions, in the order of the catalogue."""
    every = (one for one in load_catalogue() if one.mode == "passive" and _is_within(one, scopes))
    return tuple((one, one.subject) for one in every)


def _is_within(one: Check, scopes: Collection[str]) -> bool:
    """Whether a check is about an answer that is in these scopes."""
    is_streamed = any(scope.endswith("-stream") for scope in scopes)
    return (is_streamed or not one.streams_only) and any(scope in scopes for scope in (one.applies_to, *one.also))


@cache
def _load_rules() -> dict[str, Check]:
    for name in RULE_FILES:
        importlib.import_module(f"byok_bench.checks.{name}")
    return _checks


def _add_check(
    subject: Any,
    id: str,
    severity: Severity,
    mode: Literal["passive", "probe"],
    applies_to: Scope,
    **more: Any,
) -> None:
    if id in _checks:
        raise ValueError(f"check {id} is registered twice")
    sections = _parse_sections(id, subject)
    _checks[id] = Check(
        id=id,
        group=_GROUPS[id.partition(".")[0]],
        severity=severity,
        mode=mode,
        applies_to=applies_to,
        title=sections["title"],
        rule=sections["Rule"],
        why=sections["Why"],
        seen_in=tuple(part.strip() for part in sections["Seen in"].split(";")),
        subject=subject,
        **more,
    )


def _parse_sections(id: str, subject: Any) -> dict[str, str]:
    """Title and sections of a rule's docstring, each on one line. Raises ValueError if one is missing."""
    text = inspect.getdoc(subject) or ""
    title, *parts = _SECTION.split(text)
    sections = {"title": title.strip().rstrip(".")}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        sections[name] = " ".join(body.split())
    missing = {"Rule", "Why", "Seen in"} - sections.keys()
    if missing or not sections["title"]:
        raise ValueError(f"check {id} lacks {sorted(missing) or 'a title'} in its docstring")
    return sections
