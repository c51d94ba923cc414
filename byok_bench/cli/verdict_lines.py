"""The verdict cards in a terminal, and as JSON: the first thing of `demo`, `run` and `report`."""

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from rich.console import Console

    from byok_bench.report.thresholds import Thresholds
    from byok_bench.runs.results import Run

COLORS: Final = {"usable": "green", "limited": "yellow", "unusable": "red", "unknown": "dim"}


def print_verdicts(run: "Run", thresholds: "Thresholds | None", console: "Console") -> None:
    """Which endpoint to take, then one card an endpoint: the headline in its colour, its clauses behind it."""
    from rich.padding import Padding
    from rich.text import Text

    from byok_bench.cli.terminal_tables import to_rich_text
    from byok_bench.report.verdict_cards import make_cards
    from byok_bench.report.winner import choose_winner, describe_choice

    cards = make_cards(run, thresholds)
    console.print(to_rich_text(describe_choice(choose_winner(run, cards))), style="bold")
    for card in cards:
        line = to_rich_text(f"{card.headline}. " if card.clauses else card.headline, COLORS[card.state])
        for number, clause in enumerate(card.clauses):
            line.append(Text(" · " if number else ""))
            line.append(to_rich_text(clause.text, "" if clause.good else COLORS["unusable"]))
        console.print(Padding(line, (0, 0, 0, 2)))
    console.print()


def make_verdicts_document(run: "Run", thresholds: "Thresholds | None" = None) -> dict[str, Any]:
    """`verdicts` (worst first) and `winner` with its reason, JSON-ready."""
    from byok_bench.report.verdict_cards import make_cards
    from byok_bench.report.winner import choose_winner

    cards = make_cards(run, thresholds)
    choice = choose_winner(run, cards)
    winner = choice.card.endpoint if choice.card else None
    return {"winner": winner, "winner_reason": choice.why, "verdicts": cards}
