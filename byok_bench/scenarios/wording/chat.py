"""Chat Completions: the assistant's message echoed as it was received, text null beside tool calls."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from byok_bench.scenarios.conversation import Step
from byok_bench.scenarios.scenario import Message, Request, Scenario
from byok_bench.scenarios.wording.echoes import read_chat_reasoning
from byok_bench.scenarios.wording.request_members import (
    Body,
    Manner,
    add_effort,
    build_sampling,
    build_tool_members,
    free_choice,
    is_echoing,
    lay_raw_members,
    list_signatures,
)

_PLAIN: Final = (
    "seed", "n", "frequency_penalty", "presence_penalty", "logprobs", "top_logprobs",
)  # fmt: skip
"""Members of a request by the same name, sent where they are given."""


class Chat:
    """The wording for one model."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def build_first(self, scenario: Scenario, messages: Sequence[Message], order: Sequence[str] = ()) -> Body:
        request = scenario.request
        body: Body = {"messages": [msgspec.to_builtins(message) for message in messages]}
        if request.max_completion_tokens is None:
            body["max_tokens"] = request.max_tokens
        else:
            body["max_completion_tokens"] = request.max_completion_tokens
        body |= build_sampling(request)
        body |= {name: value for name in _PLAIN if (value := getattr(request, name)) is not None}
        if request.stream:
            body["stream_options"] = {"include_usage": True}
        if request.stop:
            body["stop"] = list(request.stop)
        if scenario.has_tools:
            body |= _build_tools(scenario, order)
        if (form := _build_answer_form(request)) is not None:
            body["response_format"] = form
        return lay_raw_members(add_effort(body, request, self._manner, "chat"), scenario, "chat")

    def build_next(self, body: Body, step: Step) -> Body:
        functions = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in step.calls
        ]
        echo: Body = {"role": "assistant", "content": step.output.text or None}
        if step.exchange is not None and is_echoing(step.request, self._manner, "chat"):
            echo |= read_chat_reasoning(step.exchange)
        if functions:
            echo["tool_calls"] = functions
        said = [echo] if functions or step.output.text else []
        results = [{"role": "tool", "tool_call_id": id_, "content": text} for id_, text in step.results]
        notes = [{"role": "user", "content": text} for text in step.notes]
        return free_choice(body, "auto") | {"messages": [*body["messages"], *said, *results, *notes]}

    def add_user_turn(self, settings: Body, history: Body, text: str) -> Body:
        return settings | {"messages": [*history["messages"], {"role": "user", "content": text}]}


def _build_tools(scenario: Scenario, order: Sequence[str]) -> Body:
    request = scenario.request
    tools = [{"type": "function", "function": one} for one in list_signatures(scenario, order, "parameters")]
    named = {"type": "function", "function": {"name": request.tool_choice}}
    return build_tool_members(request, tools, named)


def _build_answer_form(request: Request) -> Any:
    if request.answer_format in ("json_object", "text"):
        return {"type": request.answer_format}
    if request.answer_schema is None:
        return None
    schema = {"name": "answer", "strict": request.answer_strict, "schema": request.answer_schema}
    return {"type": "json_schema", "json_schema": schema}
