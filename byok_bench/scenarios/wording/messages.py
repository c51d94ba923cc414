"""The Messages API: roles take turns, calls and results are blocks, thinking goes back with its signature."""

from collections.abc import Sequence
from typing import Any

import msgspec

from byok_bench.dialects.output import ToolCall
from byok_bench.endpoints.efforts import lay_deep
from byok_bench.scenarios.conversation import Step
from byok_bench.scenarios.scenario import Message, Request, Scenario
from byok_bench.scenarios.wording.echoes import read_message_blocks
from byok_bench.scenarios.wording.request_members import (
    Body,
    Manner,
    add_effort,
    build_sampling,
    free_choice,
    is_echoing,
    lay_raw_members,
    list_signatures,
)

_MODES = {"auto": "auto", "required": "any", "none": "none"}


class Messages:
    """The wording for one model."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def build_first(self, scenario: Scenario, messages: Sequence[Message], order: Sequence[str] = ()) -> Body:
        request = scenario.request
        body: Body = {"messages": [msgspec.to_builtins(m) for m in messages if m.role != "system"]}
        system = "\n\n".join(message.content for message in messages if message.role == "system")
        if system:
            body["system"] = system
        most = request.max_completion_tokens
        body["max_tokens"] = request.max_tokens if most is None else most
        # A model that thinks takes no other temperature than 1.
        body |= build_sampling(request, temperature=request.reasoning in (None, "none"))
        if request.stop:
            body["stop_sequences"] = list(request.stop)
        if scenario.has_tools:
            body["tools"] = list_signatures(scenario, order, "input_schema")
            if choice := _build_choice(request):
                body["tool_choice"] = choice
        body = add_effort(body, request, self._manner, "messages")
        if request.answer_schema is not None and request.answer_format in (None, "json_schema"):
            form = {"type": "json_schema", "schema": request.answer_schema}
            body = lay_deep(body, {"output_config": {"format": form}})
        return lay_raw_members(body, scenario, "messages")

    def build_next(self, body: Body, step: Step) -> Body:
        said = self._echo_blocks(step)
        if said is None:
            said = [{"type": "text", "text": step.output.text}] if step.output.text else []
            said += [_build_call(call) for call in step.calls]
        results = [{"type": "tool_result", "tool_use_id": id_, "content": text} for id_, text in step.results]
        notes = [{"type": "text", "text": text} for text in step.notes]
        turn = [{"role": "assistant", "content": said}] if said else []
        turn += [{"role": "user", "content": [*results, *notes]}] if results or notes else []
        return _free_choice(body) | {"messages": [*body["messages"], *turn]}

    def _echo_blocks(self, step: Step) -> list[Body] | None:
        """The blocks in the order they came, where thinking that goes back is among them."""
        if step.exchange is None or not is_echoing(step.request, self._manner, "messages"):
            return None
        blocks = read_message_blocks(step.exchange)
        if all(block.get("type") not in ("thinking", "redacted_thinking") for block in blocks):
            return None
        calls, said = iter(step.calls), []
        for block in blocks:
            if block.get("type") == "tool_use":
                said += [_build_call(call) for call in [next(calls, None)] if call is not None]
            elif block.get("type") != "text":
                said.append({name: value for name, value in block.items() if value is not None})
            elif text := block.get("text"):
                said.append({"type": "text", "text": text})
        return said

    def add_user_turn(self, settings: Body, history: Body, text: str) -> Body:
        *before, last = history["messages"]
        if last["role"] == "user" and isinstance(last["content"], list):
            # Results and words of one user go in one message: roles take turns here.
            grown = last | {"content": [*last["content"], {"type": "text", "text": text}]}
            return settings | {"messages": [*before, grown]}
        return settings | {"messages": [*before, last, {"role": "user", "content": text}]}


def _build_choice(request: Request) -> Body:
    choice: Body = {}
    if request.tool_choice:
        mode = _MODES.get(request.tool_choice)
        choice = {"type": mode} if mode else {"type": "tool", "name": request.tool_choice}
    if request.parallel_tool_calls is not None and choice.get("type") != "none":
        choice = {"type": "auto"} | choice | {"disable_parallel_tool_use": not request.parallel_tool_calls}
    return choice


def _free_choice(body: Body) -> Body:
    """A forced choice lifted; whether calls may be parallel stays as it was said."""
    before = body.get("tool_choice", {})
    kept = {name: before[name] for name in ("disable_parallel_tool_use",) if name in before}
    return free_choice(body, {"type": "auto"} | kept)


def _build_call(call: ToolCall) -> Body:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": _parse_arguments(call.arguments)}


def _parse_arguments(arguments: str) -> Any:
    """Arguments as the object that this dialect wants; `{}` where they are not one."""
    try:
        value = msgspec.json.decode(arguments.encode("utf-8", "replace") or b"{}")
    except (msgspec.DecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
