"""Rules about answers that are no stream: errors, HTTP, lists of models."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.error_cases import FOLDER
from support.typed_cases import exchange_of

from byok_bench.checks.registry import run_checks

CASES = json.loads((FOLDER / "findings.json").read_text("utf-8"))
SCHEMAS = ["chat", "responses", "messages", "models"]


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_an_answer_gets_exactly_its_findings(case: dict[str, Any]) -> None:
    """What an answer breaks is reported once under the most specific id, and nothing else is."""
    exchange = exchange_of(case, case.get("schema", "chat"))
    assert sorted(one.check for one in run_checks(exchange)) == sorted(case["findings"])


@given(
    schema=st.sampled_from(SCHEMAS),
    status=st.sampled_from([200, 204, 301, 400, 404, 429, 500, 503]),
    text=st.text(max_size=60) | st.sampled_from(["{", "[[", '{"error":1}', '{"data":[1]}', "<html", "data: {}\n\n"]),
    media=st.sampled_from(["", "text/html", "application/json", "text/event-stream"]),
    stream=st.booleans(),
    end=st.sampled_from(["eof", "reset", "stall", "limit"]),
)
def test_any_answer_can_be_judged(schema: str, status: int, text: str, media: str, stream: bool, end: str) -> None:
    """No rule raises, whatever came back."""
    case = {"status": status, "text": text, "headers": {"content-type": media}, "stream": stream, "end": end}
    for finding in run_checks(exchange_of(case, schema)):
        assert finding.message


def test_a_redirect_names_where_it_points_without_the_query() -> None:
    """The origin of the Location is shown, what it carries behind a question mark is not."""
    case = {"status": 302, "text": "", "headers": {"location": "https://other.example/v1?token=abc"}}
    (finding,) = run_checks(exchange_of(case, "chat"))
    assert "https://other.example" in finding.message
    assert "abc" not in finding.message
