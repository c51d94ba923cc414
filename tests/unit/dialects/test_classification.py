import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.error_cases import body_of, head_of, table

from byok_bench.dialects.failures.classification import (
    classify_error_answer,
    classify_error_object,
    classify_page,
)
from byok_bench.dialects.failures.error_body import read_error_body
from byok_bench.dialects.failures.kind_rules import KIND_RULES, LITELLM_KINDS, ErrorFacts
from byok_bench.wire.failures import KINDS, PHASES, RETRYABLE_KINDS, Failure
from byok_bench.wire.raw_exchange import RawHead

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["error", "errors", "message", "detail", "code", "status", "type", "metadata", "raw",
                         "reasons", "innererror", "details", "retryDelay", "loc", "msg"]) | st.text(max_size=3),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip
headers = st.lists(
    st.tuples(
        st.sampled_from(["retry-after", "retry-after-ms", "content-type", "location", "x-should-retry",
                         "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"]),
        st.text(alphabet=st.characters(max_codepoint=255), max_size=30),
    ),
    max_size=4,
)  # fmt: skip


def judge(case: dict[str, Any]) -> Failure:
    return classify_error_answer(head_of(case), body_of(case), url="https://asked.example/v1/chat/completions")


def check(failure: Failure, case: dict[str, Any]) -> None:
    assert failure.kind == case["kind"]
    assert failure.retryable == case.get("retryable", case["kind"] in RETRYABLE_KINDS)
    assert failure.retry_after_s == (pytest.approx(case["delay"]) if case.get("delay") is not None else None)
    for words in case.get("words", []):
        assert words in failure.message
    for words in case.get("not_words", []):
        assert words not in failure.message
    assert failure.code == case.get("code", failure.code)


@pytest.mark.parametrize("case", table("rules"))
def test_every_rule_decides_what_is_its_own_and_nothing_beside_it(case: dict[str, Any]) -> None:
    """An answer gets the kind of the first rule that matches."""
    check(judge(case), case)


@pytest.mark.parametrize("case", table("shapes"))
def test_the_words_of_every_known_shape_are_found(case: dict[str, Any]) -> None:
    """Each server family's way to write an error gives its words and its kind."""
    check(judge(case), case)


@pytest.mark.parametrize("case", table("phrases"))
def test_words_decide_at_the_statuses_of_their_rule_alone(case: dict[str, Any]) -> None:
    """The same words mean something at one status and nothing at another; "none" is an error inside a stream."""
    error = {"error": {"message": case["text"], "type": None, "param": None, "code": None}}
    for status, kind in case["kinds"].items():
        failure = (
            classify_error_object(error, head=None)
            if status == "none"
            else classify_error_answer(head_of({"status": int(status)}), json.dumps(error).encode())
        )
        assert (status, failure.kind) == (status, kind)


@pytest.mark.parametrize("case", table("events"))
def test_errors_inside_a_stream_are_classified_by_what_they_name(case: dict[str, Any]) -> None:
    """An error object without an HTTP status of its own is classified by its members and words."""
    failure = classify_error_object(case["value"], head=None)
    check(failure, case)
    assert failure.phase == "stream"
    assert failure.status == case.get("status", failure.status)


def test_every_rule_has_a_case_that_it_decides() -> None:
    """No rule of the order is without a case in the table."""
    decided = set()
    for parameter in table("rules"):
        case = parameter.values[0]
        head, body = (
            head_of(case),
            read_error_body(body_of(case), head_of(case).get_header("content-type") or ""),
        )
        status = head.status if head.status >= 300 else body.named_status
        facts = ErrorFacts(
            http=head.status,
            status=status,
            is_error=head.status >= 300 or body.is_error,
            body=body,
            delay_s=judge(case).retry_after_s,
        )
        decided.add(next(rule.number for rule in KIND_RULES if rule.find_kind(facts)))
    assert decided == {rule.number for rule in KIND_RULES} == set(range(1, 25))


def test_every_litellm_class_has_a_kind_of_ours() -> None:
    """The table of class names holds no kind that does not exist."""
    assert set(LITELLM_KINDS.values()) <= KINDS


@given(status=st.integers(200, 599), body=st.binary(max_size=300), fields=headers)
def test_any_bytes_are_classified(status: int, body: bytes, fields: list[tuple[str, str]]) -> None:
    """Whatever the bytes are, there is a kind and there are words."""
    failure = classify_error_answer(RawHead(status=status, http="1.1", headers=tuple(fields)), body)
    assert_sound(failure)


@given(status=st.integers(200, 599), value=json_values, fields=headers)
def test_any_json_is_classified(status: int, value: object, fields: list[tuple[str, str]]) -> None:
    """Whatever the JSON value is, as an answer or as an event, there is a kind and there are words."""
    head = RawHead(status=status, http="1.1", headers=tuple(fields))
    assert_sound(classify_error_answer(head, json.dumps(value).encode()))
    assert_sound(classify_page(head, json.dumps(value).encode()))
    assert_sound(classify_error_object(value, head=head))
    assert_sound(classify_error_object(value, head=None))


def assert_sound(failure: Failure) -> None:
    assert failure.kind in KINDS
    assert failure.phase in PHASES
    assert failure.message.strip()
    assert len(failure.message.encode()) <= 4096
    assert failure.retry_after_s is None or failure.retry_after_s >= 0
    assert not any(ord(char) < 32 and char not in "\n\t" for char in failure.message)


def test_a_deep_value_is_read_to_a_bound() -> None:
    """Nesting without end neither raises nor hangs."""
    value: Any = "core"
    for _ in range(5_000):
        value = {"error": {"details": [value], "metadata": {"raw": [value]}, "message": [value]}}
    assert classify_error_object(value, head=None).kind == "server"


def test_long_words_are_cut_to_what_is_kept() -> None:
    """A message longer than the limit keeps its start and is marked as cut."""
    body = json.dumps({"error": {"message": "é" * 10_000}}).encode()
    message = classify_error_answer(RawHead(status=500, http="1.1", headers=()), body).message
    assert message.startswith("ééé")
    assert message.endswith("…")
    assert len(message.encode()) <= 4096


def test_words_far_inside_a_long_text_still_decide() -> None:
    """What is searched is more than what is shown."""
    body = b"Traceback\n" + b"  frame\n" * 2_000 + b"openai: too many requests"
    assert classify_error_answer(RawHead(status=500, http="1.1", headers=()), body).kind == "rate_limit"


def test_the_page_about_errors_has_every_rule_and_kind() -> None:
    """docs/errors.md shows the rules in their order, in their own words, and every kind."""
    page = (Path(__file__).parents[3] / "docs" / "errors.md").read_text("utf-8")
    rows = [f"| {rule.number} | {rule.when} | {rule.kind} |" for rule in KIND_RULES]
    assert "\n".join(rows) in page
    assert all(f"\n| `{kind}` |" in page for kind in KINDS)
