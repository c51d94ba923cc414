"""Handles on a good reply: the places faults change, in a stream and in a document alike."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from byok_bench.backends.simulator.reply import DONE, Event
from byok_bench.backends.simulator.visit import Visit

Object = dict[str, Any]


def get_events(visit: Visit) -> list[Event]:
    """The events of the stream."""
    found = visit.reply.events
    assert found is not None
    return found


def list_done_events(visit: Visit) -> list[Event]:
    """The event that holds [DONE], if it is still there."""
    return [event for event in get_events(visit) if event.data == DONE]


def list_choice_events(visit: Visit) -> list[Event]:
    """The events of a chat stream that hold choices."""
    return [event for event in get_events(visit) if isinstance(event.data, dict) and event.data.get("choices")]


def list_choices(visit: Visit) -> list[Object]:
    """The choices of all chunks, or of the document."""
    if visit.reply.events is None:
        return list(visit.reply.document["choices"])
    return [choice for event in list_choice_events(visit) for choice in event.data["choices"]]


def list_usages(visit: Visit) -> list[Object]:
    """The usage objects of a chat answer."""
    if visit.reply.events is None:
        used = visit.reply.document.get("usage")
        return [used] if isinstance(used, dict) else []
    return [e.data["usage"] for e in get_events(visit) if isinstance(e.data, dict) and e.data.get("usage")]


def list_text_events(visit: Visit) -> list[Event]:
    """The events of a chat stream that carry text of the first choice."""
    return [e for e in list_choice_events(visit) if get_delta(e).get("content") and get_choice(e)["index"] == 0]


def list_final_events(visit: Visit) -> list[Event]:
    """The events of a chat stream that carry a finish_reason."""
    return [event for event in list_choice_events(visit) if get_choice(event)["finish_reason"] is not None]


def get_choice(event: Event) -> Object:
    """The choice of a chunk."""
    found: Object = event.data["choices"][0]
    return found


def get_delta(event: Event) -> Object:
    """The delta of a chunk; an object that goes nowhere if another fault took it away."""
    found = get_choice(event).get("delta")
    return found if isinstance(found, dict) else {}


def list_call_fragments(visit: Visit) -> list[tuple[Event, Object]]:
    """Each element of tool_calls in a stream, with its event."""
    return [(event, call) for event in list_choice_events(visit) for call in get_delta(event).get("tool_calls") or []]


def list_first_fragments(visit: Visit) -> list[tuple[Event, Object]]:
    """The elements that open a call."""
    return [pair for pair in list_call_fragments(visit) if pair[0].is_call_start]


def list_later_fragments(visit: Visit) -> list[tuple[Event, Object]]:
    """The elements that go on with a call."""
    return [pair for pair in list_call_fragments(visit) if not pair[0].is_call_start]


def insert_event_midway(visit: Visit, event: Event) -> None:
    """Put one more event in the middle, after the first event with output."""
    found = get_events(visit)
    at = next((place for place, one in enumerate(found) if one.is_paced), 0)
    found.insert(at + 1, event)


def insert_event_after(visit: Visit, before: Event, event: Event) -> None:
    """Put an event behind another."""
    found = get_events(visit)
    found.insert(found.index(before) + 1, event)


def drop_events(visit: Visit, unwanted: Sequence[Event]) -> None:
    """Leave events out."""
    visit.reply.events = [event for event in get_events(visit) if event not in unwanted]


def cut_midway(visit: Visit) -> None:
    """Leave out everything after half of the output."""
    found = get_events(visit)
    paced = [place for place, event in enumerate(found) if event.is_paced]
    del found[paced[len(paced) // 2] + 1 if paced else 1 :]


def copy_event(event: Event, **changes: Any) -> Event:
    """The same event with other members on its top level."""
    data = {**json.loads(json.dumps(event.data)), **changes}
    return Event(data, event.name, is_paced=event.is_paced, call=event.call)


def change_text(visit: Visit, change: Callable[[str], str]) -> None:
    """Change the whole text of a chat answer: streamed, it comes in two pieces."""
    if visit.reply.events is None:
        for one in list_choices(visit):
            one["message"]["content"] = change(one["message"]["content"] or "")
        return
    found = list_text_events(visit)
    if not found:
        return
    text = change("".join(get_delta(event)["content"] for event in found))
    first, *rest = found
    drop_events(visit, rest)
    half = len(text) // 2
    second = copy_event(first)
    get_delta(first)["content"], get_delta(second)["content"] = text[:half], text[half:]
    insert_event_after(visit, first, second)


def iterate_objects(value: Any) -> Iterator[Object]:
    """Every object in a JSON value."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from iterate_objects(one)
