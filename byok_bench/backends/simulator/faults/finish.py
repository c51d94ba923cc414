"""Faults of finish reasons."""

from byok_bench.backends.simulator.faults.edit import (
    choice,
    choices,
    chunks,
    copy,
    delta,
    drop,
    events,
    finals,
    insert_after,
)
from byok_bench.backends.simulator.faults.fault import asked, fault
from byok_bench.backends.simulator.visit import Visit


@fault("finish.missing", "no finish_reason before [DONE]", "stream")
def missing(visit: Visit) -> None:
    for event in finals(visit):
        choice(event)["finish_reason"] = None


@fault("finish.value", "finish_reason is eos_token")
def value(visit: Visit) -> None:
    for one in choices(visit):
        if one["finish_reason"] is not None:
            one["finish_reason"] = "eos_token"


@fault("finish.null-form", "an open finish_reason is an empty string", "stream")
def null_form(visit: Visit) -> None:
    for event in chunks(visit):
        if choice(event)["finish_reason"] is None:
            choice(event)["finish_reason"] = ""


@fault("finish.tool-calls-reason", "a call ends with stop", "tools")
def tool_calls_reason(visit: Visit) -> None:
    _rename(visit, "tool_calls", "stop")


@fault("finish.tool-calls-empty", "tool_calls without a call")
def tool_calls_empty(visit: Visit) -> None:
    _rename(visit, "stop", "tool_calls")
    _rename(visit, "length", "tool_calls")


@fault("finish.content-after", "the last piece of text comes after finish_reason", "stream")
def content_after(visit: Visit) -> None:
    for event in finals(visit)[:1]:
        last = next((one for one in reversed(events(visit)) if one.paced), None)
        if last is not None:
            drop(visit, [last])
            insert_after(visit, event, last)


@fault("finish.on-content", "finish_reason comes with the last piece of text", "stream")
def on_content(visit: Visit) -> None:
    for event in finals(visit)[:1]:
        last = next((one for one in reversed(events(visit)) if one.paced), None)
        if last is not None:
            choice(event)["delta"] = delta(last)
            drop(visit, [last])


@fault("finish.duplicate", "finish_reason comes twice", "stream")
def duplicate(visit: Visit) -> None:
    for event in finals(visit)[:1]:
        insert_after(visit, event, copy(event))


@fault("finish.native-contradicts", "a gateway hands on another reason of the model")
def native_contradicts(visit: Visit) -> None:
    for one in choices(visit):
        if one["finish_reason"] is not None:
            one["native_finish_reason"] = "SAFETY"


@fault("finish.length", "an answer cut by max_tokens ends with stop")
def length(visit: Visit) -> None:
    _rename(visit, "length", "tool_calls" if asked(visit).tools and asked(visit).choice != "none" else "stop")


def _rename(visit: Visit, reason: str, other: str) -> None:
    for one in choices(visit):
        if one["finish_reason"] == reason:
            one["finish_reason"] = other
