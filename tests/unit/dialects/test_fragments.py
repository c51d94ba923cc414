"""dialects/fragments.py: text in pieces."""

import itertools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.dialects.fragments import Fragments, join_surrogates, render_value

PIECES = st.lists(
    st.sampled_from(['{"a"', ":", '"}', '"', "}", "{", "\\", '\\"', "[", "]", " ", "1", "x", "\n", '{"a":1}']),
    max_size=10,
)


def is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


@given(PIECES)
def test_completeness_is_what_parsing_says(pieces: list[str]) -> None:
    """After every fragment, the text is a complete object exactly if it parses to one."""
    text, fragments = "", Fragments()
    for piece in pieces:
        fragments.add(piece)
        text += piece
        assert fragments.is_object == is_object(text)
        assert str(fragments) == text
        assert fragments.length == len(text)


@given(st.dictionaries(st.text(), st.integers() | st.text() | st.lists(st.text())), st.data())
def test_any_cut_of_an_object_is_complete_at_its_last_brace(value: dict[str, object], data: st.DataObject) -> None:
    """Asked at every fragment, the answer turns true once, at the end."""
    text = json.dumps(value)
    places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=6)) | {0, len(text)})
    fragments = Fragments()
    for start, end in itertools.pairwise(places):
        fragments.add(text[start:end])
        assert fragments.is_object == (end == len(text))


def test_equality_is_with_the_whole_text() -> None:
    """A fragment equals what came so far only if nothing is missing."""
    fragments = Fragments()
    assert fragments.is_equal_to("")
    fragments.add('{"a"')
    fragments.add(":1}")
    assert fragments.is_equal_to('{"a":1}')
    assert not fragments.is_equal_to('{"a":2}')


@pytest.mark.parametrize("fragment", ['}"', '"', "{}", "\\"])
def test_no_fragments_make_it_slow(fragment: str) -> None:
    """A hundred thousand questions over megabytes end before the suite's timeout."""
    fragments = Fragments()
    fragments.add('{"a":"' + "x" * 4_000_000)
    for _ in range(100_000):
        fragments.add(fragment)
        fragments.is_object  # noqa: B018
    assert fragments.length > 4_000_000


@pytest.mark.parametrize(
    ("text", "joined"),
    [
        ("abc", "abc"),
        ("ä😀", "ä😀"),
        ("\ud83d\ude00", "😀"),
        ("a\ud83d", "a\ufffd"),
        ("\ude00\ud83d", "\ufffd\ufffd"),
        ("\ud83dé", "\ufffdé"),
    ],
)
def test_surrogates_are_joined_or_replaced(text: str, joined: str) -> None:
    """A pair that came in two escapes is one character; a lone half is U+FFFD."""
    assert join_surrogates(text) == joined


def test_values_in_messages_are_short() -> None:
    """A message of ours holds one line of what a server sent."""
    assert render_value("a\nb") == "'a\\nb'"
    assert len(render_value("x" * 1000)) == 60
