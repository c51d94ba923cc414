"""Handles on a good reply: the places faults change, in a stream and in a document alike."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from byok_bench.backends.simulator.reply import DONE, Event
from byok_bench.backends.simulator.visit import Visit

Object = dict[str, Any]


def events(visit: Visit) -> list[Event]:
    """The events of the stream."""
    found = visit.reply.events
    assert found is not None
    return found


def ends(visit: Visit) -> list[Event]:
    """The event that holds [DONE], if it is still there."""
    return [event for event in events(visit) if event.data == DONE]


def chunks(visit: Visit) -> list[Event]:
    """The events of a chat stream that hold choices."""
    return [event for event in events(visit) if isinstance(event.data, dict) and event.data.get("choices")]


def choices(visit: Visit) -> list[Object]:
    """The choices of all chunks, or of the document."""
    if visit.reply.events is None:
        return list(visit.reply.document["choices"])
    return [choice for event in chunks(visit) for choice in event.data["choices"]]


def usages(visit: Visit) -> list[Object]:
    """The usage objects of a chat answer."""
    if visit.reply.events is None:
        used = visit.reply.document.get("usage")
        return [used] if isinstance(used, dict) else []
    return [e.data["usage"] for e in events(visit) if isinstance(e.data, dict) and e.data.get("usage")]


def texts(visit: Visit) -> list[Event]:
    """The events of a chat stream that carry text of the first choice."""
    return [e for e in chunks(visit) if delta(e).get("content") and choice(e)["index"] == 0]


def finals(visit: Visit) -> list[Event]:
    """The events of a chat stream that carry a finish_reason."""
    return [event for event in chunks(visit) if choice(event)["finish_reason"] is not None]


def choice(event: Event) -> Object:
    """The choice of a chunk."""
    found: Object = event.data["choices"][0]
    return found


def delta(event: Event) -> Object:
    """The delta of a chunk; an object that goes nowhere if another fault took it away."""
    found = choice(event).get("delta")
    return found if isinstance(found, dict) else {}


def calls(visit: Visit) -> list[tuple[Event, Object]]:
    """Each element of tool_calls in a stream, with its event."""
    return [(event, call) for event in chunks(visit) for call in delta(event).get("tool_calls") or []]


def first_fragments(visit: Visit) -> list[tuple[Event, Object]]:
    """The elements that open a call."""
    return [pair for pair in calls(visit) if pair[0].opens_call]


def later_fragments(visit: Visit) -> list[tuple[Event, Object]]:
    """The elements that go on with a call."""
    return [pair for pair in calls(visit) if not pair[0].opens_call]


def insert(visit: Visit, event: Event) -> None:
    """Put one more event in the middle, after the first event with output."""
    found = events(visit)
    at = next((place for place, one in enumerate(found) if one.paced), 0)
    found.insert(at + 1, event)


def insert_after(visit: Visit, before: Event, event: Event) -> None:
    """Put an event behind another."""
    found = events(visit)
    found.insert(found.index(before) + 1, event)


def drop(visit: Visit, unwanted: Sequence[Event]) -> None:
    """Leave events out."""
    visit.reply.events = [event for event in events(visit) if event not in unwanted]


def cut(visit: Visit) -> None:
    """Leave out everything after half of the output."""
    found = events(visit)
    paced = [place for place, event in enumerate(found) if event.paced]
    del found[paced[len(paced) // 2] + 1 if paced else 1 :]


def copy(event: Event, **changes: Any) -> Event:
    """The same event with other members on its top level."""
    data = {**json.loads(json.dumps(event.data)), **changes}
    return Event(data, event.name, paced=event.paced, call=event.call)


def say(visit: Visit, change: Callable[[str], str]) -> None:
    """Change the whole text of a chat answer: streamed, it comes in two pieces."""
    if visit.reply.events is None:
        for one in choices(visit):
            one["message"]["content"] = change(one["message"]["content"] or "")
        return
    found = texts(visit)
    if not found:
        return
    text = change("".join(delta(event)["content"] for event in found))
    first, *rest = found
    drop(visit, rest)
    half = len(text) // 2
    second = copy(first)
    delta(first)["content"], delta(second)["content"] = text[:half], text[half:]
    insert_after(visit, first, second)


def walk(value: Any) -> Iterator[Object]:
    """Every object in a JSON value."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from walk(one)
