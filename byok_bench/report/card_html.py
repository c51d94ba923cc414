"""Verdict cards as HTML, for a notebook and for the page. Everything in them is escaped; nothing is computed here."""

from collections.abc import Callable, Collection, Sequence
from html import escape
from importlib.resources import files

from byok_bench.report.printable_text import to_printable_line
from byok_bench.report.verdict_cards import MARKS, WORDS, Card, Clause, make_cards
from byok_bench.report.winner import Choice, choose_winner, describe_choice
from byok_bench.runs.results import Run

Link = Callable[[Clause], str]
"""A clause that counts against its endpoint → HTML that leads to its evidence, empty where nothing does."""


def render_run_cards(run: Run, link: Link = lambda clause: "") -> str:
    """What a run is in a notebook: which endpoint to take, the cards, and where the rest is."""
    cards = make_cards(run)
    style = (files("byok_bench.report") / "cards.css").read_text(encoding="utf-8")
    about = f"Run {run.id}, {run.status}. {_describe_next(cards)}byok-bench report {run.id} --html report.html"
    return (
        f'<style>{style}</style><div class="byok-cards">{render_choice(choose_winner(run, cards))}'
        f'{render_cards(cards, link)}<p class="about">{_escape_text(about)}</p></div>'
    )


def render_choice(choice: Choice) -> str:
    """The line above the cards."""
    return f'<p class="winner">{_escape_text(describe_choice(choice))}</p>'


def render_cards(cards: Sequence[Card], link: Link) -> str:
    """The cards as a list."""
    return f'<ul class="cards">{"".join(_render_card(card, link) for card in cards)}</ul>'


def render_anchor_link(clause: Clause, anchors: Collection[int]) -> str:
    """A link to the first of a clause's exchanges that has an anchor on the page."""
    at = next((one for one in clause.evidence if one in anchors), None)
    return "" if at is None else f'<a href="#x{at}">{_escape_text(clause.text)}</a>'


def _render_card(card: Card, link: Link) -> str:
    clauses = "".join(_render_clause(clause, link) for clause in card.clauses)
    head = (
        f'<span class="mark" aria-hidden="true">{MARKS[card.state]}</span> <b>{_escape_text(card.endpoint)}</b>'
        f'<span class="state">{WORDS[card.state]}</span>'
    )
    return f'<li class="card {card.state}"><p class="head">{head}</p><ul class="clauses">{clauses}</ul></li>'


def _render_clause(clause: Clause, link: Link) -> str:
    shown = "" if clause.good else link(clause)
    return f'<li class="{"good" if clause.good else "bad"}">{shown or _escape_text(clause.text)}</li>'


def _describe_next(cards: Sequence[Card]) -> str:
    first = next((one for card in cards for clause in card.clauses if not clause.good for one in clause.evidence), None)
    return "" if first is None else f"The first answer that counts against one is exchange {first}. "


def _escape_text(value: str) -> str:
    return escape(to_printable_line(value))
