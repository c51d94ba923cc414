"""Faults of obedience: what a server does with a request that others would serve, or refuse, as written."""

from typing import Any

from byok_bench.backends.simulator.faults.fault import enter_behaviour, get_ask
from byok_bench.backends.simulator.refusal import make_bad_request
from byok_bench.backends.simulator.visit import Visit

_LONGEST_ID = 40


def ignore_required(visit: Visit) -> None:
    """Answer in prose where a call is required."""
    if get_ask(visit).choice == "required":
        get_ask(visit).choice = "none"


def ignore_name(visit: Visit) -> None:
    """Call another tool than the named one; none if there is no other."""
    ask = get_ask(visit)
    if ask.named_tool:
        others = [tool.name for tool in ask.tools if tool.name != ask.named_tool]
        ask.choice = f":{others[0]}" if others else "none"


def ignore_none(visit: Visit) -> None:
    """Call a tool although none may be called."""
    ask = get_ask(visit)
    if ask.choice == "none" and ask.tools:
        ask.choice = "required"


enter_behaviour("tool.choice-required", "tool_choice required is ignored", "tools", "tool_choice", amid=ignore_required)
enter_behaviour("tool.choice-named", "a named tool_choice is ignored", "tools", "tool_choice", amid=ignore_name)
enter_behaviour("tool.choice-none", "tool_choice none is ignored", "tools", "tool_choice", amid=ignore_none)


def _list_messages(visit: Visit) -> list[dict[str, Any]]:
    found = visit.body.get("messages") if visit.body else None
    return [message for message in found if isinstance(message, dict)] if isinstance(found, list) else []


def _list_calls(message: dict[str, Any]) -> list[dict[str, Any]]:
    found = message.get("tool_calls")
    return [call for call in found if isinstance(call, dict)] if isinstance(found, list) else []


def refuse_other_order(visit: Visit) -> None:
    """Turn down tool results that do not stand in the order of their calls."""
    called: list[Any] = []
    answered: list[Any] = []
    for message in _list_messages(visit):
        called += [call.get("id") for call in _list_calls(message)]
        if message.get("role") == "tool":
            answered.append(message.get("tool_call_id"))
    if [id for id in called if id in answered] != answered:
        raise make_bad_request("Tool results must follow the order of the tool calls.", "messages")


def refuse_missing_content(visit: Visit) -> None:
    """Turn down content "" or no content beside tool calls; null is accepted."""
    for message in _list_messages(visit):
        if _list_calls(message) and not message.get("content", "") and message.get("content", "") is not None:
            raise make_bad_request("Field 'content' must not be empty.", "messages")


def refuse_long_ids(visit: Visit) -> None:
    """Turn down tool call ids above 40 characters."""
    for message in _list_messages(visit):
        for call in _list_calls(message):
            if len(str(call.get("id"))) > _LONGEST_ID:
                raise make_bad_request(f"Invalid 'tool_calls[0].id': longer than {_LONGEST_ID} characters.", "messages")


enter_behaviour(
    "turn.tool-roundtrip",
    "tool results in another order than the calls are refused",
    before=refuse_other_order,
)
enter_behaviour("turn.null-content", 'content "" or absent beside tool calls is refused', before=refuse_missing_content)
enter_behaviour("turn.foreign-tool-id", "tool call ids above 40 characters are refused", before=refuse_long_ids)
