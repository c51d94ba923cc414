"""Faults of the objects of Responses and Messages: labels, status, counts, members, blocks; streamed and whole."""

from typing import Any

from byok_bench.backends.simulator.faults.fault import fault
from byok_bench.backends.simulator.faults.reply_parts import get_events
from byok_bench.backends.simulator.visit import Visit

_Object = dict[str, Any]


def _list_responses(visit: Visit) -> list[_Object]:
    """Every response object of the answer: the document, or those of the events."""
    if visit.reply.events is None:
        return [visit.reply.document]
    return [event.data["response"] for event in get_events(visit) if "response" in event.data]


def _copy_last_response(visit: Visit) -> _Object:
    """The response object that ends the answer, changed apart from the others."""
    found: _Object = visit.reply.document
    if visit.reply.events is not None:
        last = [event for event in get_events(visit) if "response" in event.data][-1]
        found = last.data["response"] = dict(last.data["response"])
    return found


def _list_messages(visit: Visit) -> list[_Object]:
    """The message object of the answer: the document, or that of message_start."""
    if visit.reply.events is None:
        return [visit.reply.document]
    return [event.data["message"] for event in get_events(visit) if event.data["type"] == "message_start"]


@fault("responses.object", "the response object has no label", route="responses")
def response_label(visit: Visit) -> None:
    for response in _list_responses(visit):
        response.pop("object", None)


@fault("responses.status", "the response is incomplete without a reason", route="responses")
def status(visit: Visit) -> None:
    _copy_last_response(visit).update(status="incomplete", incomplete_details=None)


@fault("responses.item-shape", "an item without a type stands in the output", route="responses")
def item_shape(visit: Visit) -> None:
    over = _copy_last_response(visit)
    over["output"] = [*over["output"], {"id": "item_without_type"}]


@fault("responses.usage", "the usage of a response has no total", route="responses")
def response_usage(visit: Visit) -> None:
    over = _copy_last_response(visit)
    over["usage"] = {name: count for name, count in over["usage"].items() if name != "total_tokens"}


@fault("responses.required", "tools and tool_choice are left out", route="responses")
def required(visit: Visit) -> None:
    for response in _list_responses(visit):
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            response.pop(name, None)


@fault("responses.id-stable", "the last event names another response", "stream", route="responses")
def id_stable(visit: Visit) -> None:
    over = _copy_last_response(visit)
    over["id"] = f"{over['id']}-other"


@fault("messages.object", "the message is the user's", route="messages")
def message_label(visit: Visit) -> None:
    for message in _list_messages(visit):
        message["role"] = "user"


@fault("messages.content", "blocks lack a member that their type has", route="messages")
def content(visit: Visit) -> None:
    if visit.reply.events is None:
        visit.reply.document["content"].append({"type": "text"})
        return
    for event in get_events(visit):
        for name in ("text", "thinking", "input"):
            event.data.get("content_block", {}).pop(name, None)


@fault("messages.event-match", "events have no names", "stream", route="messages")
def message_names(visit: Visit) -> None:
    for event in get_events(visit):
        event.name = None


@fault("messages.stop-reason", "the message stops for a reason of chat", route="messages")
def stop_reason(visit: Visit) -> None:
    for message in _list_messages(visit):
        if message["stop_reason"] is not None:
            message["stop_reason"] = "stop"
    for event in visit.reply.events or []:
        if event.data["type"] == "message_delta":
            event.data["delta"]["stop_reason"] = "stop"
