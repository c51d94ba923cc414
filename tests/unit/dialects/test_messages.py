from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.typed_cases import as_data, assert_failure, exchange_of, table

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.dialect import find_dialect

TYPES = ["message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
         "message_stop", "ping", "error"]  # fmt: skip
scalars = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "text", "text_delta", "tool_use", "{"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "type", "text", "thinking", "partial_json", "usage", "input", "name", "stop_reason",
                         "input_tokens", "output_tokens", "message", "content"]),
        inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
events = st.builds(
    lambda type_, rest: {"type": type_, **rest},
    st.sampled_from(TYPES),
    st.dictionaries(st.sampled_from(["index", "delta", "content_block", "message", "usage", "error"]), values),
)


@pytest.mark.parametrize("case", table("messages"))
def test_output_and_failure_are_read(case: dict[str, Any]) -> None:
    """Blocks, calls, running totals and reasons come out of the events, and what ended them is classified."""
    exchange = exchange_of(case, "messages")
    assert as_data(exchange, case.get("output", {})) == case.get("output", {})
    assert_failure(exchange.error, case.get("failure"))
    if "marks" in case:
        assert [kind for _, kind, _ in exchange.reading.marks] == case["marks"]


@given(st.lists(events, max_size=6), st.sampled_from(["eof", "reset", "stall", "limit"]))
def test_any_events_are_read(some: list[dict[str, Any]], end: str) -> None:
    """Whatever the members of known events hold, reading and judging give something and do not raise."""
    exchange = exchange_of({"events": some, "end": end}, "messages")
    assert isinstance(exchange.output.text, str)
    assert exchange.error is not None or exchange.reading.is_finished
    assert all(finding.message for finding in run_checks(exchange))


@given(values | st.dictionaries(st.sampled_from(["type", "content", "stop_reason", "error", "role"]), values))
def test_any_document_is_read(document: Any) -> None:
    """Whatever one JSON value comes as the whole answer, reading and judging give something and do not raise."""
    for streamed in (False, True):
        exchange = exchange_of({"body": document, "stream": streamed}, "messages")
        assert exchange.error is not None or isinstance(document["content"], list | str)
        assert all(finding.message for finding in run_checks(exchange))


def test_times_come_from_the_deltas() -> None:
    """The first delta sets the time to first token, message_stop the end."""
    case = next(one.values[0] for one in table("messages") if one.values[0]["name"] == "thoughts")
    timing = exchange_of(case, "messages").timing
    assert (timing.ttft, timing.ttft_reasoning, timing.ttft_text) == (3.0, 3.0, 7.0)
    assert timing.e2e == len(case["events"])


def test_the_request_is_what_the_caller_wrote() -> None:
    """The endpoint's fields are laid under the body, and the model is set."""
    spoken = find_dialect("messages")
    assert spoken.build({"max_tokens": 5}, "m", {"max_tokens": 9}) == {"max_tokens": 5, "model": "m"}
    assert (spoken.route, spoken.terminator) == ("/messages", "messages")


@pytest.mark.parametrize("end", ["limit", "cancelled"])
@pytest.mark.parametrize("schema", ["messages", "responses"])
def test_a_body_that_this_side_cut_is_not_judged_for_its_framing(schema: str, end: str) -> None:
    """Lines without a data field may be followed by anything: what a server did is not known yet."""
    exchange = exchange_of({"text": '{"a":1}\n{', "stream": True, "end": end}, schema)
    assert exchange.reading.shape == "unreadable"
    assert (exchange.error is None) == (end == "cancelled")


FILTERED = {
    "messages": {"type": "message", "content": [], "stop_reason": "refusal"},
    "responses": {"output": [], "status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
    "chat": {"choices": [{"index": 0, "message": {"content": ""}, "finish_reason": "content_filter"}]},
}


@pytest.mark.parametrize("schema", FILTERED)
def test_an_answer_of_which_a_filter_left_nothing_has_failed(schema: str) -> None:
    """Each dialect has its own word for it, and the failure is the same."""
    error = exchange_of({"body": FILTERED[schema]}, schema).error
    assert error is not None
    assert (error.kind, error.phase, error.retryable) == ("content_filter", "body", False)


def test_a_filter_that_left_nothing_is_no_error_in_the_stream() -> None:
    """The message ended in its own words, so nothing is wrong with the stream."""
    start = {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "usage": {"input_tokens": 5},
    }
    end = {"type": "message_delta", "delta": {"stop_reason": "refusal"}, "usage": {"output_tokens": 1}}
    case = {"events": [{"type": "message_start", "message": start}, end, {"type": "message_stop"}]}
    exchange = exchange_of(case, "messages")
    assert exchange.error is not None
    assert [found.check for found in run_checks(exchange) if found.severity == "error"] == []


@pytest.mark.parametrize(
    "body", [{"type": "message", "content": []}, {"type": "message", "content": [], "stop_reason": None}]
)
def test_a_message_that_says_nothing_at_all_has_failed(body: dict[str, Any]) -> None:
    """Neither words nor why it stopped: the same answer in chat is no answer."""
    error = exchange_of({"body": body}, "messages").error
    assert error is not None
    assert error.kind == "protocol"
