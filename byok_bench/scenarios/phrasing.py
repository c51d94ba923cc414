"""How a scenario is worded in each dialect: the first request body, and the body after tools have answered.

The assistant message is echoed as it was received: text null beside tool calls, arguments as one string encoded
once, one tool result for each id. Reasoning is not echoed: some servers demand it, others refuse it, and which of
the two holds is a probe's question. Model names and an endpoint's extra fields are added when the body is sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from byok_bench.dialects.output import Output, ToolCall
from byok_bench.errors import PlanError
from byok_bench.scenarios.scenario import Message, Request, Scenario
from byok_bench.scenarios.tools import Tool, find_tools

Body = dict[str, Any]
Answers = Sequence[tuple[str, str]]
"""(tool call id, text of the tool's result), one for each id."""


class Phrasing(Protocol):
    """The wording of one dialect."""

    def build_first(self, scenario: Scenario, messages: Sequence[Message]) -> Body:
        """Body of the first request, without the model."""

    def build_next(self, body: Body, output: Output, calls: Sequence[ToolCall], answers: Answers) -> Body:
        """Body of the next request. `calls` are the output's calls, each with an id."""


def find_phrasing(schema: str) -> Phrasing:
    """The wording of a dialect; PlanError for an unknown one."""
    if schema not in _BY_SCHEMA:
        raise PlanError(f"no dialect named {schema!r}; there are {', '.join(_BY_SCHEMA)}", code="bad_schema")
    return _BY_SCHEMA[schema]


class _Chat:
    def build_first(self, scenario: Scenario, messages: Sequence[Message]) -> Body:
        request = scenario.request
        body: Body = {"messages": [msgspec.to_builtins(message) for message in messages]}
        body |= _build_common(request, "max_tokens")
        if request.stream:
            body["stream_options"] = {"include_usage": True}
        if request.seed is not None:
            body["seed"] = request.seed
        if scenario.tools:
            body["tools"] = [
                {"type": "function", "function": _build_signature(tool, "parameters")}
                for tool in _list_offered_tools(scenario)
            ]
            if request.tool_choice:
                named = {"type": "function", "function": {"name": request.tool_choice}}
                body["tool_choice"] = _build_choice(request.tool_choice, named)
        if request.answer_schema is not None:
            schema = {"name": "answer", "strict": True, "schema": request.answer_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return body

    def build_next(self, body: Body, output: Output, calls: Sequence[ToolCall], answers: Answers) -> Body:
        functions = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in calls
        ]
        echo = {"role": "assistant", "content": output.text or None, "tool_calls": functions}
        results = [{"role": "tool", "tool_call_id": id_, "content": text} for id_, text in answers]
        return _free_choice(body, "auto") | {"messages": [*body["messages"], echo, *results]}


class _Responses:
    def build_first(self, scenario: Scenario, messages: Sequence[Message]) -> Body:
        request = scenario.request
        body: Body = {"input": [msgspec.to_builtins(message) for message in messages], "store": False}
        body |= _build_common(request, "max_output_tokens")
        if scenario.tools:
            body["tools"] = [
                {"type": "function"} | _build_signature(tool, "parameters") for tool in _list_offered_tools(scenario)
            ]
            if request.tool_choice:
                named = {"type": "function", "name": request.tool_choice}
                body["tool_choice"] = _build_choice(request.tool_choice, named)
        if request.answer_schema is not None:
            schema = {
                "type": "json_schema",
                "name": "answer",
                "strict": True,
                "schema": request.answer_schema,
            }
            body["text"] = {"format": schema}
        return body

    def build_next(self, body: Body, output: Output, calls: Sequence[ToolCall], answers: Answers) -> Body:
        said = [{"role": "assistant", "content": output.text}] if output.text else []
        asked = [
            {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
            for call in calls
        ]
        results = [{"type": "function_call_output", "call_id": id_, "output": text} for id_, text in answers]
        return _free_choice(body, "auto") | {"input": [*body["input"], *said, *asked, *results]}


class _Messages:
    def build_first(self, scenario: Scenario, messages: Sequence[Message]) -> Body:
        request = scenario.request
        body: Body = {"messages": [msgspec.to_builtins(m) for m in messages if m.role != "system"]}
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        if system:
            body["system"] = system
        body |= _build_common(request, "max_tokens")
        if scenario.tools:
            body["tools"] = [_build_signature(tool, "input_schema") for tool in _list_offered_tools(scenario)]
            if request.tool_choice:
                modes = {"auto": "auto", "required": "any", "none": "none"}
                mode = modes.get(request.tool_choice)
                body["tool_choice"] = {"type": mode} if mode else {"type": "tool", "name": request.tool_choice}
        if request.answer_schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": request.answer_schema}}
        return body

    def build_next(self, body: Body, output: Output, calls: Sequence[ToolCall], answers: Answers) -> Body:
        said = [{"type": "text", "text": output.text}] if output.text else []
        asked = [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": _parse_arguments(call.arguments)}
            for call in calls
        ]
        results = [{"type": "tool_result", "tool_use_id": id_, "content": text} for id_, text in answers]
        turn = [{"role": "assistant", "content": [*said, *asked]}, {"role": "user", "content": results}]
        return _free_choice(body, {"type": "auto"}) | {"messages": [*body["messages"], *turn]}


_BY_SCHEMA: Mapping[str, Phrasing] = {"chat": _Chat(), "responses": _Responses(), "messages": _Messages()}


def _build_common(request: Request, tokens_field: str) -> Body:
    body: Body = {tokens_field: request.max_tokens, "stream": request.stream}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    return body


def _list_offered_tools(scenario: Scenario) -> list[Tool]:
    return list(find_tools(scenario.tools).values())


def _build_signature(tool: Tool, schema_field: str) -> Body:
    return {"name": tool.name, "description": tool.description, schema_field: tool.parameters}


def _build_choice(choice: str, named: Body) -> Any:
    return choice if choice in ("auto", "required", "none") else named


def _free_choice(body: Body, auto: Any) -> Body:
    """The body with a forced choice lifted: a model that must call a tool can never answer."""
    return body | {"tool_choice": auto} if "tool_choice" in body else dict(body)


def _parse_arguments(arguments: str) -> Any:
    """Arguments as the object that this dialect wants; `{}` where they are not one."""
    try:
        value = msgspec.json.decode(arguments.encode("utf-8", "replace") or b"{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
