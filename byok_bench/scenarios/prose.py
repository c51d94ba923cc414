"""Made-up prose: sentences out of small word lists, seeded, so that it compresses about as prose does."""

import functools
import random
from collections.abc import Iterator
from importlib.resources import files

import msgspec


class Words(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Word lists of fill_words.toml."""

    people: tuple[str, ...]
    names: tuple[str, ...]
    deeds: tuple[str, ...]
    kinds: tuple[str, ...]
    things: tuple[str, ...]
    places: tuple[str, ...]
    positions: tuple[str, ...]
    times: tuple[str, ...]
    joints: tuple[str, ...]
    nouns: tuple[str, ...]
    states: tuple[str, ...]


@functools.cache
def load_words() -> Words:
    """The words, read once."""
    return msgspec.toml.decode((files("byok_bench.scenarios") / "fill_words.toml").read_bytes(), type=Words)


def make_prose(words: int, seed: int = 0) -> str:
    """Prose of exactly so many words."""
    found: list[str] = []
    for sentence in iterate_sentences(random.Random(f"words {seed}")):
        found += sentence.split()
        if len(found) >= words:
            return " ".join(found[:words])
    return ""


def iterate_sentences(dice: random.Random) -> Iterator[str]:
    """Sentences without end; what comes depends on the dice alone."""
    words = load_words()
    while True:
        said = _make_clause(dice, words)
        for _ in range(dice.randrange(3)):
            said += f", {dice.choice(words.joints)} {_make_clause(dice, words)}"
        yield f"{said[0].upper()}{said[1:]}."


def _make_clause(dice: random.Random, words: Words) -> str:
    person = f"the {dice.choice(words.kinds)} {dice.choice(words.people)}"
    who = dice.choice((person, dice.choice(words.names), f"{dice.choice(words.names)} the {dice.choice(words.people)}"))
    what = (
        f"{dice.choice(('the', 'another', 'her', 'his', 'one'))} {dice.choice(words.kinds)} {dice.choice(words.things)}"
    )
    rest = dice.choice((
        "",
        f" {dice.choice(words.times)}",
        f" {dice.choice(words.positions)} the {dice.choice(words.places)}",
        f" and {dice.randrange(2, 400)} {dice.choice(words.kinds)} {dice.choice(words.things)}s",
    ))  # fmt: skip
    return f"{who} {dice.choice(words.deeds)} {what}{rest}"
