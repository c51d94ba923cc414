"""Faults of finish reasons."""

from byok_bench.backends.simulator.faults.fault import fault, get_ask
from byok_bench.backends.simulator.faults.reply_parts import (
    copy_event,
    drop_events,
    get_choice,
    get_delta,
    get_events,
    insert_event_after,
    list_choice_events,
    list_choices,
    list_final_events,
)
from byok_bench.backends.simulator.visit import Visit


@fault("finish.missing", "no finish_reason before [DONE]", "stream")
def missing(visit: Visit) -> None:
    for event in list_final_events(visit):
        get_choice(event)["finish_reason"] = None


@fault("finish.value", "finish_reason is eos_token")
def value(visit: Visit) -> None:
    for one in list_choices(visit):
        if one["finish_reason"] is not None:
            one["finish_reason"] = "eos_token"


@fault("finish.null-form", "an open finish_reason is an empty string", "stream")
def null_form(visit: Visit) -> None:
    for event in list_choice_events(visit):
        if get_choice(event)["finish_reason"] is None:
            get_choice(event)["finish_reason"] = ""


@fault("finish.tool-calls-reason", "a call ends with stop", "tools")
def tool_calls_reason(visit: Visit) -> None:
    _rename_reason(visit, "tool_calls", "stop")


@fault("finish.tool-calls-empty", "tool_calls without a call")
def tool_calls_empty(visit: Visit) -> None:
    _rename_reason(visit, "stop", "tool_calls")
    _rename_reason(visit, "length", "tool_calls")


@fault("finish.content-after", "the last piece of text comes after finish_reason", "stream")
def content_after(visit: Visit) -> None:
    for event in list_final_events(visit)[:1]:
        last = next((one for one in reversed(get_events(visit)) if one.is_paced), None)
        if last is not None:
            drop_events(visit, [last])
            insert_event_after(visit, event, last)


@fault("finish.on-content", "finish_reason comes with the last piece of text", "stream")
def on_content(visit: Visit) -> None:
    for event in list_final_events(visit)[:1]:
        last = next((one for one in reversed(get_events(visit)) if one.is_paced), None)
        if last is not None:
            get_choice(event)["delta"] = get_delta(last)
            drop_events(visit, [last])


@fault("finish.duplicate", "finish_reason comes twice", "stream")
def duplicate(visit: Visit) -> None:
    for event in list_final_events(visit)[:1]:
        insert_event_after(visit, event, copy_event(event))


@fault("finish.native-contradicts", "a gateway hands on another reason of the model")
def native_contradicts(visit: Visit) -> None:
    for one in list_choices(visit):
        if one["finish_reason"] is not None:
            one["native_finish_reason"] = "SAFETY"


@fault("finish.length", "an answer cut by max_tokens ends with stop")
def length(visit: Visit) -> None:
    _rename_reason(
        visit, "length", "tool_calls" if get_ask(visit).tools and get_ask(visit).choice != "none" else "stop"
    )


def _rename_reason(visit: Visit, reason: str, other: str) -> None:
    for one in list_choices(visit):
        if one["finish_reason"] == reason:
            one["finish_reason"] = other
