"""checks/texts.py: patterns in assembled text."""

import pytest

from byok_bench.checks.texts import control_token, think_tag, tool_markup


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
        ("", None),
    ],
)
def test_think_tags_are_found_where_nothing_quotes_them(text: str, tag: str | None) -> None:
    """A leading opening tag and a closing one that nothing opened count; pairs in the middle do not."""
    assert think_tag(text) == tag


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
    ],
)
def test_control_tokens_are_found(text: str, token: str | None) -> None:
    """Those of the list, DeepSeek's in fullwidth bars, and an end of text at the end."""
    assert control_token(text, tool_markup_counts=True) == token


def test_tokens_around_leaked_calls_do_not_count_twice() -> None:
    """Of a leaked call of DeepSeek no token is a second finding; others in the same text are."""
    leaked = "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>f<｜tool▁call▁end｜><｜tool▁calls▁end｜>"
    assert tool_markup(leaked) == "<｜tool▁calls▁begin｜>"
    assert control_token(leaked, tool_markup_counts=False) is None
    assert control_token(leaked + "<|im_end|>", tool_markup_counts=False) == "<|im_end|>"
