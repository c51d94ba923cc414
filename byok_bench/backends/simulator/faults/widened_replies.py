"""Faults in the replies of whole answers and of the other dialects: what cannot be said by changing the answer."""

import json
from typing import Any

from byok_bench.backends.simulator.faults.fault import MESSAGES, RESPONSES, WHOLE_CHAT, widen
from byok_bench.backends.simulator.faults.reply_parts import Object, cut_midway, get_events
from byok_bench.backends.simulator.reply import Event
from byok_bench.backends.simulator.visit import Visit

_TYPED = (*RESPONSES, *MESSAGES)
_FAILED = {"message": "The model backend failed while generating.", "type": "server_error"}


def _list_members(value: Any, name: str) -> list[Object]:
    """The objects of an array; none where another fault took it away."""
    found = value.get(name) if isinstance(value, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _list_messages(visit: Visit) -> list[Object]:
    """The messages of a whole chat answer."""
    found = [one.get("message") for one in _list_members(visit.reply.document, "choices")]
    return [one for one in found if isinstance(one, dict)]


def list_ended_responses(visit: Visit) -> list[Object]:
    """The response objects that are over: the document, or that of the last event."""
    if visit.reply.events is None:
        return [visit.reply.document]
    return [event.data["response"] for event in get_events(visit) if "response" in event.data][-1:]


def list_ended_items(visit: Visit) -> list[Object]:
    """Every finished item of a response, where it is told and where it is repeated."""
    told = [event.data["item"] for event in visit.reply.events or [] if event.data["type"].endswith("item.done")]
    return [
        *told,
        *(item for response in list_ended_responses(visit) for item in _list_members(response, "output")),
    ]


def _list_final_usages(visit: Visit) -> list[Object]:
    """The usage objects that end an answer."""
    if visit.route == "responses":
        return [response["usage"] for response in list_ended_responses(visit)]
    if visit.reply.events is None:
        return [visit.reply.document["usage"]]
    return [event.data["usage"] for event in get_events(visit) if event.data["type"] == "message_delta"]


def decode_arguments(visit: Visit) -> None:
    """Arguments as an object."""
    for call in (call for message in _list_messages(visit) for call in _list_members(message, "tool_calls")):
        _decode_member(call["function"], "arguments")
    for item in list_ended_items(visit) if visit.route == "responses" else ():
        _decode_member(item, "arguments")


def drop_call_type(visit: Visit) -> None:
    """Calls without a type."""
    for call in (call for message in _list_messages(visit) for call in _list_members(message, "tool_calls")):
        call.pop("type", None)


def rename_first_call(visit: Visit) -> None:
    """The first call as function_call."""
    for one in _list_members(visit.reply.document, "choices"):
        for call in _list_members(one.get("message"), "tool_calls")[:1]:
            one["message"]["function_call"] = call["function"]
            one["message"].pop("tool_calls")
            one["finish_reason"] = "function_call"


def wrap_reasoning(visit: Visit) -> None:
    """Reasoning as an object."""
    for message in _list_messages(visit):
        _wrap_member(message, "reasoning_content")
    for item in list_ended_items(visit) if visit.route == "responses" else ():
        for part in _list_members(item, "content") if item["type"] == "reasoning" else ():
            _wrap_member(part, "text")
    if visit.route == "messages":
        for block in _list_members(visit.reply.document, "content"):
            _wrap_member(block, "thinking")
        for event in visit.reply.events or []:
            _wrap_member(event.data.get("delta", {}), "thinking")


def _decode_member(value: Object, member: str) -> None:
    """A text as the JSON that it is; as it stands if another fault spoiled it."""
    try:
        value[member] = json.loads(value[member])
    except (KeyError, TypeError, ValueError):
        return


def _wrap_member(value: Object, member: str) -> None:
    if isinstance(value.get(member), str):
        value[member] = {"text": value[member]}


def drop_reason(visit: Visit) -> None:
    """No reason for the end."""
    for one in _list_members(visit.reply.document, "choices"):
        one["finish_reason"] = None
    if visit.route == "responses":
        for response in list_ended_responses(visit):
            response.pop("status", None)
    elif visit.route == "messages":
        visit.reply.document["stop_reason"] = None


def clear_reason(visit: Visit) -> None:
    """An empty text for the reason."""
    for one in _list_members(visit.reply.document, "choices"):
        one["finish_reason"] = ""


def replace_reason(visit: Visit) -> None:
    """A reason that the API does not know."""
    if visit.route == "responses":
        for response in list_ended_responses(visit):
            response.update(status="incomplete", incomplete_details={"reason": "budget"})
        for event in (visit.reply.events or [])[-1:]:
            event.data["type"] = event.name = "response.incomplete"
    elif visit.reply.events is None:
        visit.reply.document["stop_reason"] = "eos_token"
    else:
        for event in get_events(visit):
            if event.data["type"] == "message_delta":
                event.data["delta"]["stop_reason"] = "eos_token"


def drop_usage(visit: Visit) -> None:
    """No counts."""
    visit.reply.document.pop("usage", None)


def set_negative_count(visit: Visit) -> None:
    """A count below 0."""
    for used in _list_final_usages(visit):
        used["output_tokens"] = -9


def spoil_total(visit: Visit) -> None:
    """Another total than the sum."""
    for used in _list_final_usages(visit):
        used["total_tokens"] += 3


def clear_counts(visit: Visit) -> None:
    """No tokens for what was said."""
    for used in _list_final_usages(visit):
        used["output_tokens"] = 0
        if "total_tokens" in used:
            used["total_tokens"] = used["input_tokens"]


def spoil_details(visit: Visit) -> None:
    """More tokens from the cache than there were."""
    for used in _list_final_usages(visit):
        used["input_tokens_details"] = {"cached_tokens": used["input_tokens"] + 7}


def fail_amid(visit: Visit) -> None:
    """An error event in place of the rest."""
    cut_midway(visit)
    if visit.route == "responses":
        number = len(get_events(visit))
        told: Object = {"type": "error", "sequence_number": number, "code": "server_error", "param": None}
        get_events(visit).append(Event({**told, "message": _FAILED["message"]}, "error"))
    else:
        get_events(visit).append(Event({"type": "error", "error": {**_FAILED, "type": "api_error"}}, "error"))


def repeat_text(visit: Visit) -> None:
    """Each delta with all the text so far."""
    so_far = ""
    for event in get_events(visit):
        inner = event.data.get("delta")
        holder, member = (inner, "text") if isinstance(inner, dict) else (event.data, "delta")
        if event.data["type"] == "response.output_text.delta" or holder.get("type") == "text_delta":
            so_far += holder[member]
            holder[member] = so_far


def spoil_utf8(visit: Visit) -> None:
    """A byte in the middle of a word that is no UTF-8."""
    visit.reply.raw = visit.reply.encode_body().replace(b"simulated answer", b"simulated \xff answer", 1)


widen("delta.cumulative", ("responses", True), ("messages", True), after=repeat_text)
widen("stream.utf8", *WHOLE_CHAT, ("responses", False), ("messages", False), after=spoil_utf8)
widen("tool.arguments-string", *WHOLE_CHAT, *RESPONSES, after=decode_arguments)
widen("tool.type", *WHOLE_CHAT, after=drop_call_type)
widen("tool.legacy-function-call", *WHOLE_CHAT, after=rename_first_call)
widen("reasoning.type", *WHOLE_CHAT, *_TYPED, after=wrap_reasoning)
widen("finish.missing", *WHOLE_CHAT, *RESPONSES, ("messages", False), after=drop_reason)
widen("finish.null-form", *WHOLE_CHAT, after=clear_reason)
widen("finish.value", *_TYPED, after=replace_reason)
widen("usage.missing", *WHOLE_CHAT, ("responses", False), ("messages", False), after=drop_usage)
widen("usage.types", *_TYPED, after=set_negative_count)
widen("usage.total", *RESPONSES, after=spoil_total)
widen("usage.zero", *_TYPED, after=clear_counts)
widen("usage.details", *RESPONSES, after=spoil_details)
widen("error.in-stream", ("responses", True), ("messages", True), after=fail_amid)
