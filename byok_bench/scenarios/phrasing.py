"""How a scenario is worded in each dialect: the first request body, and the body after tools have answered.

The assistant message is echoed as it was received: text null beside tool calls, arguments as one string encoded
once, one tool result for each id. Reasoning is not echoed: some servers demand it, others refuse it, and which of
the two holds is a probe's question. Model names and an endpoint's extra fields are added when the body is sent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import msgspec

from byok_bench.errors import PlanError
from byok_bench.scenarios.conversation import Step
from byok_bench.scenarios.scenario import Message, Request, Scenario
from byok_bench.scenarios.toolbox import open_toolbox
from byok_bench.scenarios.tools import Tool

Body = dict[str, Any]


class Phrasing(Protocol):
    """The wording of one dialect."""

    def build_first(self, scenario: Scenario, messages: Sequence[Message], order: Sequence[str] = ()) -> Body:
        """Body of the first request, without the model; `order`: the tools to offer, if not as they stand."""

    def build_next(self, body: Body, step: Step) -> Body:
        """Body with the answer, its results and late results added; what the user says next is not yet in it."""

    def add_user_turn(self, settings: Body, history: Body, text: str) -> Body:
        """Body of a user turn: the conversation of `history`, then `text`; all else as in `settings`."""


def find_phrasing(schema: str) -> Phrasing:
    """The wording of a dialect; PlanError for an unknown one."""
    if schema not in _BY_SCHEMA:
        raise PlanError(f"no dialect named {schema!r}; there are {', '.join(_BY_SCHEMA)}", code="bad_schema")
    return _BY_SCHEMA[schema]


class _Chat:
    def build_first(self, scenario: Scenario, messages: Sequence[Message], order: Sequence[str] = ()) -> Body:
        request = scenario.request
        body: Body = {"messages": [msgspec.to_builtins(message) for message in messages]}
        body |= _build_common(request, "max_tokens")
        if request.stream:
            body["stream_options"] = {"include_usage": True}
        if request.seed is not None:
            body["seed"] = request.seed
        if scenario.has_tools:
            body["tools"] = [
                {"type": "function", "function": _build_signature(tool, "parameters")}
                for tool in _list_offered_tools(scenario, order)
            ]
            if request.tool_choice:
                named = {"type": "function", "function": {"name": request.tool_choice}}
                body["tool_choice"] = _build_choice(request.tool_choice, named)
        if request.answer_schema is not None:
            schema = {"name": "answer", "strict": True, "schema": request.answer_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        return _lay_raw_members(body, scenario, "chat")

    def build_next(self, body: Body, step: Step) -> Body:
        functions = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in step.calls
        ]
        echo: Body = {"role": "assistant", "content": step.output.text or None}
        if functions:
            echo["tool_calls"] = functions
        said = [echo] if functions or step.output.text else []
        results = [{"role": "tool", "tool_call_id": id_, "content": text} for id_, text in step.results]
        notes = [{"role": "user", "content": text} for text in step.notes]
        return _free_choice(body, "auto") | {"messages": [*body["messages"], *said, *results, *notes]}

    def add_user_turn(self, settings: Body, history: Body, text: str) -> Body:
        return settings | {"messages": [*history["messages"], {"role": "user", "content": text}]}


class _Responses:
    def build_first(self, scenario: Scenario, messages: Sequence[Message], order: Sequence[str] = ()) -> Body:
        request = scenario.request
        body: Body = {"input": [msgspec.to_builtins(message) for message in messages], "store": False}
        body |= _build_common(request, "max_output_tokens")
        if scenario.has_tools:
            body["tools"] = [
                {"type": "function"} | _build_signature(tool, "parameters")
                for tool in _list_offered_tools(scenario, order)
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
        return _lay_raw_members(body, scenario, "responses")

    def build_next(self, body: Body, step: Step) -> Body:
        said = [{"role": "assistant", "content": step.output.text}] if step.output.text else []
        asked = [
            {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
            for call in step.calls
        ]
        results = [{"type": "function_call_output", "call_id": id_, "output": text} for id_, text in step.results]
        notes = [{"role": "user", "content": text} for text in step.notes]
        return _free_choice(body, "auto") | {"input": [*body["input"], *said, *asked, *results, *notes]}

    def add_user_turn(self, settings: Body, history: Body, text: str) -> Body:
        return settings | {"input": [*history["input"], {"role": "user", "content": text}]}


class _Messages:
    def build_first(self, scenario: Scenario, messages: Sequence[Message], order: Sequence[str] = ()) -> Body:
        request = scenario.request
        body: Body = {"messages": [msgspec.to_builtins(m) for m in messages if m.role != "system"]}
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        if system:
            body["system"] = system
        body |= _build_common(request, "max_tokens")
        if scenario.has_tools:
            body["tools"] = [_build_signature(tool, "input_schema") for tool in _list_offered_tools(scenario, order)]
            if request.tool_choice:
                modes = {"auto": "auto", "required": "any", "none": "none"}
                mode = modes.get(request.tool_choice)
                body["tool_choice"] = {"type": mode} if mode else {"type": "tool", "name": request.tool_choice}
        if request.answer_schema is not None:
            body["output_config"] = {"format": {"type": "json_schema", "schema": request.answer_schema}}
        return _lay_raw_members(body, scenario, "messages")

    def build_next(self, body: Body, step: Step) -> Body:
        said = [{"type": "text", "text": step.output.text}] if step.output.text else []
        asked = [
            {"type": "tool_use", "id": call.id, "name": call.name, "input": _parse_arguments(call.arguments)}
            for call in step.calls
        ]
        results = [{"type": "tool_result", "tool_use_id": id_, "content": text} for id_, text in step.results]
        notes = [{"type": "text", "text": text} for text in step.notes]
        turn = [{"role": "assistant", "content": [*said, *asked]}] if said or asked else []
        turn += [{"role": "user", "content": [*results, *notes]}] if results or notes else []
        return _free_choice(body, {"type": "auto"}) | {"messages": [*body["messages"], *turn]}

    def add_user_turn(self, settings: Body, history: Body, text: str) -> Body:
        *before, last = history["messages"]
        if last["role"] == "user" and isinstance(last["content"], list):
            # Results and words of one user go in one message: roles take turns here.
            grown = last | {"content": [*last["content"], {"type": "text", "text": text}]}
            return settings | {"messages": [*before, grown]}
        return settings | {"messages": [*before, last, {"role": "user", "content": text}]}


_BY_SCHEMA: Mapping[str, Phrasing] = {"chat": _Chat(), "responses": _Responses(), "messages": _Messages()}


def _build_common(request: Request, tokens_field: str) -> Body:
    body: Body = {tokens_field: request.max_tokens, "stream": request.stream}
    if request.temperature is not None:
        body["temperature"] = request.temperature
    return body


def _lay_raw_members(body: Body, scenario: Scenario, schema: str) -> Body:
    """The body with the members that a scenario gives as they stand; what spoils it wins."""
    spoiled = scenario.spoil.members if scenario.spoil is not None else {}
    for members in (scenario.request.extra, spoiled):
        body = body | members.get("all", {}) | members.get(schema, {})
    return body


def _list_offered_tools(scenario: Scenario, order: Sequence[str]) -> list[Tool]:
    offered = open_toolbox(scenario).tools
    return [offered[name] for name in order or offered]


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
