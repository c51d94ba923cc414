"""The common chunk of a chat stream, decoded into a typed shape: choice 0 continues with text, reasoning,
or the arguments of an open tool call.

A shortcut and nothing else: whatever does not fit the shape, or would need a note, is left to the general way
(wire/bodies/event_payload.py, assembly.py), and a property test holds both to the same outcome.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from byok_bench.dialects.answer import Choice, UsageObject
from byok_bench.dialects.chat.assembly import LATEST_CREATED, ChatAssembly
from byok_bench.dialects.fragments import render_value
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.event_payload import LARGE_EVENT
from byok_bench.wire.bodies.sse import Event

_NO_ID: Final = render_value("")
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"
_None = Annotated[list[Any], msgspec.Meta(max_length=0)] | None


class _Function(msgspec.Struct, gc=False):
    arguments: str
    name: Literal["", None] = None


class _Call(msgspec.Struct, gc=False):
    index: int
    function: _Function
    id: Literal["", None] = None
    type: Literal["function", None] = None
    custom: None = None


class _Delta(msgspec.Struct, gc=False):
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    tool_calls: Annotated[list[_Call], msgspec.Meta(max_length=1)] | None = None
    role: Literal["assistant", None] = None
    refusal: None = None
    function_call: None = None
    reasoning_text: None = None
    thinking: None = None
    thought: None = None
    reasoning_details: _None = None
    audio: None = None
    images: _None = None


class _Choice(msgspec.Struct, gc=False):
    index: Literal[0]
    delta: _Delta
    finish_reason: None = None
    error: None = None
    usage: None = None


class _EventObject(msgspec.Struct, gc=False):
    id: str
    object: Literal["chat.completion.chunk"]
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1, max_length=1)]
    created: Annotated[int, msgspec.Meta(lt=LATEST_CREATED)] | None = None
    model: str | None = None
    usage: dict[str, Any] | None = None
    error: None = None
    type: None = None
    x_groq: None = None


_SMALL: Final = bounded_json.SMALL
_decode: Final = msgspec.json.Decoder(_EventObject).decode


class CommonEvents:
    """Takes what continues an open choice."""

    def __init__(self, assembly: ChatAssembly) -> None:
        self._assembly = assembly

    def take(self, events: list[Event], number: int) -> int:
        """Merge events from `number` on as long as they are common; the index of the first that is not.

        That one has to go the general way, and nothing of it is merged.
        """
        assembly = self._assembly
        known, choice, needs_model = assembly.id, assembly.choices.get(0), assembly.model is None
        if known is None or choice is None or not choice.is_opened or choice.finish_reason is not None:
            return number
        texts, marks = choice.texts, assembly.marks
        for at in range(number, len(events)):
            event = events[at]
            chunk = _decode_event(event)
            if chunk is None or chunk.id != known or (needs_model and chunk.model):
                return at
            delta = chunk.choices[0].delta
            text = delta.content
            is_plain = delta.tool_calls is None and delta.role is None and chunk.usage is None
            if is_plain and text and not (delta.reasoning_content or delta.reasoning) and _REPLACEMENT not in text:
                texts.append(text)
                marks.append((event.t_ns, "text", at))
            elif not self._merge_event(choice, chunk, event.t_ns, at):
                return at
        return len(events)

    def _merge_event(self, choice: Choice, chunk: _EventObject, t_ns: int, number: int) -> bool:
        """Merge one chunk; False, and nothing done, if it is not common after all."""
        delta, marks = chunk.choices[0].delta, self._assembly.marks
        text, reasoning = delta.content, delta.reasoning_content or delta.reasoning
        if (text and _REPLACEMENT in text) or (reasoning and _REPLACEMENT in reasoning):
            return False
        if (delta.tool_calls or delta.role) and not self._merge_rest(choice, delta, number):
            return False
        if reasoning:
            choice.reasonings.append(reasoning)
            marks.append((t_ns, "reasoning", number))
        if text:
            choice.texts.append(text)
            marks.append((t_ns, "text", number))
        if delta.tool_calls and delta.tool_calls[0].function.arguments:
            marks.append((t_ns, "tool", number))
        if chunk.usage is not None:
            self._assembly.usages.append(UsageObject(chunk.usage, number, is_apart=False))
        return True

    def _merge_rest(self, choice: Choice, delta: _Delta, number: int) -> bool:
        """A role that is repeated, and a fragment of arguments."""
        if delta.role and not choice.has_role:
            return False
        for call in delta.tool_calls or ():
            if call.function.name == "" and not call.function.arguments:
                continue  # the zero of a call is absent
            if not choice.tools.append_arguments(call.index, call.function.arguments):
                return False
            if call.id == "" and choice.tools.has_id(call.index):
                self._assembly.facts.note("id_repeated", number, _NO_ID)
        if delta.role:
            self._assembly.facts.note("role_repeated", number)
        return True


def _decode_event(event: Event) -> _EventObject | None:
    """The chunk of an event, if it has the common shape and is within all limits."""
    data = event.data
    if event.name or "\n" in data:
        return None
    if len(data) > _SMALL and (len(data) > LARGE_EVENT or bounded_json.find_passed_limit(data) is not None):
        return None
    try:
        return _decode(data)
    except (msgspec.MsgspecError, UnicodeEncodeError):
        return None
