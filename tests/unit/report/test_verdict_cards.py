"""The verdict cards: what a person reads first, and what decides it."""

from typing import Any

import pytest
from support.made_run import MadeRun, failed, plan, row

from byok_bench.checks.finding import Finding
from byok_bench.errors import PlanError
from byok_bench.report.thresholds import load_defaults, make_thresholds
from byok_bench.report.verdict_cards import Card, make_cards
from byok_bench.report.winner import choose_winner, describe_choice
from byok_bench.runs.row import Row

BROKEN = Finding(check="tool.index-missing", severity="error", message="no index", event=1, offset=9)


def good(count: int = 12, target: int = 0, **more: Any) -> list[Row]:
    """Answers as expected."""
    given = {"ttft_ms": 51.0, "e2e_ms": 100.0, "outcome": "ok"} | more
    return [row(target=target, repeat=n, exchange_id=1000 * target + n, **given) for n in range(1, count + 1)]


def alternating(target: int, first: float, second: float) -> list[Row]:
    """Answers that take one time and the other in turn."""
    return [one for n in range(1, 13) for one in good(13, target, e2e_ms=second if n % 2 else first)[n : n + 1]]


def refused(scenario: str, outcome: str = "ok", **more: Any) -> Row:
    """The end of an error scenario."""
    if outcome == "ok":
        return failed("auth", scenario=scenario, wants_failure=True, outcome="ok", **more)
    return row(scenario, wants_failure=True, outcome=outcome, **more)


def card_of(rows: list[Row], **changes: float) -> Card:
    """The card of the one endpoint."""
    return make_cards(MadeRun(rows, plan(("gateway",))), make_thresholds(**changes))[0]


CASES: dict[str, tuple[list[Row], str, str]] = {
    "all good": (
        [*good(), *good(2, scenario="forced-tool"), refused("bad-key")],
        "usable",
        "14/14 prompts answered · tools ok · 51 ms to first token · 1/1 refusals",
    ),
    "slow": ([*good(ttft_ms=467.0)], "limited", "slow: 467 ms to first token · 12/12 prompts answered"),
    "answers an unknown model": (
        [*good(), refused("unknown-model", "unmet")],
        "limited",
        "answers unknown models · 12/12 prompts answered · 51 ms to first token",
    ),
    "one of thirty failed": (
        [*good(29), failed("server", repeat=30, outcome="failed")],
        "limited",
        "1 of 30 prompts failed: server · 51 ms to first token",
    ),
    "five of fourteen failed": (
        [*good(9), *(failed("server", repeat=n, outcome="failed") for n in range(20, 25))],
        "unusable",
        "5 of 14 prompts failed: server ×5 · 51 ms to first token",
    ),
    "nothing answered": (
        [failed("timeout", outcome="failed")],
        "unusable",
        "nothing answered: timeout",
    ),
    "streams broken": (
        [*good(9), *good(3, findings=(BROKEN,))],
        "unusable",
        "3 of 12 answers broken: tool.index-missing ×3 · 12/12 prompts answered · 51 ms to first token",
    ),
    "tools that go wrong": (
        [*good(9), *good(1, scenario="forced-tool", outcome="unmet")],
        "limited",
        "tools: 1 of 1 not as expected: forced-tool · 10/10 prompts answered · 51 ms to first token",
    ),
    "nothing asked": ([row(status="planned", outcome=None)], "unknown", ""),
}


@pytest.mark.parametrize("case", CASES)
def test_a_card_says_in_words_what_counts_worst_first(case: str) -> None:
    """State and clauses follow from the rows alone."""
    rows, state, clauses = CASES[case]
    card = card_of(rows)
    assert (card.state, " · ".join(clause.text for clause in card.clauses)) == (state, clauses)


def test_every_bad_clause_has_its_evidence() -> None:
    """The exchanges that show it, and no others."""
    card = card_of([*good(9), *good(3, findings=(BROKEN,), scenario="long-stream")])
    assert [len(clause.evidence) for clause in card.clauses if not clause.good] == [3]


def test_thresholds_can_be_set() -> None:
    """467 ms is not slow where 500 is the limit."""
    assert card_of(good(ttft_ms=467.0), slow_ttft_ms=500).state == "usable"


def test_every_threshold_has_a_reason() -> None:
    """A figure without one is an opinion."""
    assert all(one.source and one.means and one.unit for one in load_defaults())


@pytest.mark.parametrize("wrong", [{"slow_ttf_ms": 1}, {"failed_share": -1}, {"failed_share": True}])
def test_a_threshold_that_is_none_is_named(wrong: dict[str, Any]) -> None:
    """With the nearest name."""
    with pytest.raises(PlanError, match=r"slow_ttft_ms|failed_share"):
        make_thresholds(**wrong)


def test_the_worst_card_comes_first() -> None:
    """As a reader of the first lines needs it."""
    rows = [*good(target=0), *good(target=1, ttft_ms=900.0), failed("server", target=2, outcome="failed")]
    states = [card.state for card in make_cards(MadeRun(rows, plan(("a", "b", "c"))))]
    assert states == ["unusable", "limited", "usable"]


WINNERS: dict[str, tuple[list[Row], str]] = {
    "the only usable one": (
        [*good(target=0), failed("server", target=1, outcome="failed")],
        "Take one: it is the only one that is usable.",
    ),
    "the only one without reservations": (
        [*good(target=0), *good(target=1, ttft_ms=900.0)],
        "Take one: it is the only one that is usable without reservations.",
    ),
    "the quicker of two": (
        [*good(target=0, e2e_ms=100.0), *good(target=1, e2e_ms=150.0)],
        "Take one: it ends 50 ms before two (50–50).",
    ),
    "two alike": (
        [*alternating(target=0, first=100.0, second=102.0), *alternating(target=1, first=102.0, second=100.0)],
        "Not decided: between one and two: no difference shown in the time to the end",
    ),
    "too few": (
        [*good(2, target=0), *good(2, target=1)],
        "Not decided: between one and two: 2 pairs of answers are too few; more repeats decide it.",
    ),
    "none": (
        [failed("server", target=n, outcome="failed") for n in (0, 1)],
        "Not decided: none of them is usable.",
    ),
}


@pytest.mark.parametrize("case", WINNERS)
def test_a_winner_is_named_only_where_it_is_decided(case: str) -> None:
    """With the reason, or why not."""
    rows, said = WINNERS[case]
    assert describe_choice(choose_winner(MadeRun(rows, plan(("one", "two"))))).startswith(said)


def test_the_price_of_a_solved_task_stands_beside_the_winner() -> None:
    """Where the server says what it charges."""
    rows = [*good(target=0, cost=0.002), failed("server", target=1, outcome="failed")]
    assert choose_winner(MadeRun(rows, plan())).why.endswith("at 0.002 $ a solved task")


def test_a_run_has_its_verdicts() -> None:
    """By the names that notebooks use."""
    run = MadeRun([*good(target=0), failed("server", target=1, outcome="failed")], plan())
    assert [card.endpoint for card in run.verdicts] == ["two", "one"]
    assert run.winner.endpoint == "one"
    assert "only one" in run.winner_reason
    assert "Take one" in run._repr_html_()


def test_what_a_label_says_stays_text() -> None:
    """On the cards of a notebook nothing of a label becomes markup."""
    assert "<script" not in MadeRun(good(), plan(("<script>alert(1)</script>",)))._repr_html_()
