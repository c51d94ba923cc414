"""The events of a response: created, in progress, each item with its deltas, and the end."""

import copy
from collections.abc import Iterator

from byok_bench.backends.simulator.answer import Answer, Call
from byok_bench.backends.simulator.ask import Ask
from byok_bench.backends.simulator.dialects.response_object import Item, make_text_logprobs
from byok_bench.backends.simulator.reply import Event


def list_response_events(started: Item, ended: Item, ask: Ask, one: Answer) -> list[Event]:
    """The stream, named and numbered. No two events share an object: a fault may change one of them alone."""
    events = list(_iterate_events(started, ended, ask, one))
    for number, event in enumerate(events):
        event.data = copy.deepcopy({**event.data, "sequence_number": number})
        event.name = event.data["type"]
    return events


def _iterate_events(started: Item, ended: Item, ask: Ask, one: Answer) -> Iterator[Event]:
    yield Event({"type": "response.created", "response": started})
    yield Event({"type": "response.in_progress", "response": started})
    calls = iter(one.calls)
    for index, item in enumerate(ended["output"]):
        where = {"item_id": item["id"], "output_index": index}
        opened = {**item, **({"status": "in_progress"} if "status" in item else {})}
        match item["type"]:
            case "function_call":
                opened["arguments"] = ""
                inner = _iterate_call_events(where, next(calls))
            case "reasoning":
                opened["content"] = []
                inner = _iterate_thought_events(where, one.thoughts, item)
            case _:
                opened["content"] = []
                inner = _iterate_text_events(where, ask, one.texts, item)
        yield Event({"type": "response.output_item.added", "output_index": index, "item": opened})
        yield from inner
        yield Event({"type": "response.output_item.done", "output_index": index, "item": item})
    yield Event({"type": f"response.{ended['status']}", "response": ended})


def _iterate_thought_events(where: Item, pieces: list[str], item: Item) -> Iterator[Event]:
    """The one content part of a reasoning item."""
    place = {**where, "content_index": 0}
    (part,) = item["content"]
    yield Event({"type": "response.content_part.added", **place, "part": {**part, "text": ""}})
    for piece in pieces:
        yield Event({"type": "response.reasoning_text.delta", **place, "delta": piece}, is_paced=True)
    yield Event({"type": "response.reasoning_text.done", **place, "text": part["text"]})
    yield Event({"type": "response.content_part.done", **place, "part": part})


def _iterate_text_events(where: Item, ask: Ask, pieces: list[str], item: Item) -> Iterator[Event]:
    """The one content part of a message."""
    place = {**where, "content_index": 0}
    (part,) = item["content"]
    yield Event({"type": "response.content_part.added", **place, "part": {**part, "text": "", "logprobs": []}})
    for piece in pieces:
        said = {"delta": piece, "logprobs": make_text_logprobs(ask, [piece])}
        yield Event({"type": "response.output_text.delta", **place, **said}, is_paced=True)
    whole = {"text": part["text"], "logprobs": part["logprobs"]}
    yield Event({"type": "response.output_text.done", **place, **whole})
    yield Event({"type": "response.content_part.done", **place, "part": part})


def _iterate_call_events(where: Item, call: Call) -> Iterator[Event]:
    """The arguments of one call."""
    kind = "response.function_call_arguments"
    for piece in call.pieces:
        yield Event({"type": f"{kind}.delta", **where, "delta": piece}, is_paced=True)
    yield Event({"type": f"{kind}.done", **where, "arguments": call.arguments})
