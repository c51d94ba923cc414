"""Judging: records → rows, worked out on paper."""

import pytest
from support.nine import NINE
from support.recorded import START, answer, calls, exchange, raw_exchange, refusal

from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.runs.judging import judge_sample, make_unrecorded_row
from byok_bench.runs.planning.plan import PlanSettings, make_plan
from byok_bench.runs.row import Row, decode_row, encode_row
from byok_bench.runs.storage.ledger import ExchangeState, Status

PLAN = make_plan(
    [Endpoint(label="e", base_url="http://127.0.0.1:1/v1", models=[Model("m")])],
    NINE,
    PlanSettings(repeats=1, warmup=0),
)


def state(scenario: str, turn: int = 1, status: Status = "done", **more: object) -> ExchangeState:
    """The state of a row of a scenario."""
    fields: dict[str, object] = {
        "id": turn, "key": f"k{turn}", "first_key": "k1", "turn": turn, "target": 0, "stage": 0, "scenario": scenario,
        "sample": PLAN.get_scenario(scenario).samples[0].name, "repeat": 1, "status": status, "attempt": 1,
        "owner": None,
        "kind": None, "phase": None, "final": "",
    }  # fmt: skip
    return ExchangeState(**(fields | more))  # type: ignore[arg-type]


def one(scenario: str, played: Exchange) -> Row:
    """The row of a sample of one turn."""
    (row,) = judge_sample(PLAN, [state(scenario)], [played])
    return row


def test_a_row_holds_the_times_of_its_exchange() -> None:
    """Written at 1 ms; first delta 20 ms later, four more 10 ms apart, the end 10 ms after."""
    row = one("plain-answer", answer("a", "b", "c", "d", "e"))
    assert (row.late_ms, row.ttft_ms, row.ttft_text_ms, row.e2e_ms) == (1.0, 20.0, 20.0, 70.0)
    assert row.itl_ms == (10.0, 10.0, 10.0, 10.0)
    assert row.tpot_ms == 40 / 4
    assert (row.tokens, row.tokens_from, row.prompt_tokens, row.deltas) == (5, "usage", 3, 5)
    assert (row.start_ns, row.clock, row.http_status, row.end) == (START, "kernel", 200, "done")
    assert (row.outcome, row.text_chars, row.finish_reason, row.kind) == ("ok", 5, "stop", None)
    assert row.streamed


def test_tokens_that_no_usage_counts_are_counted_and_marked_so() -> None:
    """The deltas stand in for tokens, and the row says it."""
    played = answer("a", "b", "c")
    raw = played.raw
    raw.chunks = [(stamp, data.replace(b'"usage"', b'"unusage"')) for stamp, data in raw.chunks]
    row = one("plain-answer", exchange(raw))
    assert (row.tokens, row.tokens_from, row.tpot_ms) == (3, "deltas", None)


def test_a_refusal_is_a_failed_row_with_the_servers_words() -> None:
    """Kind and message as classified, no times of a stream."""
    row = one("plain-answer", refusal(401, "Incorrect API key", "invalid_api_key"))
    assert (row.status, row.kind, row.outcome, row.message) == (
        "failed",
        "auth",
        "failed",
        "Incorrect API key",
    )
    assert row.ttft_ms is None
    assert row.itl_ms == ()


def test_an_error_inside_a_stream_fails_the_row() -> None:
    """HTTP said 200; the row does not."""
    raw = raw_exchange([(5.0, b'data: {"error": {"message": "overloaded", "code": 503}}\n\n')])
    row = one("plain-answer", exchange(raw))
    assert (row.http_status, row.status, row.kind) == (200, "failed", "overloaded")
    assert "error.in-stream" in [finding.check for finding in row.findings]


def test_calls_are_counted_and_checked() -> None:
    """Two calls, of which one has arguments that fit."""
    row = one("forced-tool", calls(("a", "get_weather", '{"city": "Rome"}'), ("b", "get_weather", '{"town": 1}')))
    assert row.tool_calls == ("get_weather", "get_weather")
    assert row.valid_calls == 1
    assert row.outcome == "unmet"


def test_the_outcome_stands_on_the_last_turn_alone() -> None:
    """A sample is counted once, however many turns it took."""
    rows = judge_sample(
        PLAN,
        [state("tool-round-trip"), state("tool-round-trip", 2)],
        [calls(("a", "get_weather", '{"city": "Tokyo"}')), answer("rain")],
    )
    assert [row.outcome for row in rows] == [None, "ok"]


def test_a_sample_that_waits_for_its_next_turn_has_no_outcome_yet() -> None:
    """An interrupted conversation is neither good nor bad."""
    rows = judge_sample(PLAN, [state("tool-round-trip")], [calls(("a", "get_weather", '{"city": "Tokyo"}'))])
    assert rows[0].outcome is None


@pytest.mark.parametrize(
    ("given", "outcome", "kind"),
    [
        (state("bad-key", status="left_out", final="no key"), "excluded", None),
        (
            state("plain-answer", status="failed", kind="network", phase="connect", final="not tried"),
            "failed",
            "network",
        ),
        (state("plain-answer", status="planned"), None, None),
        (state("plain-answer", status="sent"), None, None),
    ],
)
def test_an_exchange_without_a_record_is_a_row_too(given: ExchangeState, outcome: str | None, kind: str | None) -> None:
    """With what is known of it."""
    row = make_unrecorded_row(PLAN, given)
    assert (row.outcome, row.kind, row.status) == (outcome, kind, given.status)
    assert row.why == ((given.final,) if given.final else ())


def test_a_row_survives_being_stored() -> None:
    """Also with text that UTF-8 has no form for."""
    row = one("plain-answer", refusal(500, "boom \ud800"))
    assert decode_row(encode_row(row)) == row
