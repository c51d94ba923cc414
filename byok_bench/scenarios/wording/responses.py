"""The Responses API, without its store: items in, items out; reasoning items go back as they came."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from byok_bench.scenarios.conversation import Step
from byok_bench.scenarios.scenario import Message, Request, Scenario, count_most_answers
from byok_bench.scenarios.wording.echoes import read_output_items
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

_ENCRYPTED: Final = "reasoning.encrypted_content"
"""What has to be asked for, so that reasoning can be sent back to a server that stores nothing."""
_LOGPROBS: Final = "message.output_text.logprobs"


class Responses:
    """The wording for one model."""

    def __init__(self, manner: Manner) -> None:
        self._manner = manner

    def build_first(self, scenario: Scenario, messages: Sequence[Message], order: Sequence[str] = ()) -> Body:
        request = scenario.request
        body: Body = {"input": [msgspec.to_builtins(message) for message in messages], "store": False}
        most = request.max_completion_tokens
        body["max_output_tokens"] = request.max_tokens if most is None else most
        body |= build_sampling(request)
        if include := self._list_included(scenario):
            body["include"] = include
        if request.top_logprobs is not None:
            body["top_logprobs"] = request.top_logprobs
        if scenario.has_tools:
            body |= _build_tools(scenario, order)
        if (form := _build_answer_form(request)) is not None:
            body["text"] = {"format": form}
        return lay_raw_members(add_effort(body, request, self._manner, "responses"), scenario, "responses")

    def _list_included(self, scenario: Scenario) -> list[str]:
        """Reasoning that can go back is asked for only where it is known, or wanted, that it goes back."""
        request, rule = scenario.request, self._manner.echo_rule
        wanted = request.echo_reasoning == "yes" or rule in ("required", "accepted")
        echoes = wanted and is_echoing(request, self._manner, "responses") and count_most_answers(scenario) > 1
        return [*([_ENCRYPTED] if echoes else []), *([_LOGPROBS] if request.logprobs else [])]

    def build_next(self, body: Body, step: Step) -> Body:
        said = self._echo_items(step)
        if said is None:
            said = [{"role": "assistant", "content": step.output.text}] if step.output.text else []
            said += [
                {"type": "function_call", "call_id": call.id, "name": call.name, "arguments": call.arguments}
                for call in step.calls
            ]
        results = [{"type": "function_call_output", "call_id": id_, "output": text} for id_, text in step.results]
        notes = [{"role": "user", "content": text} for text in step.notes]
        return free_choice(body, "auto") | {"input": [*body["input"], *said, *results, *notes]}

    def _echo_items(self, step: Step) -> list[Body] | None:
        """The items as received, where there is reasoning among them that goes back; calls that are not answered, and
        calls without an id of their own, are not as received.
        """
        if step.exchange is None or not is_echoing(step.request, self._manner, "responses"):
            return None
        items = read_output_items(step.exchange)
        called = [item.get("call_id") for item in items if item["type"] == "function_call"]
        if called != [call.id for call in step.calls] or all(item["type"] != "reasoning" for item in items):
            return None
        return items

    def add_user_turn(self, settings: Body, history: Body, text: str) -> Body:
        return settings | {"input": [*history["input"], {"role": "user", "content": text}]}


def _build_tools(scenario: Scenario, order: Sequence[str]) -> Body:
    request = scenario.request
    tools = [{"type": "function"} | one for one in list_signatures(scenario, order, "parameters")]
    return build_tool_members(request, tools, {"type": "function", "name": request.tool_choice})


def _build_answer_form(request: Request) -> Any:
    if request.answer_format in ("json_object", "text"):
        return {"type": request.answer_format}
    if request.answer_schema is None:
        return None
    return {"type": "json_schema", "name": "answer", "strict": request.answer_strict, "schema": request.answer_schema}
