"""What a request asks for in each dialect, what a dialect has no notion of, and reasoning that goes back as it came."""

from typing import Any

import msgspec
import pytest

from byok_bench.backends.simulator.server import Simulator
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.endpoints.send import send
from byok_bench.scenarios.agent import TurnRequest, build_opening, play_sample
from byok_bench.scenarios.phrasing import find_wording_gap
from byok_bench.scenarios.scenario import Request, Scenario, lay_members_over, lay_over
from byok_bench.scenarios.selection import load_library

SCHEMAS = ("chat", "responses", "messages")
PLAIN = load_library()["plain-answer"]
ROUND_TRIP = load_library()["tool-round-trip"]
FORM = {"type": "object", "properties": {}, "additionalProperties": False}
NAMED = {"name": "answer", "strict": True, "schema": FORM}
NONE = "no notion"


def asked(scenario: Scenario, **members: Any) -> Scenario:
    """The scenario with other members of its request."""
    return msgspec.structs.replace(scenario, request=lay_members_over(scenario.request, members))


MEMBERS: dict[str, tuple[dict[str, Any], Any, Any, Any]] = {
    "another most of tokens": (
        {"max_completion_tokens": 9},
        {"max_completion_tokens": 9}, {"max_output_tokens": 9}, {"max_tokens": 9},
    ),
    "a stop": ({"stop": ["END"]}, {"stop": ["END"]}, NONE, {"stop_sequences": ["END"]}),
    "top_p": ({"top_p": 0.5}, {"top_p": 0.5}, {"top_p": 0.5}, {"top_p": 0.5}),
    "a seed": ({"seed": 7}, {"seed": 7}, NONE, NONE),
    "choices": ({"n": 2}, {"n": 2}, NONE, NONE),
    "a penalty": ({"frequency_penalty": 0.5}, {"frequency_penalty": 0.5}, NONE, NONE),
    "another penalty": ({"presence_penalty": 0.5}, {"presence_penalty": 0.5}, NONE, NONE),
    "logprobs": (
        {"logprobs": True, "top_logprobs": 3},
        {"logprobs": True, "top_logprobs": 3},
        {"include": ["message.output_text.logprobs"], "top_logprobs": 3},
        NONE,
    ),
    "JSON of any form": (
        {"answer_format": "json_object"},
        {"response_format": {"type": "json_object"}}, {"text": {"format": {"type": "json_object"}}}, NONE,
    ),
    "a form": (
        {"answer_schema": FORM},
        {"response_format": {"type": "json_schema", "json_schema": NAMED}},
        {"text": {"format": {"type": "json_schema"} | NAMED}},
        {"output_config": {"format": {"type": "json_schema", "schema": FORM}}},
    ),
    "a form that is not strict": (
        {"answer_schema": FORM, "answer_strict": False},
        {"response_format": {"type": "json_schema", "json_schema": NAMED | {"strict": False}}},
        {"text": {"format": {"type": "json_schema"} | NAMED | {"strict": False}}},
        NONE,
    ),
    "an effort": (
        {"reasoning": "low"},
        {"reasoning_effort": "low"},
        {"reasoning": {"effort": "low"}},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}, "temperature": None},
    ),
    "an effort and a form": (
        {"reasoning": "low", "answer_schema": FORM},
        {"reasoning_effort": "low"},
        {"reasoning": {"effort": "low"}},
        {"output_config": {"effort": "low", "format": {"type": "json_schema", "schema": FORM}}},
    ),
    "an effort that nobody has": ({"reasoning": "utmost"}, NONE, NONE, NONE),
}  # fmt: skip
"""Members of a scenario's request, and what stands in the body of each dialect; None: the member is not there."""
WITH_TOOLS: dict[str, tuple[dict[str, Any], Any, Any, Any]] = {
    "one call at a time": (
        {"parallel_tool_calls": False, "tool_choice": None},
        {"parallel_tool_calls": False},
        {"parallel_tool_calls": False},
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    ),
    "several calls, forced": (
        {"parallel_tool_calls": True, "tool_choice": "required"},
        {"parallel_tool_calls": True, "tool_choice": "required"},
        {"parallel_tool_calls": True, "tool_choice": "required"},
        {"tool_choice": {"type": "any", "disable_parallel_tool_use": False}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("name", [*MEMBERS, *WITH_TOOLS])
def test_what_is_asked_for_is_worded_in_the_dialect_or_left_out(name: str, schema: str) -> None:
    """Nothing is dropped without a word: a dialect has a member for it, or the sample is not played in it."""
    members, *worded = (MEMBERS | WITH_TOOLS)[name]
    wanted = dict(zip(SCHEMAS, worded, strict=True))[schema]
    scenario = asked(ROUND_TRIP if name in WITH_TOOLS else PLAIN, **members)
    gap = find_wording_gap(lay_over(scenario, scenario.samples[0]), schema)
    assert bool(gap) is (wanted == NONE)
    if wanted == NONE:
        return
    body = build_opening(scenario, scenario.samples[0], schema)
    assert {member: body.get(member) for member in wanted} == wanted


@pytest.mark.parametrize("schema", SCHEMAS)
def test_strict_tools_say_so_each(schema: str) -> None:
    """The member stands in the signature, wherever that is."""
    scenario = asked(ROUND_TRIP, strict_tools=True)
    (tool,) = build_opening(scenario, scenario.samples[0], schema)["tools"]
    assert tool.get("function", tool)["strict"] is True


def test_a_model_has_efforts_of_its_own() -> None:
    """What its endpoint's record says is sent, and a level that is not in it is a reason to leave the sample out."""
    model = Model("m", effort={"low": {"chat_template_kwargs": {"thinking": False}}})
    scenario = asked(PLAIN, reasoning="low")
    body = build_opening(scenario, scenario.samples[0], "chat", model=model)
    assert body["chat_template_kwargs"] == {"thinking": False}
    assert "reasoning_effort" not in body
    high = asked(PLAIN, reasoning="high")
    assert "reasoning effort 'high'" in find_wording_gap(high, "chat", model)


def test_a_budget_of_thought_leaves_the_answer_its_room() -> None:
    """A server refuses a budget that is not less than the limit of the answer."""
    model = Model("m", effort={"low": {"thinking": {"type": "enabled", "budget_tokens": 1024}}})
    scenario = asked(PLAIN, reasoning="low", max_tokens=64)
    assert build_opening(scenario, scenario.samples[0], "messages", model=model)["max_tokens"] == 1088
    scenario = asked(PLAIN, reasoning="low", max_tokens=2048)
    assert build_opening(scenario, scenario.samples[0], "messages", model=model)["max_tokens"] == 2048


def test_a_scenario_names_the_dialects_that_know_what_it_shows() -> None:
    """It is left out elsewhere."""
    scenario = msgspec.structs.replace(PLAIN, dialects=("chat",))
    assert find_wording_gap(scenario, "chat") == ""
    assert find_wording_gap(scenario, "messages") == "the Messages API has no notion of what it shows"


async def play(schema: str, model: Model, **members: Any) -> list[Exchange]:
    """The tool round trip with a simulator that reasons."""
    scenario = asked(ROUND_TRIP, **members)
    async with Simulator(reasoning=True, ttft_ms=0, gap_ms=0, any_model=True) as server:
        endpoint = Endpoint(label="e", base_url=server.base_url, schema=schema, models=[model])

        async def send_turn(request: TurnRequest) -> Exchange:
            return await send(endpoint, request.body)

        sample = scenario.samples[0]
        body = build_opening(scenario, sample, schema, model=model)
        return await play_sample(scenario, sample, schema, body, send_turn, model)


def find_echo(exchange: Exchange) -> list[Any]:
    """What of the second request is reasoning."""
    body = exchange.request.body
    history = [*body.get("messages", ()), *body.get("input", ())]
    parts = [part for one in history for part in (one["content"] if isinstance(one.get("content"), list) else [one])]
    return [
        part
        for part in [*history, *parts]
        if "reasoning_content" in part or part.get("type") in ("thinking", "reasoning")
    ]


@pytest.mark.parametrize("schema", SCHEMAS)
@pytest.mark.parametrize("stream", [True, False])
async def test_reasoning_goes_back_as_it_came(schema: str, stream: bool) -> None:
    """Text, block with signature, item with id: once, in its place before the call, whatever form the answer had."""
    first, second = await play(schema, Model("m", echo_reasoning="required"), stream=stream)
    assert second.error is None
    echo = find_echo(second)[0]
    text = first.output.reasoning
    match schema:
        case "chat":
            assert echo["reasoning_content"] == text
            assert echo["tool_calls"]
        case "messages":
            assert (echo["thinking"], echo["type"]) == (text, "thinking")
            assert echo["signature"]
            (turn,) = [one for one in second.request.body["messages"] if one["role"] == "assistant"]
            assert [block["type"] for block in turn["content"]] == ["thinking", "tool_use"]
        case "responses":
            assert echo["id"]
            assert echo["content"][0]["text"] == text
            types = [one.get("type") for one in second.request.body["input"]]
            assert types[-3:] == ["reasoning", "function_call", "function_call_output"]
            assert second.request.body["include"] == ["reasoning.encrypted_content"]


ECHOED = {
    ("auto", "unknown"): (False, True, True),
    ("auto", "refused"): (False, False, False),
    ("auto", "accepted"): (True, True, True),
    ("no", "required"): (False, False, False),
    ("yes", "refused"): (True, True, True),
}
"""What the scenario says, what the endpoint's record says, and whether reasoning goes back in each dialect."""


@pytest.mark.parametrize("case", ECHOED)
@pytest.mark.parametrize("schema", SCHEMAS)
async def test_scenario_and_record_say_whether_reasoning_goes_back(case: tuple[str, Any], schema: str) -> None:
    """`yes` and `no` win; `auto` asks the record; where that knows nothing, the dialect's documents count."""
    said, rule = case
    _, second = await play(schema, Model("m", echo_reasoning=rule), echo_reasoning=said)
    assert bool(find_echo(second)) is dict(zip(SCHEMAS, ECHOED[case], strict=True))[schema]


def test_the_request_of_a_scenario_has_no_member_that_is_not_tried() -> None:
    """A new one has to be worded in three dialects."""
    tried = {name for members, *_ in (MEMBERS | WITH_TOOLS).values() for name in members}
    elsewhere = {
        "stream",
        "max_tokens",
        "temperature",
        "strict_tools",
        "cancel_after",
        "echo_reasoning",
        "extra",
        "bare",
    }
    assert tried | elsewhere == set(Request.__struct_fields__)
