"""checks/markers.toml and checks/native_reasons.toml: data that grows, each line with its public source."""

import re

import pytest

from byok_bench.checks.marker_search import find_control_token, find_think_tag, find_tool_markup
from byok_bench.checks.markers import load_markers
from byok_bench.checks.native_reasons import load_reason_meanings

MARKERS = load_markers()
CALLS = [form for one in MARKERS.call for form in one.forms]
THOUGHTS = [(one.open[0], closing) for one in MARKERS.think for closing in one.close]
TOKENS = [form for one in MARKERS.token for form in one.forms]
SOURCE = re.compile(r"(https://\S+|[\w.-]+/[\w.-]+(#\d+| \S+))(; (https://\S+|[\w.-]+/[\w.-]+(#\d+| \S+)))*")


@pytest.mark.parametrize("form", CALLS)
def test_every_form_of_a_call_is_found(form: str) -> None:
    """In the middle of a text; a form that begins like a shorter one is found as itself or as that one."""
    found = find_tool_markup(f"Let me look.\n{form}get_weather")
    assert found is not None
    assert form.startswith(found) or found.endswith(form) or form in found


@pytest.mark.parametrize("form", CALLS)
def test_no_form_of_a_call_is_found_in_quotes(form: str) -> None:
    """Talk about markup is no markup."""
    assert find_tool_markup(f"It is written as `{form}` by this model.") is None


@pytest.mark.parametrize(("opening", "closing"), THOUGHTS)
def test_every_tag_of_reasoning_is_found(opening: str, closing: str) -> None:
    """The opening one at the start, the closing one where nothing opened it, and no pair in the middle."""
    assert find_think_tag(f"{opening}Hm.{closing}Hi") == opening
    assert find_think_tag(f"Hm.{closing}Hi") == closing
    assert find_think_tag(f"Say {opening}Hm.{closing} first.") is None


@pytest.mark.parametrize("token", TOKENS)
def test_every_control_token_is_found(token: str) -> None:
    """Wherever it stands in a text, but not where somebody talks of it."""
    assert find_control_token(f"Hi{token} there") == token
    assert find_control_token(f"A turn ends with `{token}`.") is None


def test_every_line_has_a_public_source() -> None:
    """A repository and a path, an issue, or a document: who doubts a line can look."""
    for one in (*MARKERS.call, *MARKERS.think, *MARKERS.token, *MARKERS.asked):
        assert SOURCE.fullmatch(one.source), one.source


def test_no_form_is_named_twice() -> None:
    """Two families that share a form would hide one of the two names."""
    for forms in (CALLS, TOKENS, [form for one in MARKERS.think for form in one.forms]):
        assert len(forms) == len(set(forms))


def test_native_words_are_in_lower_case() -> None:
    """They are compared so, and a capital would never match."""
    assert all(word == word.lower() for word in load_reason_meanings())
