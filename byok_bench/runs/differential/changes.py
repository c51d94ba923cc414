"""What the second side made of the first: members, headers and events that were dropped, added, changed or reordered.

A value counts as changed only if each side keeps to its own over all repeats of a request: what differs between two
answers of one server (an id, a time) is nobody's doing, and of that only the form is compared.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal

import msgspec

from byok_bench.dialects.output import Output
from byok_bench.runs.differential.outlines import Outline, describe_form, make_outline
from byok_bench.runs.differential.pairs import Pair, iterate_requests

Kind = Literal["dropped", "added", "changed", "reordered", "merged", "split"]
Place = Literal["status", "failure", "header", "body", "event", "answer"]
NOTHING: Final = "–"
EPOCH: Final = 1_000_000_000
"""An integer beyond it may be a time in seconds."""
LIKE_HEADERS: Final = 200
"""Characters of a header's value that are shown."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is not on the second side as it is on the first."""

    place: Place
    what: str
    """A JSON path, a header's name, or what of the answer."""
    kind: Kind
    pairs: int
    """Pairs in which it shows."""
    of: int
    """Pairs in which it could."""
    a: str
    """As the first side has it, in one of the pairs."""
    b: str
    exchange_a: str
    """Id of the exchange of that pair."""
    exchange_b: str


class Seen(msgspec.Struct, frozen=True):
    """A pair with both outlines."""

    pair: Pair
    a: Outline
    b: Outline


def list_changes(pairs: Sequence[Pair]) -> list[Change]:
    """Every change, in the order of status, failure, headers, bodies, events, answers."""
    requests = [
        [Seen(pair, make_outline(pair.a), make_outline(pair.b)) for pair in repeats]
        for repeats in iterate_requests(pairs)
    ]
    every = [seen for repeats in requests for seen in repeats]
    # Of a side that gave no answer at all, status and failure say everything.
    answered = [seen for seen in every if None not in (seen.a.status, seen.b.status)]
    alike = [[seen for seen in repeats if _is_alike(seen)] for repeats in requests]
    return [
        *_compare_values(every, "status", "status", lambda one: str(one.status)),
        *_compare_values(every, "failure", "kind of failure", lambda one: one.kind or "none"),
        *_compare_maps(alike, "header", lambda one: {name: (value,) for name, value in one.headers.items()}),
        *_compare_values(answered, "body", "form of the body", lambda one: "JSON" if one.is_json else "no JSON"),
        *_compare_maps(alike, "body", lambda one: one.members),
        *_compare_orders([seen for repeats in alike for seen in repeats]),
        *_compare_events(answered),
        *_compare_answers(every),
    ]


def _is_alike(seen: Seen) -> bool:
    """Both answered or both refused, in JSON and in one form: elsewhere every member would be dropped or added."""
    a, b = seen.a, seen.b
    return (a.kind is None, bool(a.events)) == (b.kind is None, bool(b.events)) and a.is_json and b.is_json


def _compare_values(seen: Sequence[Seen], place: Place, what: str, read: Callable[[Outline], str]) -> Iterator[Change]:
    """One change for each pair of values that differ."""
    found: dict[tuple[str, str], list[Seen]] = {}
    for one in seen:
        if read(one.a) != read(one.b):
            found.setdefault((read(one.a), read(one.b)), []).append(one)
    for (a, b), behind in found.items():
        yield _make_change(place, what, "changed", behind, len(seen), a, b)


def _compare_maps(
    requests: Sequence[Sequence[Seen]], place: Place, read: Callable[[Outline], Mapping[str, tuple[str, ...]]]
) -> Iterator[Change]:
    """Names that only one side has, and names with values that each side keeps to and that differ."""
    found: dict[tuple[str, Kind], list[Seen]] = {}
    possible: dict[str, int] = {}
    for repeats in requests:
        names = dict.fromkeys(name for seen in repeats for one in (seen.a, seen.b) for name in read(one))
        for name in names:
            values = [(read(seen.a).get(name), read(seen.b).get(name)) for seen in repeats]
            possible[name] = possible.get(name, 0) + len(values)
            for seen, (a, b) in zip(repeats, values, strict=True):
                if kind := _name_kind(a, b, values):
                    found.setdefault((name, kind), []).append(seen)
    gone = {name for name, kind in found if kind in ("dropped", "added")}
    for (name, kind), behind in found.items():
        if not _has_gone_parent(name, gone):
            first, second = (_render_values(read(one).get(name)) for one in (behind[0].a, behind[0].b))
            yield _make_change(place, name, kind, behind, possible[name], first, second)


def _name_kind(
    a: tuple[str, ...] | None, b: tuple[str, ...] | None, values: Sequence[tuple[tuple[str, ...] | None, ...]]
) -> Kind | None:
    if a is None or b is None:
        return None if a is b else "added" if a is None else "dropped"
    firsts = {one for one, _ in values if one is not None}
    seconds = {one for _, one in values if one is not None}
    if len(firsts) == len(seconds) == 1:
        return "changed" if firsts != seconds and not _is_time(a, b) else None
    forms = {tuple(map(describe_form, one)) for one in firsts}, {tuple(map(describe_form, one)) for one in seconds}
    return "changed" if all(len(one) == 1 for one in forms) and forms[0] != forms[1] and len(a) == len(b) else None


def _is_time(*values: tuple[str, ...]) -> bool:
    """Whether all of them may be seconds since the epoch."""
    return all(one.isdigit() and int(one) > EPOCH for some in values for one in some)


def _has_gone_parent(name: str, gone: Iterable[str]) -> bool:
    """Whether the object or list that a member is in is told already."""
    return any(name != one and name.startswith((f"{one}.", f"{one}[")) for one in gone)


def _compare_orders(seen: Sequence[Seen]) -> Iterator[Change]:
    """Objects whose common members come in another order."""
    found: dict[str, list[Seen]] = {}
    for one in seen:
        for path in one.a.orders.keys() & one.b.orders.keys():
            a, b = _list_shared_members(one, path)
            if a != b:
                found.setdefault(path, []).append(one)
    for path, behind in sorted(found.items()):
        a, b = _list_shared_members(behind[0], path)
        possible = sum(path in one.a.orders and path in one.b.orders for one in seen)
        yield _make_change("body", path or "(the object)", "reordered", behind, possible, ", ".join(a), ", ".join(b))


def _list_shared_members(seen: Seen, path: str) -> tuple[list[str], list[str]]:
    a, b = seen.a.orders[path], seen.b.orders[path]
    return [name for name in a if name in b], [name for name in b if name in a]


def _compare_events(seen: Sequence[Seen]) -> Iterator[Change]:
    """Streams with other numbers of events, of events with output, or other names."""
    streams = [one for one in seen if one.a.events and one.b.events]
    counts: Sequence[tuple[str, Callable[[Outline], int]]] = (
        ("events", lambda one: len(one.events)),
        ("events with output", lambda one: one.deltas),
    )
    for what, count in counts:
        fewer = [one for one in streams if count(one.b) < count(one.a)]
        more = [one for one in streams if count(one.b) > count(one.a)]
        sides: Sequence[tuple[Kind, list[Seen]]] = (("merged", fewer), ("split", more))
        for kind, behind in sides:
            if behind:
                first = behind[0]
                yield _make_change("event", what, kind, behind, len(streams), str(count(first.a)), str(count(first.b)))
    yield from _compare_values(streams, "event", "names", lambda one: ", ".join(dict.fromkeys(one.events)))
    one_side = [one for one in seen if bool(one.a.events) != bool(one.b.events) and None in (one.a.kind, one.b.kind)]
    yield from _compare_values(one_side, "event", "form", lambda one: "stream" if one.events else "whole answer")


CACHED: Final = "cached tokens"
"""Of the pair that warms up, whoever is asked first has none."""
_ANSWERS: Final[Sequence[tuple[str, Callable[[Output], str]]]] = (
    ("finish reason", lambda one: one.finish_reason or NOTHING),
    ("text", lambda one: one.text),
    ("reasoning", lambda one: one.reasoning),
    ("tool calls", lambda one: "; ".join(f"{call.name}({call.arguments})" for call in one.tool_calls) or NOTHING),
    ("prompt tokens", lambda one: str(one.usage.prompt_tokens) if one.usage else NOTHING),
    ("completion tokens", lambda one: str(one.usage.completion_tokens) if one.usage else NOTHING),
    (CACHED, lambda one: str(one.usage.cached_tokens) if one.usage else NOTHING),
)


def _compare_answers(seen: Sequence[Seen]) -> Iterator[Change]:
    """What answers say, where neither side failed."""
    good = [one for one in seen if one.a.kind is None and one.b.kind is None]
    warm = [one for one in good if one.pair.is_timed]
    for what, read in _ANSWERS:
        fair = warm if what == CACHED else good
        behind = [one for one in fair if read(one.pair.a.output) != read(one.pair.b.output)]
        if behind:
            a, b = read(behind[0].pair.a.output), read(behind[0].pair.b.output)
            yield _make_change("answer", what, "changed", behind, len(fair), a, b)


def _render_values(values: tuple[str, ...] | None) -> str:
    if values is None:
        return NOTHING
    shown = ", ".join(values)
    return shown if len(shown) <= LIKE_HEADERS else f"{shown[:LIKE_HEADERS]}…"


def _make_change(place: Place, what: str, kind: Kind, behind: Sequence[Seen], of: int, a: str, b: str) -> Change:
    first = behind[0].pair
    return Change(
        place=place,
        what=what,
        kind=kind,
        pairs=len(behind),
        of=of,
        a=a,
        b=b,
        exchange_a=first.a.id,
        exchange_b=first.b.id,
    )
