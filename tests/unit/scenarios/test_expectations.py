"""Expectations: met or not, and in which words."""

from collections.abc import Sequence

import pytest
from support.recorded import answer, calls, exchange, raw_exchange, refusal

from byok_bench.dialects.exchange import Exchange
from byok_bench.scenarios.agent import replay_sample
from byok_bench.scenarios.environments.cities import find_tools
from byok_bench.scenarios.expectations import judging as e
from byok_bench.scenarios.expectations.calls import WantedCall
from byok_bench.scenarios.expectations.expected import PlayedSample
from byok_bench.scenarios.scenario_file import parse_scenario
from byok_bench.wire.failures import make_failure

TOOLS = find_tools(("get_weather", "get_time"))
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
CALL = calls(("c", "get_weather", '{"city": "Rome"}'))
CASES: list[tuple[e.Expectation, Sequence[Exchange], str | None]] = [
    (e.Answered(), [answer("hi")], None),
    (e.Answered(), [answer(" ", "\n")], "no text"),
    (e.Answered(), [CALL], "no text"),
    (e.TextContains(any_of=("PARIS", "Rome")), [answer("It is ", "Paris.")], None),
    (e.TextContains(any_of=("Rome",)), [answer("Paris")], "none of: Rome"),
    (e.Finished(any_of=("stop",)), [answer("x")], None),
    (e.Finished(any_of=("stop",)), [CALL], "'tool_calls'"),
    (e.ToolCalled(), [CALL], None),
    (e.ToolCalled(any_of=("get_time",)), [CALL], "called get_weather, expected get_time"),
    (e.ToolCalled(), [answer("x")], "no tool was called"),
    (e.ToolCalled(), [calls(("c", "launch", "{}"))], "called launch"),
    (e.ArgumentsHold(text="MÜNCHEN"), [calls(("c", "get_weather", '{"city": "M\\u00fcnchen"}'))], None),
    (e.ArgumentsHold(text='"a"\n'), [calls(("c", "get_weather", '{"city": "say \\"a\\"\\n"}'))], None),
    (e.ArgumentsHold(text="Rome"), [calls(("c", "get_weather", '{"city": "Ro'))], "no call's arguments hold"),
    (e.ArgumentsValid(), [CALL], None),
    (e.ArgumentsValid(), [answer("x")], "no tool was called"),
    (e.ArgumentsValid(), [calls(("c", "get_weather", '{"city": '))], "not JSON"),
    (e.ArgumentsValid(), [calls(("c", "get_weather", '{"town": "Rome"}'))], "does not fit"),
    (e.ArgumentsValid(), [calls(("c", "get_weather", ""))], "required"),
    (e.ArgumentsValid(), [calls(("c", "launch", "{}"))], "no such tool"),
    (e.ArgumentsHold(text="rome"), [CALL], None),
    (e.ArgumentsHold(text="Oslo"), [CALL], "Oslo"),
    (e.JsonMatches(), [answer('{"city": ', '"Rome"}')], None),
    (e.JsonMatches(), [answer('{"city": 3}')], "does not fit"),
    (e.JsonMatches(), [answer("Rome")], "not JSON"),
    (e.Turns(at_least=2), [CALL, answer("x")], None),
    (e.Turns(at_least=2), [answer("x")], "1 turns"),
    (e.OutputDeltas(at_least=3), [answer("a", "b", "c")], None),
    (e.OutputDeltas(at_least=4), [answer("a", "b", "c")], "3 deltas"),
    (e.FailureKind(any_of=("auth",)), [refusal(401, "no", "invalid_api_key")], None),
    (
        e.FailureKind(any_of=("auth",)),
        [refusal(404, "The model x does not exist")],
        "failed as not_found_model",
    ),
    (e.FailureKind(any_of=("auth",)), [answer("hi")], "was served"),
    (e.FailureKind(any_of=("auth",), statuses=(401,)), [refusal(400, "no", "invalid_api_key")], "status 400"),
]


TWO_FILLS = b"""
version = 2
name = "f"
title = "t"
fill = { tokens = 40, facts = [{ at = 0.5, text = "The bird is a heron.", answer = "heron" }] }
[[turns]]
again = true
fill = { tokens = 40, facts = [{ at = 0.5, text = "The beast is an otter.", answer = "otter" }] }
request = { answer_schema = { type = "object", required = ["a"] } }
[[samples]]
name = "s"
messages = [{ role = "user", content = "Which?" }]
expect = [{ what = "facts", name = "first", turn = 0 }, { what = "facts" }, { what = "json_matches" }]
"""


@pytest.mark.parametrize(("expected", "turns", "why"), CASES, ids=lambda value: type(value).__name__)
def test_an_expectation_says_why_it_is_not_met(
    expected: e.Expectation, turns: Sequence[Exchange], why: str | None
) -> None:
    """None where it is met; else a sentence that names what was seen."""
    unmet = expected.find_shortfall(PlayedSample(turns, TOOLS, CITY))
    assert unmet is None if why is None else unmet is not None and why in unmet


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (calls(("d", "get_weather", '{"city":"Rome"}')), None),
        (calls(("c", "get_weather", '{"city": "Roma"}')), "the calls"),
        (calls(("c", "get_time", '{"city": "Rome"}')), "the calls"),
        (calls(("c", "get_weather", '{"city": "Rome"')), "the calls"),
        (answer("Rome"), "the text"),
    ],
)
def test_calls_agree_if_their_arguments_are_the_same_json(other: Exchange, why: str | None) -> None:
    """Neither blanks nor ids tell two answers apart; another value, or what is no JSON, does."""
    seen = PlayedSample([CALL, other], TOOLS, None, parts=[[CALL], [other]])
    unmet = e.AgreesWith(as_turn=0).find_shortfall(seen)
    assert unmet is None if why is None else unmet is not None and why in unmet


def test_a_set_of_calls_fits_in_whatever_order_it_was_wished_for() -> None:
    """The wide pattern leaves the call that only the narrow one fits."""
    made = calls(("a", "get_weather", '{"city": "Rome"}'), ("b", "get_weather", '{"city": "Oslo"}'))
    wide, narrow = (WantedCall(name="get_weather", pattern={"city": city}) for city in ("Rome|Oslo", "Rome"))
    seen = PlayedSample([made], TOOLS, None)
    assert e.CalledExactly(calls=(wide, narrow), in_order=False).find_shortfall(seen) is None
    assert e.CalledExactly(calls=(narrow, narrow), in_order=False).find_shortfall(seen) is not None


def test_a_user_turn_is_held_to_what_it_asked_for_itself() -> None:
    """Its own schema, and the facts of the fill that its own prompt holds."""
    scenario = parse_scenario(TWO_FILLS, "f.toml")
    seen = replay_sample(scenario, scenario.samples[0], [answer("heron"), answer('{"a": 1}')]).look()
    assert e.list_unmet(scenario.samples[0].expect, seen) == [("facts", "0 of 1 facts named; not: otter")]


def unreached(kind: str, phase: str) -> Exchange:
    """An exchange that never got to the server."""
    raw = raw_exchange([], failure=make_failure(kind, phase, "no route"))
    raw.head = None
    return exchange(raw)


@pytest.mark.parametrize(
    ("expect", "turns", "outcome"),
    [
        ((e.Answered(),), [answer("x")], "ok"),
        ((e.Answered(), e.Finished(any_of=("length",))), [answer("x")], "unmet"),
        ((e.Answered(),), [refusal(500, "boom")], "failed"),
        ((e.FailureKind(any_of=("auth",)),), [refusal(401, "no", "invalid_api_key")], "ok"),
        ((e.FailureKind(any_of=("auth",)),), [answer("x")], "unmet"),
        ((e.FailureKind(any_of=("network",)),), [unreached("network", "connect")], "failed"),
        ((e.FailureKind(any_of=("auth",)),), [unreached("auth", "config")], "failed"),
    ],
)
def test_a_sample_is_ok_unmet_or_failed(
    expect: tuple[e.Expectation, ...], turns: Sequence[Exchange], outcome: str
) -> None:
    """A failure that nobody wanted fails a sample; what never reached the server shows nothing about its refusals."""
    judged = e.judge_expectations(expect, PlayedSample(turns, TOOLS, None))
    assert judged.outcome == outcome
    assert bool(judged.why) == (outcome != "ok")
