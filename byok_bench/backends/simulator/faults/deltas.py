"""Faults of chunks and deltas. Those that take away what others change come last."""

import secrets

from byok_bench.backends.simulator.faults.fault import fault
from byok_bench.backends.simulator.faults.reply_parts import (
    Object,
    copy_event,
    drop_events,
    get_choice,
    get_delta,
    insert_event_after,
    insert_event_midway,
    list_choice_events,
    list_text_events,
)
from byok_bench.backends.simulator.reply import Event
from byok_bench.backends.simulator.visit import Visit


@fault("delta.object", "chunks are labelled text_completion", "stream")
def object_label(visit: Visit) -> None:
    for event in list_choice_events(visit):
        event.data["object"] = "text_completion"


@fault("delta.id-present", "chunks have no id", "stream")
def id_present(visit: Visit) -> None:
    for event in list_choice_events(visit):
        event.data.pop("id", None)


@fault("delta.id-stable", "every chunk has an id of its own", "stream")
def id_stable(visit: Visit) -> None:
    for event in list_choice_events(visit):
        event.data["id"] = f"chatcmpl-{secrets.token_hex(8)}"


@fault("delta.created", "created counts milliseconds", "stream")
def created(visit: Visit) -> None:
    for event in list_choice_events(visit):
        event.data["created"] *= 1000


@fault("delta.choices-array", "a chunk without choices", "stream")
def choices_array(visit: Visit) -> None:
    insert_event_midway(visit, copy_event(list_choice_events(visit)[0], choices=None))


@fault("delta.choice-index", "the choice index counts the tokens", "stream")
def choice_index(visit: Visit) -> None:
    for number, event in enumerate(list_choice_events(visit)):
        get_choice(event)["index"] = number


@fault("delta.role-first", "no delta has a role", "stream")
def role_first(visit: Visit) -> None:
    for event in list_choice_events(visit):
        get_delta(event).pop("role", None)


@fault("delta.role-repeat", "every delta has the role", "stream")
def role_repeat(visit: Visit) -> None:
    for event in list_choice_events(visit):
        get_delta(event)["role"] = "assistant"


@fault("delta.role-value", "the role is an empty string after the first delta", "stream")
def role_value(visit: Visit) -> None:
    for event in list_choice_events(visit)[1:]:
        get_delta(event)["role"] = ""


@fault("delta.cumulative", "every delta repeats the text so far", "stream")
def cumulative(visit: Visit) -> None:
    so_far = ""
    for event in list_text_events(visit):
        so_far += get_delta(event)["content"]
        get_delta(event)["content"] = so_far


@fault("delta.special-tokens", "a control token at the end of the text", "stream")
def special_tokens(visit: Visit) -> None:
    for event in list_text_events(visit)[-1:]:
        get_delta(event)["content"] += "<|im_end|>"


@fault("delta.replacement-char", "an emoji was decoded token by token", "stream")
def replacement_char(visit: Visit) -> None:
    for event in list_text_events(visit)[-1:]:
        get_delta(event)["content"] += " \ufffd\ufffd"


@fault("delta.no-output", "stop without any output", "stream")
def no_output(visit: Visit) -> None:
    drop_events(visit, [event for event in list_choice_events(visit) if event.is_paced])
    for event in list_choice_events(visit):
        if get_choice(event)["finish_reason"] is not None:
            get_choice(event)["finish_reason"] = "stop"


@fault("sse-comments", "a comment before every event, which is legal", "stream")
def comments(visit: Visit) -> None:
    for event in list_choice_events(visit):
        insert_event_after(visit, event, Event(raw=b": keep-alive\n\n"))


@fault("delta.content-type", "content is an array of parts", "stream")
def content_parts(visit: Visit) -> None:
    for event in list_text_events(visit):
        get_delta(event)["content"] = [{"type": "text", "text": get_delta(event)["content"]}]


@fault("delta.delta-object", "a choice whose delta is null", "stream")
def delta_object(visit: Visit) -> None:
    filtered: Object = {"index": 0, "delta": None, "finish_reason": None, "content_filter_results": {}}
    insert_event_midway(visit, copy_event(list_choice_events(visit)[0], choices=[filtered]))


@fault("delta.message-instead", "chunks carry message in place of delta", "stream")
def message_instead(visit: Visit) -> None:
    for event in list_choice_events(visit):
        get_choice(event)["message"] = get_choice(event).pop("delta", {})
