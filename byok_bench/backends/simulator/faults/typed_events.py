"""Faults of the streams of Responses and Messages: order, names and ends of their events, and what is in them."""

import json

from byok_bench.backends.simulator.faults.errors import make_reply_step
from byok_bench.backends.simulator.faults.fault import enter_behaviour, fault
from byok_bench.backends.simulator.faults.reply_parts import drop_events, get_events
from byok_bench.backends.simulator.refusal import make_server_error
from byok_bench.backends.simulator.reply import Event
from byok_bench.backends.simulator.visit import Visit


def _list_events_of_type(visit: Visit, *types: str) -> list[Event]:
    return [event for event in get_events(visit) if event.data["type"] in types]


@fault("responses.terminal-event", "the stream ends without response.completed", "stream", route="responses")
def terminal_event(visit: Visit) -> None:
    drop_events(visit, _list_events_of_type(visit, "response.completed", "response.incomplete"))


@fault("responses.sequence", "every event has sequence_number 0", "stream", route="responses")
def sequence(visit: Visit) -> None:
    for event in get_events(visit):
        event.data["sequence_number"] = 0


@fault("responses.event-match", "every event is named message", "stream", route="responses")
def event_match(visit: Visit) -> None:
    for event in get_events(visit):
        event.name = "message"


@fault("responses.item-lifecycle", "items are never closed", "stream", route="responses")
def item_lifecycle(visit: Visit) -> None:
    drop_events(visit, _list_events_of_type(visit, "response.output_item.done"))


@fault("responses.completed-output", "response.completed has no output", "stream", route="responses")
def completed_output(visit: Visit) -> None:
    for event in _list_events_of_type(visit, "response.completed", "response.incomplete"):
        event.data["response"] = {**event.data["response"], "output": []}


@fault("messages.lifecycle", "blocks are never closed", "stream", route="messages")
def lifecycle(visit: Visit) -> None:
    drop_events(visit, _list_events_of_type(visit, "content_block_stop"))


@fault("messages.delta-type", "a delta is of another type than its block", "stream", route="messages")
def delta_type(visit: Visit) -> None:
    for event in _list_events_of_type(visit, "content_block_delta")[:1]:
        if event.data["delta"]["type"] == "text_delta":
            event.data["delta"] = {"type": "thinking_delta", "thinking": event.data["delta"]["text"]}
        elif event.data["delta"]["type"] == "input_json_delta":
            event.data["delta"] = {"type": "text_delta", "text": event.data["delta"]["partial_json"]}


@fault("messages.tool-json", "tool input ends before its closing brace", "tools", route="messages")
def tool_json(visit: Visit) -> None:
    if visit.reply.events is None:
        for block in visit.reply.document["content"]:
            if block["type"] == "tool_use":
                block["input"] = json.dumps(block["input"])[:-1]
        return
    inputs = [
        e for e in _list_events_of_type(visit, "content_block_delta") if e.data["delta"]["type"] == "input_json_delta"
    ]
    for event in inputs[-1:]:
        event.data["delta"]["partial_json"] = event.data["delta"]["partial_json"].rstrip()[:-1]


@fault("messages.usage", "the message counts no input", route="messages")
def usage(visit: Visit) -> None:
    if visit.reply.events is None:
        visit.reply.document["usage"]["input_tokens"] = 0
        return
    for event in _list_events_of_type(visit, "message_start"):
        event.data["message"]["usage"]["input_tokens"] = 0


enter_behaviour(
    "messages.error-shape",
    "errors come in another envelope",
    route="messages",
    after=make_reply_step(lambda: make_server_error().to_reply("chat")),
)
