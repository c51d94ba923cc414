"""What a proxy changes, in a few sentences: time first, then refusals, members, headers, events and what was said."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from byok_bench.runs.differential.changes import Change
from byok_bench.runs.differential.pairs import Pair

if TYPE_CHECKING:
    from byok_bench.report.proxy_report import AddedTime

NAMED: Final = 4
"""Things of one kind that a sentence names."""
TIMES: Final = {
    "ttft_ms": "to the first token",
    "gap_ms": "to each gap between tokens",
    "e2e_ms": "to the whole answer",
}
VERBS: Final = {"dropped": "drops", "added": "adds", "changed": "changes", "reordered": "reorders the members of"}
PLACES: Final = {"body": "member", "header": "header"}


def list_sentences(
    a: str, b: str, pairs: Sequence[Pair], changes: Sequence[Change], times: "Sequence[AddedTime]"
) -> list[str]:
    """Each thing that a reader has to know, once."""
    if not pairs:
        return ["Nothing was sent."]
    return [
        *_describe_times(b, times),
        *_describe_refusals(pairs, changes),
        *(told for place in PLACES for told in _describe_members(b, changes, place)),
        *_describe_events(b, pairs, changes),
        *_describe_answers(pairs, changes),
    ] or [f"{b} answers as {a} does."]


def _describe_times(b: str, times: "Sequence[AddedTime]") -> Iterator[str]:
    known = [one for one in times if one.difference.value is not None]
    if not known:
        yield "No pair was good on both sides, so there is no time to compare."
        return
    said = []
    for one in known:
        value, low, high = one.difference.value, one.difference.low, one.difference.high
        ends = f" ({low:.1f} to {high:.1f})" if low is not None and high is not None else " (too few pairs to say)"
        said.append(f"{value:.1f} ms{ends} {TIMES[one.metric]}")
    yield f"{b} adds {', '.join(said)}; medians of {known[0].difference.n} pairs."
    if all(one.difference.low is not None and one.difference.low <= 0 <= (one.difference.high or 0) for one in known):
        yield "None of these differences is shown: their intervals hold zero."


def _describe_refusals(pairs: Sequence[Pair], changes: Sequence[Change]) -> Iterator[str]:
    told = [one for one in changes if one.place in ("status", "failure")]
    refused = sum(pair.a.error is not None or pair.b.error is not None for pair in pairs)
    if not told:
        refusals = f", of the {refused} refusals too" if refused else ""
        yield f"Statuses and kinds of failure are the same in all {len(pairs)} pairs{refusals}."
    for one in told:
        what = "Status" if one.place == "status" else "Failure"
        yield f"{what} {one.a} becomes {one.b} in {one.pairs} of {one.of} pairs."


def _describe_members(b: str, changes: Sequence[Change], place: str) -> Iterator[str]:
    for kind, verb in VERBS.items():
        names = [one.what for one in changes if (one.place, one.kind) == (place, kind)]
        if names:
            thing = "object" if kind == "reordered" else PLACES[place]
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            count = f"{len(names)} {thing}{'' if len(names) == 1 else 's'}"
            yield f"It {verb} {count}: {', '.join(names[:NAMED])}{more}."


def _describe_events(b: str, pairs: Sequence[Pair], changes: Sequence[Change]) -> Iterator[str]:
    streams = sum(bool(pair.a.events) and bool(pair.b.events) for pair in pairs)
    told = [one for one in changes if one.place == "event"]
    if streams and not any(one.what == "events with output" for one in told):
        yield f"Tokens come through one by one: as many events with output in all {streams} streams."
    for one in told:
        if one.kind in ("merged", "split"):
            example = f"such as {one.a} into {one.b}"
            yield f"{one.what.capitalize()} are {one.kind} in {one.pairs} of {one.of} streams, {example}."
        else:
            yield f"The {one.what} of streams: {one.a} becomes {one.b} in {one.pairs} of {one.of}."


def _describe_answers(pairs: Sequence[Pair], changes: Sequence[Change]) -> Iterator[str]:
    told = {one.what: one for one in changes if one.place == "answer"}
    good = sum(pair.a.error is None and pair.b.error is None for pair in pairs)
    same = [what for what in ("finish reason", "text", "tool calls", "prompt tokens") if what not in told]
    if good and same:
        yield f"The same in all {good} good pairs: {', '.join(same)}."
    for what, one in told.items():
        if what in ("finish reason", "prompt tokens", "completion tokens", "cached tokens"):
            yield f"{what.capitalize()}: {one.a} becomes {one.b} in {one.pairs} of {one.of} pairs."
        else:
            yield f"The {what} differs in {one.pairs} of {one.of} pairs, which a model may do by itself."
