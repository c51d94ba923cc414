"""checks/marker_search.py: patterns in assembled text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from byok_bench.checks.marker_search import find_control_token, find_think_tag, find_tool_markup, mask_talk


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("<think>a</think>b", "<think>"),
        (" \n<thinking>", "<thinking>"),
        ("a</think>b", "</think>"),
        ("a</reasoning>", "</reasoning>"),
        ("use <think>a</think> in prompts", None),
        ("a </think> and <think>", "</think>"),
        ("<thinker>", None),
        ("<mm:think>a</mm:think>b", "<mm:think>"),
        ("[THINK]a[/THINK]b", "[THINK]"),
        ("a◁/think▷b", "◁/think▷"),
        ("close it with `</think>` at the end", None),
        ('close it with "</think>" at the end', None),
        ("```\na</think>\n```", None),
        ("", None),
    ],
)
def test_think_tags_are_found_where_nothing_quotes_them(text: str, tag: str | None) -> None:
    """A leading opening tag and a closing one that nothing opened count; pairs in the middle do not."""
    assert find_think_tag(text) == tag


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("a<|im_end|>", "<|im_end|>"),
        ("a<｜end▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
        ("a</s> \n", "</s>"),
        ("<s>a</s> b", None),
        ("a <|pipe|> b", None),
        ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁begin｜>"),
        ("<｜｜>", None),
        ("<end_of_turn>", "<end_of_turn>"),
        ("the token `<|im_end|>` ends a turn", None),
    ],
)
def test_control_tokens_are_found(text: str, token: str | None) -> None:
    """Those of the list, DeepSeek's in fullwidth bars, and an end of text at the end."""
    assert find_control_token(text) == token


def test_tokens_around_leaked_calls_do_not_count_twice() -> None:
    """Of a leaked call of DeepSeek no token is a second finding; others in the same text are."""
    leaked = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
    marker = find_tool_markup(leaked)
    assert marker == "<｜tool▁calls▁begin｜>"
    assert find_control_token(leaked, leaked=marker) is None
    assert find_control_token(leaked + "<|im_end|>", leaked=marker) == "<|im_end|>"


def test_tokens_of_a_leaked_harmony_call_do_not_count_twice() -> None:
    """The tokens of the family that the marker belongs to are part of the same leak."""
    leaked = "<|channel|>commentary to=functions.f <|constrain|>json<|message|>{}<|call|>"
    marker = find_tool_markup(leaked)
    assert marker == "<|channel|>commentary to="
    assert find_control_token(leaked, leaked=marker) is None


@pytest.mark.parametrize(
    ("text", "marker"),
    [
        ("<tool_call>get_weather", "<tool_call>"),
        ("Sure.\n<function=get_weather>", "<function="),
        ("get_weather</tool_call>", "</tool_call>"),
        ("[TOOL_CALLS]get_weather{}", "[TOOL_CALLS]"),
        ('<｜DSML｜invoke name="get_weather">', "<｜DSML｜"),
        ('<|DSML|invoke name="get_weather">', "<|DSML|"),
        ("</|DSML|invoke>", "</|DSML|"),
        ("<|open|>tools<|sep|><|open|>call tool", "<|open|>tools<|sep|>"),
        ("<minimax:tool_call>\n<invoke", "<minimax:tool_call>"),
        ('{"city": "Oslo"}<tool_call>', "<tool_call>"),
        ('5" pipe <tool_call>{"name": "f"}', "<tool_call>"),
        ("It's <tool_call>{'name': 'f'}", "<tool_call>"),
        ("```\ncode\n```\n<tool_call>", "<tool_call>"),
        ("```json\n<tool_call>\n```", None),
        ("~~~\n<tool_call>", None),
        ("write `<tool_call>` before it", None),
        ('write "<tool_call>" before it', None),
        ("write '<tool_call>' before it", None),
        ("write “a <tool_call> b” before it", None),
        ('{"hint": "<tool_call>"}', None),
        ("a tool call is <b>no</b> markup", None),
    ],
)
def test_markers_of_calls_are_found_where_nothing_quotes_them(text: str, marker: str | None) -> None:
    """Markup counts wherever it stands; talk about markup, in a fence, in code marks or in quotes, does not."""
    assert find_tool_markup(text) == marker


def test_the_first_marker_of_a_text_is_named() -> None:
    """Not the first of the list."""
    assert find_tool_markup("[TOOL_CALLS] and <tool_call>") == "[TOOL_CALLS]"


@given(st.text(alphabet="ab `~\"'“”«»\n<>|", max_size=80))
def test_what_is_blanked_keeps_its_place(text: str) -> None:
    """Nothing but blanks is put in, and no line gets longer or shorter."""
    said = mask_talk(text)
    assert len(said) == len(text)
    assert all(new in (old, " ") for old, new in zip(text, said, strict=True))
