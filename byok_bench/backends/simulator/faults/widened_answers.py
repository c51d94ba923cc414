"""Faults of what is said, in whole answers and in the other dialects: each shows there as it does in a chat stream.

They change the answer before its dialect writes it. What no writer can say is in widened_replies.py.
"""

import json
from collections.abc import Callable
from typing import Any

from byok_bench.backends.simulator.answer import OWN_THOUGHT, Answer
from byok_bench.backends.simulator.faults.fault import MESSAGES, RESPONSES, WHOLE_CHAT, get_ask, widen
from byok_bench.backends.simulator.visit import Visit

_EVERYWHERE = (*WHOLE_CHAT, *RESPONSES, *MESSAGES)
_TYPED = (*RESPONSES, *MESSAGES)


def _change_calls(change: Callable[[Any], None]) -> Callable[[Visit, Answer], None]:
    """A change of every call."""

    def step(visit: Visit, one: Answer) -> None:
        for call in one.calls:
            change(call)

    return step


def _drop_id(call: Any) -> None:
    call.id = ""


def _set_same_id(call: Any) -> None:
    call.id = "call_0123456789abcdef"


def _drop_name(call: Any) -> None:
    call.name = ""


def _rename_call(call: Any) -> None:
    call.name = f"functions.{call.name}<|channel|>"


def _change_arguments(change: Callable[[str], str]) -> Callable[[Any], None]:
    """Other arguments, in one piece."""

    def step(call: Any) -> None:
        call.arguments = change(call.arguments)
        call.pieces = [call.arguments] if call.arguments else []

    return step


def _spoil_arguments(arguments: str) -> str:
    """Every member a nested array, which no common schema wants."""
    try:
        return json.dumps({name: [[None]] for name in json.loads(arguments)})
    except ValueError:
        return arguments


def write_calls_as_text(visit: Visit, one: Answer) -> None:
    """Write the calls into the text."""
    called = [f'<tool_call>\n{{"name": "{c.name}", "arguments": {c.arguments}}}\n</tool_call>' for c in one.calls]
    one.texts, one.calls, one.stop = ["\n".join(called)], [], "stop"


def _change_text(change: Callable[[str], str]) -> Callable[[Visit, Answer], None]:
    """Another text, where there is one."""

    def step(visit: Visit, one: Answer) -> None:
        if one.texts:
            one.texts = [change(one.text)]

    return step


def move_text_to_thoughts(visit: Visit, one: Answer) -> None:
    """Think the answer, and do not say it."""
    one.thoughts, one.texts = [*one.thoughts, *one.texts], []


def say_nothing(visit: Visit, one: Answer) -> None:
    """End without output, though a token was made."""
    one.thoughts, one.texts, one.calls, one.stop = [], [""], [], "stop"


def break_schema(visit: Visit, one: Answer) -> None:
    """Say an array where an object was asked for, and the other way round."""
    one.texts = ["{}" if (get_ask(visit).schema or {}).get("type") == "array" else "[]"]


def _change_stop(reason: Any, *, calls: bool) -> Callable[[Visit, Answer], None]:
    """Another reason, where there are calls, or where there are none."""

    def step(visit: Visit, one: Answer) -> None:
        if bool(one.calls) is calls:
            one.stop = reason

    return step


widen("tool.id-missing", *_EVERYWHERE, change=_change_calls(_drop_id))
widen("tool.id-unique", *_EVERYWHERE, change=_change_calls(_set_same_id))
widen("tool.name-missing", *_EVERYWHERE, change=_change_calls(_drop_name))
widen("tool.not-offered", *_TYPED, change=_change_calls(_rename_call))
widen("tool.schema", *_TYPED, change=_change_calls(_change_arguments(_spoil_arguments)))
widen("tool.leaked-markup", *_EVERYWHERE, change=write_calls_as_text)
widen(
    "tool.arguments-json",
    *WHOLE_CHAT,
    *RESPONSES,
    change=_change_calls(_change_arguments(lambda text: text[:-1])),
)
widen("tool.arguments-empty", *WHOLE_CHAT, *RESPONSES, change=_change_calls(_change_arguments(lambda text: "")))
widen(
    "tool.arguments-double-encoded",
    *WHOLE_CHAT,
    *RESPONSES,
    change=_change_calls(_change_arguments(json.dumps)),
)
widen(
    "reasoning.think-tags",
    *_EVERYWHERE,
    change=_change_text(lambda text: f"<think>{OWN_THOUGHT}</think>\n\n{text}"),
)
widen("reasoning.only", *_EVERYWHERE, change=move_text_to_thoughts)
widen("delta.special-tokens", *_EVERYWHERE, change=_change_text(lambda text: f"{text}<|im_end|>"))
widen("delta.replacement-char", *_EVERYWHERE, change=_change_text(lambda text: f"{text} \ufffd\ufffd"))
widen("delta.no-output", *_EVERYWHERE, change=say_nothing)
widen("structured.valid-json", *_TYPED, change=_change_text(lambda text: f"{text} I hope this helps!"))
widen("structured.fenced", *_TYPED, change=_change_text(lambda text: f"```json\n{text}\n```"))
widen("structured.schema", *_TYPED, change=break_schema)
widen("finish.tool-calls-reason", *MESSAGES, change=_change_stop("stop", calls=True))
widen("finish.tool-calls-empty", *MESSAGES, change=_change_stop("tool", calls=False))
