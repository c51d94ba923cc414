"""The ladder's and the probes' requests, worded in each dialect."""

from typing import Any

import pytest

from byok_bench.checks.probes.bodies import (
    CALL_IDS,
    CLOCK,
    WEATHER,
    build_call_request,
    build_history,
    build_question,
    make_history_call,
    make_named_choice,
    make_tool_result,
)
from byok_bench.checks.probes.body_translation import translate_body
from byok_bench.checks.probes.probe import list_dialect_probes, list_probes

PARIS, OSLO = CALL_IDS
SIGNATURE = WEATHER["function"]


def test_chat_is_left_as_it_is() -> None:
    """Probes are written in the words of chat completions."""
    body = {"messages": "hello", "stream_options": {"include_usage": True}, "response_format": {"type": "x"}}
    assert translate_body(body, "chat") == body


@pytest.mark.parametrize(
    ("choice", "responses", "messages"),
    [
        ("auto", "auto", {"type": "auto"}),
        ("required", "required", {"type": "any"}),
        ("none", "none", {"type": "none"}),
        (
            make_named_choice(CLOCK),
            {"type": "function", "name": "get_local_time"},
            {"type": "tool", "name": "get_local_time"},
        ),
    ],
)
def test_a_tool_choice_has_a_form_of_its_own_in_each_dialect(choice: Any, responses: Any, messages: Any) -> None:
    """`required` is `any` in the Messages API, and a name stands flat in both."""
    body = build_call_request(choice)
    assert translate_body(body, "responses")["tool_choice"] == responses
    assert translate_body(body, "messages")["tool_choice"] == messages


BUDGET = {"low": {"thinking": {"type": "enabled", "budget_tokens": 1024}}}
EFFORTS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "usual in chat": ("chat", {}, {"reasoning_effort": "low", "temperature": 0}),
    "usual in responses": ("responses", {}, {"reasoning": {"effort": "low", "summary": "auto"}}),
    "usual in messages": (
        "messages",
        {},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}, "temperature": None},
    ),
    "a switch of the model's own": (
        "chat",
        {"low": {"enable_thinking": True}},
        {"enable_thinking": True, "reasoning_effort": None},
    ),
    "a budget, and room beside it": ("messages", BUDGET, {**BUDGET["low"], "max_tokens": 1184}),
}


@pytest.mark.parametrize("case", EFFORTS)
def test_an_effort_is_asked_for_as_the_model_takes_it(case: str) -> None:
    """Levels of the model's own come first; thinking in the Messages API takes no temperature of ours."""
    schema, efforts, wanted = EFFORTS[case]
    body = translate_body(build_question("?", reasoning_effort="low"), schema, efforts)
    assert {name: body.get(name) for name in wanted} == wanted


def test_tools_and_limits_have_their_own_names() -> None:
    """Signatures are flat, and the Responses API counts output tokens under another name."""
    body = build_call_request("auto", stream=True)
    responses, messages = translate_body(body, "responses"), translate_body(body, "messages")
    assert responses["tools"] == [{"type": "function", **SIGNATURE}]
    assert (responses["max_output_tokens"], responses["stream"], responses["temperature"]) == (160, True, 0)
    renamed = {"input_schema" if name == "parameters" else name: value for name, value in SIGNATURE.items()}
    assert messages["tools"] == [renamed]
    assert (messages["max_tokens"], messages["stream"], messages["temperature"]) == (160, True, 0)


def test_a_history_becomes_items_of_the_responses_api() -> None:
    """A call and its result are items of their own, linked by call_id; content null says nothing."""
    _, asked, answered = translate_body(
        build_history([make_history_call(PARIS)], [make_tool_result(PARIS)]), "responses"
    )["input"]
    assert asked == {
        "type": "function_call",
        "call_id": PARIS,
        "name": "get_temperature",
        "arguments": '{"city": "Paris"}',
    }
    assert answered == {"type": "function_call_output", "call_id": PARIS, "output": "41.7"}


def test_a_history_becomes_turns_of_the_messages_api() -> None:
    """Calls are blocks with parsed input, and all their results are one turn of the user."""
    body = build_history(
        [make_history_call(PARIS), make_history_call(OSLO, "Oslo")],
        [make_tool_result(OSLO, "-3.2"), make_tool_result(PARIS)],
    )
    question, asked, answered = translate_body(body, "messages")["messages"]
    assert question["role"] == "user"
    assert [(one["type"], one["id"], one["input"]) for one in asked["content"]] == [
        ("tool_use", PARIS, {"city": "Paris"}),
        ("tool_use", OSLO, {"city": "Oslo"}),
    ]
    assert (answered["role"], [one["tool_use_id"] for one in answered["content"]]) == ("user", [OSLO, PARIS])


@pytest.mark.parametrize(("schema", "member"), [("responses", "input"), ("messages", "messages")])
def test_a_mistake_stays_one(schema: str, member: str) -> None:
    """Messages of a wrong type go out as they are, and missing ones stay missing."""
    assert translate_body({"messages": 5}, schema)[member] == 5
    assert member not in translate_body({"max_tokens": 8}, schema)


@pytest.mark.parametrize(("schema", "count"), [("chat", 18), ("responses", 13), ("messages", 14)])
def test_each_dialect_has_its_probes(schema: str, count: int) -> None:
    """Probes of what only chat has are left out elsewhere."""
    chosen = list_dialect_probes(schema)
    assert len(chosen) == count
    assert {one.id for one in list_probes()} - {one.id for one in chosen} <= {
        "structured.unsupported",
        "turn.reasoning-echo",
        "turn.reasoning-foreign",
        "turn.null-content",
        "error.client-5xx",
    }
