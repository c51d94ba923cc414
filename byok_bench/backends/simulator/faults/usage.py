"""Faults of token counts."""

import json

from byok_bench.backends.simulator.faults.fault import fault, get_ask
from byok_bench.backends.simulator.faults.reply_parts import (
    copy_event,
    drop_events,
    get_events,
    insert_event_after,
    list_choice_events,
    list_final_events,
    list_usages,
)
from byok_bench.backends.simulator.reply import Event
from byok_bench.backends.simulator.visit import Visit


def request_usage(visit: Visit) -> None:
    """Count tokens though nobody asked for it."""
    get_ask(visit).include_usage = True


def _list_usage_events(visit: Visit) -> list[Event]:
    """The chunks that hold usage alone."""
    return [e for e in get_events(visit) if isinstance(e.data, dict) and "usage" in e.data and not e.data["choices"]]


@fault("usage.missing", "include_usage is ignored", "stream", "include_usage")
def missing(visit: Visit) -> None:
    drop_events(visit, _list_usage_events(visit))


@fault("usage.unrequested", "a usage chunk that nobody asked for", "stream", "no_usage", amid=request_usage)
def unrequested(visit: Visit) -> None:
    """Asking for the count is the whole fault."""


@fault("usage.on-content-chunk", "usage rides on the last chunk of the choice", "stream", "include_usage")
def on_content_chunk(visit: Visit) -> None:
    for apart in _list_usage_events(visit):
        for event in list_final_events(visit)[-1:]:
            event.data["usage"] = apart.data["usage"]
            drop_events(visit, [apart])


@fault("usage.duplicate-final", "the usage chunk comes twice", "stream", "include_usage")
def duplicate_final(visit: Visit) -> None:
    for apart in _list_usage_events(visit):
        insert_event_after(visit, apart, copy_event(apart))


@fault("usage.decreasing", "the running count falls", "stream", "include_usage")
def decreasing(visit: Visit) -> None:
    for used in list_usages(visit):
        more = {
            **used,
            "completion_tokens": used["completion_tokens"] + 9,
            "total_tokens": used["total_tokens"] + 9,
        }
        for event in list_choice_events(visit)[1:2]:
            event.data["usage"] = more


@fault("usage.types", "completion_tokens is a text", "include_usage")
def types(visit: Visit) -> None:
    for used in list_usages(visit):
        used["completion_tokens"] = json.dumps(used["completion_tokens"])


@fault("usage.total", "total_tokens is not the sum", "include_usage")
def total(visit: Visit) -> None:
    for used in list_usages(visit):
        used["total_tokens"] += 3


@fault("usage.zero", "completion_tokens is 0", "include_usage")
def zero(visit: Visit) -> None:
    for used in list_usages(visit):
        used.update(completion_tokens=0, total_tokens=used["prompt_tokens"])


@fault("usage.details", "more tokens came from the cache than there were", "include_usage")
def details(visit: Visit) -> None:
    for used in list_usages(visit):
        used["prompt_tokens_details"] = {"cached_tokens": used["prompt_tokens"] + 7}
