"""The text of a fill: seeded, about as long as it says, with its facts where it says.

Prose is made of sentences from small word lists, so that it compresses about as prose does and repeats no paragraph;
code is small Python functions, rows are JSON objects. Lengths count four characters a token, a rule of thumb that
OpenAI states for English (https://help.openai.com/en/articles/4936856); what a server counts is in its usage.
"""

import functools
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from byok_bench.scenarios.fill import Fill, FillKind
from byok_bench.scenarios.prose import iterate_sentences, load_words
from byok_bench.scenarios.scenario import Message

CHARACTERS_PER_TOKEN: Final = 4
_REMEMBERED: Final = 16
"""Texts that are kept: every repeat on every target asks with the same one, and 128 k tokens take 0.2 s to make."""


@functools.lru_cache(_REMEMBERED)
def make_fill_text(fill: Fill) -> str:
    """The text: blocks of its kind until it is long enough, each fact as a block of its own at its depth."""
    blocks = _make_blocks(fill)
    marks = [(fact.at, fact.text) for fact in fill.facts]
    if fill.break_at is not None:
        marks.append((fill.break_at, f"Note {fill.seed}: the page before this one was bound in later."))
    placed: list[tuple[float, int, str]] = [(number, 1, block) for number, block in enumerate(blocks)]
    placed += [(at * len(blocks) - 0.5, 0, _wrap_mark(fill.kind, text)) for at, text in marks]
    return _JOINTS[fill.kind].join(text for *_, text in sorted(placed))


def put_fill(messages: Sequence[Message], fill: Fill | None) -> tuple[Message, ...]:
    """The opening with the fill before the text of the message that it belongs to."""
    if fill is None:
        return tuple(messages)
    held = [position for position, message in enumerate(messages) if message.role == fill.place]
    text = make_fill_text(fill)
    if not held:
        return (Message(role=fill.place, content=text), *messages)
    chosen = held[-1]
    filled = msgspec.structs.replace(messages[chosen], content=f"{text}\n\n{messages[chosen].content}")
    return (*messages[:chosen], filled, *messages[chosen + 1 :])


def _make_blocks(fill: Fill) -> list[str]:
    dice = random.Random(f"fill {fill.kind} {fill.seed}")
    wanted = fill.tokens * CHARACTERS_PER_TOKEN - sum(len(fact.text) for fact in fill.facts)
    blocks, length, joint = [], 0, len(_JOINTS[fill.kind])
    for block in _MAKERS[fill.kind](dice):
        if length >= wanted:
            break
        blocks.append(block)
        length += len(block) + joint
    return blocks


def _wrap_mark(kind: FillKind, text: str) -> str:
    """A sentence in the dress of its surroundings."""
    return {"prose": text, "code": f"# {text}\n", "rows": json.dumps({"note": text}, ensure_ascii=False)}[kind]


def _iterate_functions(dice: random.Random) -> Iterator[str]:
    nouns = load_words().nouns
    while True:
        noun, other, number = dice.choice(nouns), dice.choice(nouns), dice.randrange(1, 10_000)
        name = f"{dice.choice(('count', 'find', 'merge', 'sort', 'check'))}_{noun}_{number}"
        bound = dice.randrange(2, 500)
        yield (
            f"def {name}({noun}s, limit={bound}):\n"
            f"    kept = [{noun} for {noun} in {noun}s if {noun}.{other} < limit]\n"
            f"    return sorted(kept, key=lambda {noun}: ({noun}.{other}, {noun}.id))[:{dice.randrange(3, 90)}]\n\n"
        )


def _iterate_rows(dice: random.Random) -> Iterator[str]:
    words = load_words()
    for number in range(1, 10**9):
        row = {
            "id": number,
            "kind": dice.choice(words.nouns),
            "state": dice.choice(words.states),
            "amount": round(dice.uniform(1, 900), 2),
            "place": dice.choice(words.places),
        }
        yield json.dumps(row)


_MAKERS: Final[Mapping[FillKind, Callable[[random.Random], Iterator[str]]]] = {
    "prose": iterate_sentences,
    "code": _iterate_functions,
    "rows": _iterate_rows,
}
_JOINTS: Final[Mapping[FillKind, str]] = {"prose": " ", "code": "\n", "rows": "\n"}
