from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.typed_cases import as_data, assert_failure, exchange_of, table

from byok_bench.checks.registry import run_checks
from byok_bench.dialects.dialect import find_dialect

TYPES = ["response.created", "response.output_item.added", "response.output_item.done", "response.output_text.delta",
         "response.output_text.done", "response.function_call_arguments.delta", "response.reasoning_text.delta",
         "response.refusal.delta", "response.reasoning.delta", "response.content_part.added",
         "response.reasoning_summary_text.done", "response.queued", "response.completed",
         "response.incomplete", "response.failed", "error"]  # fmt: skip
scalars = (
    st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from(["", "msg_1", "text", "completed", "message"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["id", "type", "item", "response", "output", "content", "text", "delta", "arguments", "usage",
                         "status", "error", "input_tokens", "summary", "name", "call_id", "incomplete_details"]),
        inner, max_size=4),
    max_leaves=8,
)  # fmt: skip
events = st.builds(
    lambda type_, rest: {"type": type_, **rest},
    st.sampled_from(TYPES),
    st.dictionaries(
        st.sampled_from(
            [
                "item",
                "part",
                "item_id",
                "output_index",
                "content_index",
                "sequence_number",
                "delta",
                "text",
                "response",
                "arguments",
            ]
        ),
        values,
    ),
)


@pytest.mark.parametrize("case", table("responses"))
def test_output_and_failure_are_read(case: dict[str, Any]) -> None:
    """Items, parts, calls, usage and reasons come out of the events, and what ended them is classified."""
    exchange = exchange_of(case, "responses")
    assert as_data(exchange, case.get("output", {})) == case.get("output", {})
    assert_failure(exchange.error, case.get("failure"))
    if "marks" in case:
        assert [kind for _, kind, _ in exchange.reading.marks] == case["marks"]


@given(st.lists(events, max_size=6), st.sampled_from(["eof", "reset", "stall", "limit"]))
def test_any_events_are_read(some: list[dict[str, Any]], end: str) -> None:
    """Whatever the members of known events hold, reading and judging give something and do not raise."""
    exchange = exchange_of({"events": some, "end": end}, "responses")
    assert isinstance(exchange.output.text, str)
    assert exchange.error is not None or exchange.reading.is_finished
    assert all(finding.message for finding in run_checks(exchange))


@given(values | st.dictionaries(st.sampled_from(["object", "output", "status", "error", "id"]), values))
def test_any_document_is_read(document: Any) -> None:
    """Whatever one JSON value comes as the whole answer, reading and judging give something and do not raise."""
    for streamed in (False, True):
        exchange = exchange_of({"body": document, "stream": streamed}, "responses")
        assert exchange.error is not None or isinstance(document["output"], list)
        assert all(finding.message for finding in run_checks(exchange))


def test_times_come_from_the_deltas() -> None:
    """The first delta sets the time to first token, the terminal event the end."""
    case = next(one.values[0] for one in table("responses") if one.values[0]["name"] == "text")
    timing = exchange_of(case, "responses").timing
    assert (timing.ttft, timing.ttft_text, timing.ttft_tool) == (4.0, 4.0, None)
    assert timing.itl == (1.0,)
    assert timing.e2e == len(case["events"])


def test_the_request_is_what_the_caller_wrote() -> None:
    """The endpoint's fields are laid under the body, and the model is set."""
    spoken = find_dialect("responses")
    assert spoken.build({"input": "Hi"}, "m", {"store": False, "input": "x"}) == {
        "store": False,
        "input": "Hi",
        "model": "m",
    }
    assert (spoken.route, spoken.terminator) == ("/responses", "responses")


def test_no_response_is_a_failure_of_the_network() -> None:
    """Without a response head the transport's failure stands."""
    exchange = exchange_of({"events": []}, "responses")
    exchange.raw.head = None
    assert exchange.error is not None
    assert (exchange.error.kind, exchange.reading.shape) == ("network", "none")
