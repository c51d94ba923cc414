"""Which of the endpoints of a run to take: the only usable one, or the quickest of several, if that is decided."""

from collections.abc import Sequence
from typing import Final

import msgspec

from byok_bench.report.evidence import name_targets
from byok_bench.report.stats import Interval, compute_quantile, needed, paired
from byok_bench.report.verdict_cards import Card, State, make_cards
from byok_bench.runs.results import Run

GOOD_STATES: Final[tuple[State, ...]] = ("usable", "limited")
"""Best first; of the others none is taken."""
Times = dict[tuple[str, str, int], float]
"""(scenario, sample, repeat) → ms to the end of its last turn."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What to take, and why; or why that is not decided."""

    card: Card | None
    why: str
    """A sentence."""


def choose_winner(run: Run, cards: Sequence[Card] | None = None) -> Choice:
    """The card of the endpoint to take. Of several in the best state it is the one that ends soonest, compared in
    pairs of the same prompt and repeat; not decided where an interval of the differences holds zero or there is none.
    """
    cards = make_cards(run) if cards is None else cards
    best = next((found for state in GOOD_STATES if (found := [one for one in cards if one.state == state])), [])
    if not best:
        return Choice(card=None, why="none of them is usable" if len(cards) > 1 else "it is not usable")
    if len(cards) == 1:
        return Choice(card=best[0], why="it is the only one that was asked")
    cost = _describe_cost(run, best[0])
    if len(best) == 1:
        alone = "usable" if best[0].state == "usable" else "usable, if with reservations"
        return Choice(card=best[0], why=f"it is the only one that is {alone}{cost}")
    return _choose_quickest(run, best)


def describe_choice(choice: Choice) -> str:
    """`Take gateway: it is the only one that is usable.`"""
    return f"Take {choice.card.endpoint}: {choice.why}." if choice.card else f"Not decided: {choice.why}."


def _choose_quickest(run: Run, cards: Sequence[Card]) -> Choice:
    times = {card.endpoint: _list_end_times(run, card.endpoint) for card in cards}
    ranked = sorted(cards, key=lambda card: compute_quantile(list(times[card.endpoint].values()), 0.5) or float("inf"))
    first, *others = ranked
    compared = [(other, _compare(times[first.endpoint], times[other.endpoint])) for other in others]
    open_ = [(other, found) for other, found in compared if found.low is None or found.low <= 0]
    if open_:
        other, found = open_[0]
        return Choice(card=None, why=f"between {first.endpoint} and {other.endpoint}: {_describe_open(found)}")
    other, found = compared[0]
    why = f"it ends {found.value:.0f} ms before {other.endpoint} ({found.low:.0f}–{found.high:.0f})"
    return Choice(card=first, why=why + _describe_cost(run, first))


def _compare(first: Times, second: Times) -> Interval:
    pairs = sorted(first.keys() & second.keys())
    return paired([first[pair] for pair in pairs], [second[pair] for pair in pairs]).difference


def _describe_open(found: Interval) -> str:
    if found.value is None or found.low is None or found.high is None:
        return f"{found.n} pairs of answers are too few; more repeats decide it"
    more = needed(found, margin=0, better="higher")
    missing = f"; {more.prompts} pairs more would decide a difference of that size" if more else ""
    return (
        f"no difference shown in the time to the end ({found.value:+.0f} ms, {found.low:.0f} to {found.high:.0f}, "
        f"of {found.n} pairs{missing})"
    )


def _list_end_times(run: Run, endpoint: str) -> Times:
    """Ends of agent prompts that were met."""
    index = name_targets(run).index(endpoint)
    return {
        (row.scenario, row.sample, row.repeat): row.e2e_ms
        for row in run.rows
        if row.target == index and not row.is_warmup and not row.wants_failure
        if row.outcome == "ok" and row.e2e_ms is not None
    }


def _describe_cost(run: Run, card: Card) -> str:
    """What a solved task cost, where the server says what it charges."""
    index = name_targets(run).index(card.endpoint)
    rows = [row for row in run.rows if row.target == index and not row.is_warmup and not row.wants_failure]
    costs = [row.cost for row in rows if row.cost is not None]
    solved = sum(row.outcome == "ok" for row in rows)
    return f", at {sum(costs) / solved:.2g} $ a solved task" if costs and solved else ""
