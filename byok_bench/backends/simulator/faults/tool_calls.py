"""Faults of tool calls in a chat stream."""

import json
import secrets
from typing import Any

from byok_bench.backends.simulator.faults.fault import fault, get_ask
from byok_bench.backends.simulator.faults.reply_parts import (
    Object,
    copy_event,
    drop_events,
    get_choice,
    get_delta,
    insert_event_after,
    list_call_fragments,
    list_choices,
    list_final_events,
    list_first_fragments,
    list_later_fragments,
)
from byok_bench.backends.simulator.reply import Event
from byok_bench.backends.simulator.visit import Visit


def call_twice(visit: Visit) -> None:
    """Call the tool twice."""
    get_ask(visit).calls = 2


@fault("tool.index-missing", "tool call deltas have no index", "stream", "tools")
def index_missing(visit: Visit) -> None:
    for _, call in list_call_fragments(visit):
        call.pop("index", None)


@fault("tool.index-collision", "two calls share index 0", "stream", "tools", amid=call_twice)
def index_collision(visit: Visit) -> None:
    for _, call in list_call_fragments(visit):
        call["index"] = 0


@fault("tool.index-gap", "indexes count from 1", "stream", "tools")
def index_gap(visit: Visit) -> None:
    for event, call in list_call_fragments(visit):
        call["index"] = (event.call or 0) + 1


@fault("tool.index-drift", "each fragment of a call has the next index", "stream", "tools")
def index_drift(visit: Visit) -> None:
    for number, (_, call) in enumerate(list_call_fragments(visit)):
        call["index"] = number


@fault("tool.id-missing", "calls have no id", "stream", "tools")
def id_missing(visit: Visit) -> None:
    for _, call in list_first_fragments(visit):
        call.pop("id", None)


@fault("tool.id-changes", "each fragment has an id of its own", "stream", "tools")
def id_changes(visit: Visit) -> None:
    for _, call in list_later_fragments(visit):
        call["id"] = f"call_{secrets.token_hex(8)}"


@fault("tool.id-repeated", "each fragment repeats the id", "stream", "tools")
def id_repeated(visit: Visit) -> None:
    ids = {event.call: call.get("id") for event, call in list_first_fragments(visit)}
    for event, call in list_later_fragments(visit):
        call["id"] = ids[event.call]


@fault("tool.id-unique", "two calls have the same id", "stream", "tools", amid=call_twice)
def id_unique(visit: Visit) -> None:
    for _, call in list_first_fragments(visit):
        call["id"] = "call_0123456789abcdef"


@fault("tool.name-missing", "calls have no name", "stream", "tools")
def name_missing(visit: Visit) -> None:
    for _, call in list_first_fragments(visit):
        call["function"].pop("name", None)


@fault("tool.name-repeated", "each fragment repeats the name", "stream", "tools")
def name_repeated(visit: Visit) -> None:
    names = _collect_names(visit)
    for event, call in list_later_fragments(visit):
        call["function"]["name"] = names[event.call]


@fault("tool.name-split", "the name comes in two pieces", "stream", "tools")
def name_split(visit: Visit) -> None:
    for event, call in list_first_fragments(visit):
        name = call["function"].get("name", "")
        half = max(1, len(name) // 2)
        call["function"]["name"] = name[:half]
        insert_event_after(visit, event, _make_fragment_event(event, {"name": name[half:], "arguments": ""}))


@fault("tool.arguments-string", "arguments are an object", "stream", "tools")
def arguments_string(visit: Visit) -> None:
    _write_arguments(visit, _parse_arguments)


@fault("tool.arguments-json", "arguments end before their closing brace", "stream", "tools")
def arguments_json(visit: Visit) -> None:
    _write_arguments(visit, lambda text: text.rstrip()[:-1])


@fault("tool.arguments-empty", "arguments are an empty string", "stream", "tools")
def arguments_empty(visit: Visit) -> None:
    _write_arguments(visit, lambda text: "")


@fault("tool.arguments-double-encoded", "arguments are encoded twice", "stream", "tools")
def arguments_double_encoded(visit: Visit) -> None:
    _write_arguments(visit, json.dumps)


@fault("tool.arguments-repeated", "the arguments come whole once more at the end", "stream", "tools")
def arguments_repeated(visit: Visit) -> None:
    whole = _join_arguments(visit)
    for event, _ in _list_last_fragments(visit):
        insert_event_after(visit, event, _make_fragment_event(event, {"arguments": whole[event.call]}))


@fault("tool.type", "calls are of type tool", "stream", "tools")
def call_type(visit: Visit) -> None:
    for _, call in list_first_fragments(visit):
        call["type"] = "tool"


@fault("tool.not-offered", "a function is called that was not offered", "tools")
def not_offered(visit: Visit) -> None:
    for function in _list_functions(visit):
        function["name"] = f"functions.{function.get('name', '')}<|channel|>"


@fault("tool.schema", "arguments do not fit the schema of the tool", "tools")
def schema(visit: Visit) -> None:
    """Every member becomes a nested array, which no common schema wants."""

    def spoil(text: str) -> str:
        value = _parse_arguments(text)
        return json.dumps({name: [[None]] for name in value}) if isinstance(value, dict) else text

    if visit.reply.events is None:
        for function in _list_functions(visit):
            function["arguments"] = spoil(function["arguments"])
    else:
        _write_arguments(visit, spoil)


@fault("tool.leaked-markup", "the call comes as text", "stream", "tools")
def leaked_markup(visit: Visit) -> None:
    names = _collect_names(visit)
    texts = [
        f'<tool_call>\n{{"name": "{names[position]}", "arguments": {text}}}\n</tool_call>'
        for position, text in _join_arguments(visit).items()
    ]
    found = [event for event, _ in list_call_fragments(visit)]
    for event in found[:1]:
        get_choice(event)["delta"] = {"content": "\n".join(texts)}
    drop_events(visit, found[1:])
    for event in list_final_events(visit):
        get_choice(event)["finish_reason"] = "stop"


@fault("tool.legacy-function-call", "the call comes as function_call", "stream", "tools")
def legacy_function_call(visit: Visit) -> None:
    for event, call in list_call_fragments(visit):
        get_choice(event)["delta"] = {"function_call": call["function"]}
    for event in list_final_events(visit):
        get_choice(event)["finish_reason"] = "function_call"


@fault("tool.stream-parity", "without a stream a call ends with finish_reason length", "document", "tools")
def stream_parity(visit: Visit) -> None:
    if not get_ask(visit).stream and not get_ask(visit).named_tool:
        for one in list_choices(visit):
            one["finish_reason"] = "length"


@fault("turn.ids-unique", "tool call ids start again in every turn", "tools")
def ids_unique(visit: Visit) -> None:
    found = [call for _, call in list_first_fragments(visit)] if visit.reply.events else _list_whole_calls(visit)
    for number, call in enumerate(found):
        call["id"] = f"functions.{call['function'].get('name', '')}:{number}"


def _collect_names(visit: Visit) -> dict[int | None, str]:
    """Position of a call → its name."""
    return {event.call: call["function"].get("name", "") for event, call in list_first_fragments(visit)}


def _join_arguments(visit: Visit) -> dict[int | None, str]:
    """Position of a call → its joined arguments."""
    joined: dict[int | None, str] = {}
    for event, call in list_call_fragments(visit):
        fragment = call["function"]["arguments"]
        text = fragment if isinstance(fragment, str) else json.dumps(fragment)
        joined[event.call] = joined.get(event.call, "") + text
    return joined


def _parse_arguments(text: str) -> Any:
    """The arguments as JSON; as they are if another fault spoiled them."""
    try:
        return json.loads(text)
    except (TypeError, ValueError):
        return text


def _list_last_fragments(visit: Visit) -> list[tuple[Event, Object]]:
    """The last element of each call."""
    return list({event.call: (event, call) for event, call in list_call_fragments(visit)}.values())


def _write_arguments(visit: Visit, change: Any) -> None:
    """Send each call's arguments in one piece, changed; it comes after the name."""
    whole = _join_arguments(visit)
    last = _list_last_fragments(visit)
    kept = [event for event, _ in last]
    drop_events(visit, [event for event, _ in list_later_fragments(visit) if event not in kept])
    for event, call in last:
        call["function"]["arguments"] = change(whole[event.call])


def _make_fragment_event(event: Event, function: Object) -> Event:
    """A chunk like another, with one fragment of its own."""
    made = copy_event(event)
    get_delta(made)["tool_calls"] = [{"index": event.call, "function": function}]
    return made


def _list_whole_calls(visit: Visit) -> list[Object]:
    """The calls of an answer that is no stream."""
    return [call for one in list_choices(visit) for call in one["message"].get("tool_calls") or []]


def _list_functions(visit: Visit) -> list[Object]:
    """The function objects that hold a call's name."""
    found = [call for _, call in list_first_fragments(visit)] if visit.reply.events else _list_whole_calls(visit)
    return [call["function"] for call in found]
