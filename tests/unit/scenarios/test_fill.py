"""Generated context: its length, its facts, and that it is always the same."""

import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.scenarios.fill import Fact, Fill, FillKind
from byok_bench.scenarios.fill_text import CHARACTERS_PER_TOKEN, make_fill_text, put_fill
from byok_bench.scenarios.prose import make_prose
from byok_bench.scenarios.scenario import Message

KINDS: tuple[FillKind, ...] = ("prose", "code", "rows")
FACT = Fact(at=0.5, text="The code word is heron.", answer="heron")


@given(tokens=st.integers(60, 3_000), kind=st.sampled_from(KINDS), seed=st.integers(0, 5), at=st.floats(0, 1))
def test_a_fill_is_as_long_as_it_says_and_holds_its_facts(tokens: int, kind: FillKind, seed: int, at: float) -> None:
    """Within a block of the length; each fact once, near its depth; twice the same."""
    fact = Fact(at=at, text=FACT.text, answer="heron")
    fill = Fill(tokens=tokens, kind=kind, seed=seed, facts=(fact,))
    text = make_fill_text(fill)
    assert text == make_fill_text(fill)
    assert abs(len(text) - tokens * CHARACTERS_PER_TOKEN) < 300
    assert text.count(FACT.text) == 1
    assert abs(text.index(FACT.text) - at * len(text)) < 1_000


@pytest.mark.parametrize("kind", KINDS)
def test_text_before_a_break_is_the_same_and_shifted_behind_it(kind: FillKind) -> None:
    """What a prefix cache sees: equal up to the break, and not one byte further."""
    plain = make_fill_text(Fill(tokens=2_000, kind=kind))
    broken = make_fill_text(Fill(tokens=2_000, kind=kind, break_at=0.5))
    shared = next(at for at, (one, other) in enumerate(zip(plain, broken, strict=False)) if one != other)
    assert 0.4 < shared / len(plain) < 0.6
    assert make_fill_text(Fill(tokens=2_000, kind=kind, break_at=0.0))[:1] != plain[:1] or kind != "prose"


def test_prose_compresses_about_as_prose_does() -> None:
    """Neither noise nor one sentence over and over: text of books compresses to a third or so, by deflate."""
    text = make_fill_text(Fill(tokens=8_000)).encode()
    assert 0.2 < len(zlib.compress(text)) / len(text) < 0.5


def test_rows_are_json_and_code_is_python() -> None:
    """Each kind is what it says, facts included."""
    for line in make_fill_text(Fill(tokens=500, kind="rows", facts=(FACT,))).splitlines():
        json.loads(line)
    compile(make_fill_text(Fill(tokens=500, kind="code", facts=(FACT,))), "fill", "exec")


@given(st.integers(0, 400))
def test_prose_of_so_many_words_has_so_many(words: int) -> None:
    """A stated length is kept to the word."""
    assert len(make_prose(words).split()) == words


def test_the_fill_stands_before_the_last_words_of_its_role() -> None:
    """The question comes last; without a message of the role one is made."""
    fill = Fill(tokens=50)
    messages = (Message(role="user", content="first"), Message(role="user", content="The question?"))
    filled = put_fill(messages, fill)
    assert filled[0].content == "first"
    assert filled[1].content.endswith("\n\nThe question?")
    made = put_fill(messages, Fill(tokens=50, place="system"))
    assert (made[0].role, made[1:]) == ("system", messages)
