"""What the wordings of all dialects share: how a model is asked, tools as signatures, members laid over each other."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from byok_bench.endpoints.efforts import Efforts, find_effort_members, lay_effort
from byok_bench.endpoints.model import EchoRule, Model
from byok_bench.scenarios.scenario import Request, Scenario
from byok_bench.scenarios.toolbox import open_toolbox
from byok_bench.scenarios.tools import Tool

Body = dict[str, Any]
_ECHOED: Final = {"chat": False, "responses": True, "messages": True}
"""Whether reasoning is sent back in a dialect where nothing is known of the endpoint."""


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How one model is asked, beside its dialect."""

    efforts: Efforts = {}
    """Its levels of reasoning effort; empty: the dialect's usual ones."""
    echo_rule: EchoRule = "unknown"
    """What its endpoint's record says of reasoning that is sent back."""


def make_manner(model: Model | None) -> Manner:
    """The manner of a model as it is configured."""
    return Manner() if model is None else Manner(efforts=model.effort, echo_rule=model.echo_reasoning)


def is_echoing(request: Request, manner: Manner, schema: str) -> bool:
    """Whether reasoning goes back with the assistant's turn.

    Where nothing is known it does in Messages and Responses, whose documents ask for it, and not in chat, where some
    servers refuse it.
    """
    if request.echo_reasoning != "auto":
        return request.echo_reasoning == "yes"
    return _ECHOED[schema] if manner.echo_rule == "unknown" else manner.echo_rule in ("required", "accepted")


def has_unusual_echo(request: Request, schema: str, model: Model | None) -> bool:
    """Whether reasoning is sent back where it usually is not, or the other way round."""
    return is_echoing(request, make_manner(model), schema) is not _ECHOED[schema]


def build_sampling(request: Request, *, temperature: bool = True) -> Body:
    """Members that every dialect has by one name; `temperature`: False where it may not be sent."""
    body: Body = {"stream": request.stream}
    if request.temperature is not None and temperature:
        body["temperature"] = request.temperature
    if request.top_p is not None:
        body["top_p"] = request.top_p
    return body


def add_effort(body: Body, request: Request, manner: Manner, schema: str) -> Body:
    """The body with the members that ask for the wanted effort; a level that there is none of adds nothing."""
    members = find_effort_members(manner.efforts, schema, request.reasoning) if request.reasoning else None
    return lay_effort(body, members or {})


def lay_raw_members(body: Body, scenario: Scenario, schema: str) -> Body:
    """The body with the members that a scenario gives as they stand; what spoils it wins."""
    spoiled = scenario.spoil.members if scenario.spoil is not None else {}
    body = {} if scenario.request.bare else body
    for members in (scenario.request.extra, spoiled):
        body = body | members.get("all", {}) | members.get(schema, {})
    return body


def list_signatures(scenario: Scenario, order: Sequence[str], schema_field: str) -> list[Body]:
    """The offered tools as a dialect takes them, in this order if there is one."""
    offered = open_toolbox(scenario).tools
    strict = scenario.request.strict_tools
    return [_build_signature(offered[name], schema_field, strict) for name in order or offered]


def _build_signature(tool: Tool, schema_field: str, strict: bool | None) -> Body:
    signature: Body = {"name": tool.name, "description": tool.description, schema_field: tool.parameters}
    return signature if strict is None else signature | {"strict": strict}


def build_choice(choice: str, named: Body) -> Any:
    """A mode, or the form that names a tool."""
    return choice if choice in ("auto", "required", "none") else named


def free_choice(body: Body, auto: Any) -> Body:
    """The body with a forced choice lifted: a model that must call a tool can never answer."""
    return body | {"tool_choice": auto} if "tool_choice" in body else dict(body)


def build_tool_members(request: Request, tools: list[Body], named: Body) -> Body:
    """Tools, the choice among them and whether several may be called; `named` asks for the one that is chosen."""
    body: Body = {"tools": tools}
    if request.tool_choice:
        body["tool_choice"] = build_choice(request.tool_choice, named)
    if request.parallel_tool_calls is not None:
        body["parallel_tool_calls"] = request.parallel_tool_calls
    return body
