"""Which of the endpoints of a run to take: the only usable one, or the quickest of several, if that is decided."""

from collections.abc import Sequence
from typing import Final

import msgspec

from byok_bench.report.evidence import name_targets
from byok_bench.report.selections import Selection, select_measured
from byok_bench.report.stats import Interval, compute_quantile, needed, paired
from byok_bench.report.table_parts import compute_total, count_ok
from byok_bench.report.verdict_cards import Card, State, make_cards
from byok_bench.runs.results import Run

GOOD_STATES: Final[tuple[State, ...]] = ("usable", "limited")
"""Best first; of the others none is taken."""


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
        return Choice(card=best[0], why=f"it is the only one that is {_describe_lone_state(best[0], cards)}{cost}")
    return _choose_quickest(run, best)


def describe_choice(choice: Choice) -> str:
    """`Take gateway: it is the only one that is usable.`"""
    return f"Take {choice.card.endpoint}: {choice.why}." if choice.card else f"Not decided: {choice.why}."


def _describe_lone_state(best: Card, cards: Sequence[Card]) -> str:
    """`usable`, and with or without reservations where a card of the run has some."""
    if best.state == "limited":
        return "usable, if with reservations"
    return "usable without reservations" if any(one.state == "limited" for one in cards) else "usable"


def _choose_quickest(run: Run, cards: Sequence[Card]) -> Choice:
    met = {card.endpoint: _select_prompts(run, card.endpoint).select("outcome", "ok") for card in cards}
    ranked = sorted(
        cards, key=lambda card: compute_quantile(met[card.endpoint].list_numbers("e2e_ms"), 0.5) or float("inf")
    )
    first, *others = ranked
    compared = [(other, _compare(met[first.endpoint], met[other.endpoint])) for other in others]
    open_ = [(other, found) for other, found in compared if found.low is None or found.low <= 0]
    if open_:
        other, found = open_[0]
        return Choice(card=None, why=f"between {first.endpoint} and {other.endpoint}: {_describe_open(found)}")
    other, found = compared[0]
    why = f"it ends {found.value:.0f} ms before {other.endpoint} ({found.low:.0f}–{found.high:.0f})"
    return Choice(card=first, why=why + _describe_cost(run, first))


def _compare(first: Selection, second: Selection) -> Interval:
    """By the ends of agent prompts that both met."""
    return paired(*first.match_numbers("e2e_ms", second, ("prompt", "repeat"))).difference


def _describe_open(found: Interval) -> str:
    if found.value is None or found.low is None or found.high is None:
        return f"{found.n} pairs of answers are too few; more repeats decide it"
    more = needed(found, margin=0, better="higher")
    missing = f"; {more.prompts} pairs more would decide a difference of that size" if more else ""
    return (
        f"no difference shown in the time to the end ({found.value:+.0f} ms, {found.low:.0f} to {found.high:.0f}, "
        f"of {found.n} pairs{missing})"
    )


def _select_prompts(run: Run, endpoint: str) -> Selection:
    """The agent prompts of an endpoint."""
    index = name_targets(run).index(endpoint)
    return select_measured(run).select("target", index).select("wants_failure", False)


def _describe_cost(run: Run, card: Card) -> str:
    """What a solved task cost, where the server says what it charges."""
    prompts = _select_prompts(run, card.endpoint)
    cost, solved = compute_total(prompts, "cost"), count_ok(prompts)
    return "" if cost is None or not solved else f", at {cost / solved:.2g} $ a solved task"
