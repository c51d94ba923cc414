"""dialects/failures/word_lists.py: the data is sound, every line of it decides, and innocent words do not."""

import json
from importlib.resources import files
from typing import Any

import pytest
from support.error_cases import body_of, head_of, table

from byok_bench.dialects.failures.classification import classify_error_answer, classify_error_object
from byok_bench.dialects.failures.word_lists import GAP, Phrase, WordLine, WordListError, read_word_lines
from byok_bench.wire.failures import RETRYABLE_KINDS

TEXT = (files("byok_bench.dialects.failures") / "word_lists.toml").read_text(encoding="utf-8")
LINES = read_word_lines(TEXT)
KINDS = {
    "content-filter": ("content_filter", 400),
    "context-length": ("context_length", 400),
    "credit": ("quota", 403),
    "unknown-model": ("not_found_model", 404),
    "unsupported": ("invalid_request", 404),
    "permission": ("permission", 401),
    "wrong-key": ("auth", 400),
    "model-failed": ("server", 400),
    "route": ("not_found_route", 404),
    "other-thing": ("invalid_request", 404),
    "client-mistake": ("invalid_request", 500),
    "rate-limit": ("rate_limit", 500),
    "overloaded": ("overloaded", 500),
    "timeout": ("timeout", 500),
    "invalid-request": ("invalid_request", None),
}
"""Meaning → kind, and a status at which nothing but the line makes it."""
CODES = [(line.means, code) for line in LINES for code in line.codes if line.means in KINDS]
WORDS = [(line.means, words, line.at) for line in LINES for words in line.words if line.means in KINDS]


def coded(code: str) -> dict[str, Any]:
    """An error with a code in the member that it is known by."""
    member, _, number = code.rpartition("/")
    if member == "status_msg":
        return {"status_code": int(number), "status_msg": "no"}
    return {"error_code": int(number), "error_msg": "no"} if member else {"code": code, "message": "no"}


@pytest.mark.parametrize(("means", "code"), CODES)
def test_every_code_of_the_lists_decides(means: str, code: str) -> None:
    """An answer with the code gets the kind of its meaning, at a status that says something else."""
    kind, status = KINDS[means]
    body = {"error": coded(code)}
    status = 401 if means == "permission" and code == "access_denied" else status
    at = 400 if means == "permission" else status
    failure = (
        classify_error_object(body, head=None)
        if at is None
        else classify_error_answer(head_of({"status": at}), json.dumps(body).encode())
    )
    assert failure.kind == kind


@pytest.mark.parametrize(("means", "words", "at"), WORDS)
def test_every_phrase_of_the_lists_decides(means: str, words: str, at: tuple[int | str, ...]) -> None:
    """An answer with the words gets the kind of their meaning, wherever in the text they are."""
    kind, status = KINDS[means]
    if at and status not in at:
        status = next(one for one in at if isinstance(one, int))
    body = {"error": {"message": f"Sorry: {words.replace(GAP, ' acme-9 ').upper()} (see the pages)."}}
    assert classify_error_answer(head_of({"status": status}), json.dumps(body).encode()).kind == kind


@pytest.mark.parametrize("case", table("kinds"))
def test_each_kind_of_mistake_is_told_rightly(case: dict[str, Any]) -> None:
    """What public reports show, in bodies of our own: the kind, and whether the same request can pass later."""
    failure = classify_error_answer(head_of(case, 400), body_of(case))
    assert failure.kind == case["kind"]
    assert failure.retryable == case.get("retryable", case["kind"] in RETRYABLE_KINDS)


@pytest.mark.parametrize("case", table("innocent"))
def test_innocent_words_decide_nothing(case: dict[str, Any]) -> None:
    """Words that only remind of a list leave the kind to the status."""
    failure = classify_error_answer(head_of(case, 400), body_of(case))
    assert (failure.kind, failure.retryable) == (case["kind"], case["kind"] in RETRYABLE_KINDS)


def test_every_kind_has_a_case_and_names_its_source() -> None:
    """The table of kinds covers what the lists mean, and each of its cases says where it was seen."""
    cases = [one.values[0] for one in table("kinds")]
    assert all(case["source"] for case in cases)
    assert {kind for kind, _ in KINDS.values()} <= {case["kind"] for case in cases}


def test_a_gap_in_words_is_bounded() -> None:
    """`…` stands for at most 80 characters, line breaks included."""
    phrase = Phrase("model…not found", None)
    assert phrase.is_in("the model" + "\n" * 80 + "not found")
    assert not phrase.is_in("the model" + "x" * 81 + "not found")
    assert not phrase.is_in("not found: the model")


GOOD = '[[line]]\nmeans = "credit"\nwords = ["no money left"]\nsource = "acme/gateway#1"\n'


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("acme/gateway#1", "somebody said so"), "the source is no address"),
        (('"credit"', '"debt"'), "Invalid enum value"),
        (('["no money left"]', "[]"), "it holds no codes and no words"),
        (("no money left", "No Money left"), "is not lower case"),
        (("no money left", "…money left"), "begins or ends with a gap"),
        (("no money left", "money"), "is too short"),
        (('source = "acme', 'language = "xx"\nsource = "acme'), "language"),
        (('source = "acme', 'codes = ["two words"]\nsource = "acme'), "is no code"),
        (('source = "acme', 'color = 1\nsource = "acme'), "unknown field"),
        (("[[line]]", GOOD + "[[line]]"), "is listed twice"),
        (("means =", "means ="), None),
    ],
)
def test_a_line_that_breaks_the_rules_of_the_data_is_refused(change: tuple[str, str], said: str | None) -> None:
    """The data is checked when it is loaded: sources, languages, forms, no line twice."""
    text = GOOD.replace(*change)
    if said is None:
        assert isinstance(read_word_lines(text)[0], WordLine)
        return
    with pytest.raises(WordListError, match=said):
        read_word_lines(text)
