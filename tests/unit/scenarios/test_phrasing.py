"""The wording of a scenario in each dialect."""

import pytest

from byok_bench.dialects.output import Output, ToolCall
from byok_bench.errors import PlanError
from byok_bench.scenarios.agent import build_opening
from byok_bench.scenarios.conversation import Step
from byok_bench.scenarios.phrasing import find_phrasing
from byok_bench.scenarios.selection import load_library

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "description": "Name of the city"}},
    "required": ["city"],
    "additionalProperties": False,
}
ABOUT = "Get the current weather of a city"
FIRST = {
    "chat": {
        "messages": [{"role": "user", "content": "What is the weather in Tokyo?"}],
        "max_tokens": 96,
        "stream": True,
        "temperature": 0.0,
        "stream_options": {"include_usage": True},
        "tools": [
            {
                "type": "function",
                "function": {"name": "get_weather", "description": ABOUT, "parameters": CITY},
            }
        ],
        "tool_choice": "required",
    },
    "responses": {
        "input": [{"role": "user", "content": "What is the weather in Tokyo?"}],
        "store": False,
        "max_output_tokens": 96,
        "stream": True,
        "temperature": 0.0,
        "tools": [{"type": "function", "name": "get_weather", "description": ABOUT, "parameters": CITY}],
        "tool_choice": "required",
    },
    "messages": {
        "messages": [{"role": "user", "content": "What is the weather in Tokyo?"}],
        "max_tokens": 96,
        "stream": True,
        "temperature": 0.0,
        "tools": [{"name": "get_weather", "description": ABOUT, "input_schema": CITY}],
        "tool_choice": {"type": "any"},
    },
}
CALL = ToolCall(id="call_1", name="get_weather", arguments='{"city": "Tokyo"}')
SECOND = {
    "chat": [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [
                {
                    "id": "call_1",
                    "type": "function",
                    "function": {"name": "get_weather", "arguments": '{"city": "Tokyo"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "rain"},
    ],
    "responses": [
        {
            "type": "function_call",
            "call_id": "call_1",
            "name": "get_weather",
            "arguments": '{"city": "Tokyo"}',
        },
        {"type": "function_call_output", "call_id": "call_1", "output": "rain"},
    ],
    "messages": [
        {
            "role": "assistant",
            "content": [{"type": "tool_use", "id": "call_1", "name": "get_weather", "input": {"city": "Tokyo"}}],
        },
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "rain"}]},
    ],
}
SCHEMAS = ("chat", "responses", "messages")


def make_step(said: Output, call: ToolCall) -> Step:
    """The step after an answer with one call."""
    return Step(turn=0, output=said, calls=(call,), results=((str(call.id), "rain"),))


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_first_request_is_worded_as_the_dialect_wants(schema: str) -> None:
    """Tools, limits and choice stand where the dialect looks for them."""
    scenario = load_library()["tool-round-trip"]
    assert build_opening(scenario, scenario.samples[0], schema) == FIRST[schema]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_second_request_echoes_the_call_and_carries_its_result(schema: str) -> None:
    """The assistant's turn goes back as received, arguments encoded once, one result for the id."""
    body = find_phrasing(schema).build_next(FIRST[schema], make_step(Output(), CALL))
    history = body["input" if schema == "responses" else "messages"]
    assert history[1:] == SECOND[schema]
    assert body["tool_choice"] == ({"type": "auto"} if schema == "messages" else "auto")


@pytest.mark.parametrize("schema", SCHEMAS)
def test_text_beside_a_call_is_echoed_too(schema: str) -> None:
    """What the model said before it called is part of its turn."""
    said = Output(text="Let me look.", tool_calls=(CALL,))
    body = find_phrasing(schema).build_next(FIRST[schema], make_step(said, CALL))
    assert "Let me look." in str(body)


def test_broken_arguments_are_echoed_as_they_were() -> None:
    """Nothing is repaired on the way back; the dialect that wants an object gets an empty one."""
    broken = ToolCall(id="c", name="get_weather", arguments='{"city": ')
    chat = find_phrasing("chat").build_next(FIRST["chat"], make_step(Output(), broken))
    messages = find_phrasing("messages").build_next(FIRST["messages"], make_step(Output(), broken))
    assert chat["messages"][1]["tool_calls"][0]["function"]["arguments"] == '{"city": '
    assert messages["messages"][1]["content"][0]["input"] == {}


def test_a_system_message_stands_where_each_dialect_has_it() -> None:
    """Messages keeps it beside the conversation, the others in it."""
    scenario = load_library()["plain-answer"]
    bodies = {schema: build_opening(scenario, scenario.samples[0], schema) for schema in SCHEMAS}
    assert bodies["messages"]["system"] == "You answer in one short sentence."
    assert [m["role"] for m in bodies["messages"]["messages"]] == ["user"]
    assert bodies["chat"]["messages"][0]["role"] == bodies["responses"]["input"][0]["role"] == "system"


def test_a_demanded_schema_is_named_in_every_dialect() -> None:
    """Structured output is asked for in each dialect's own words."""
    scenario = load_library()["structured-output"]
    chat, responses, messages = (
        build_opening(scenario, scenario.samples[0], schema) for schema in ("chat", "responses", "messages")
    )
    assert messages["output_config"]["format"]["schema"] == scenario.request.answer_schema
    assert chat["response_format"]["json_schema"]["schema"] == scenario.request.answer_schema
    assert responses["text"]["format"]["schema"] == scenario.request.answer_schema


def test_the_over_long_prompt_follows_the_declared_window() -> None:
    """It is longer than the window by a quarter, and never longer than needed."""
    scenario = load_library()["over-long-context"]
    words = [
        build_opening(scenario, scenario.samples[0], "chat", window)["messages"][0]["content"].count(" apple")
        for window in (1000, None)
    ]
    assert words[0] == 1251  # one stands in the question
    assert words[1] > 30_000


def test_an_unknown_dialect_is_refused_by_name() -> None:
    """A typo in a schema is told, not guessed."""
    with pytest.raises(PlanError, match="chta"):
        find_phrasing("chta")
