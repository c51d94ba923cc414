"""The common chunk of a chat stream, decoded into a typed shape: one choice that continues with text,
reasoning, or the arguments of an open tool call.

A shortcut and nothing else: whatever does not fit the shape, or would need a note, is left to the general way
(chat_payload.py, chat_stream.py), and a property test holds both to the same outcome.
"""

from typing import Annotated, Any, Final, Literal

import msgspec

from byok_bench.dialects.chat_facts import Choice
from byok_bench.dialects.chat_payload import LARGE_EVENT
from byok_bench.dialects.chat_stream import LATEST_CREATED, Assembly
from byok_bench.wire import bounded_json
from byok_bench.wire.sse import Event

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


class _Choice(msgspec.Struct, gc=False):
    index: int
    delta: _Delta
    finish_reason: None = None


class _Chunk(msgspec.Struct, gc=False):
    id: str
    object: Literal["chat.completion.chunk"]
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1, max_length=1)]
    created: int | None = None
    model: str | None = None
    usage: None = None
    error: None = None
    type: None = None


_SMALL: Final = bounded_json.SMALL
_decode: Final = msgspec.json.Decoder(_Chunk).decode


class CommonChunks:
    """Takes what continues an open choice."""

    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._open: dict[int, Choice] = {}

    def refresh(self) -> None:
        """Look again which choices are open, after a chunk went the general way."""
        self._open = {
            index: choice
            for index, choice in self._assembly.choices.items()
            if choice.opened and choice.finish_reason is None
        }

    def take(self, event: Event, number: int) -> bool:
        """Merge an event's chunk; False, and nothing done, if it has to go the general way."""
        data = event.data
        if not self._open or event.name or "\n" in data:
            return False
        if len(data) > _SMALL and (len(data) > LARGE_EVENT or bounded_json.limit_passed(data) is not None):
            return False
        try:
            chunk = _decode(data)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            return False
        common = chunk.choices[0]
        choice = self._open.get(common.index)
        if choice is None or chunk.id != self._assembly.id or (chunk.created or 0) >= LATEST_CREATED:
            return False
        if chunk.model and self._assembly.model is None:
            return False
        return self._merge(choice, common.delta, event.t_ns, number)

    def _merge(self, choice: Choice, delta: _Delta, t_ns: int, number: int) -> bool:
        text, reasoning, calls = delta.content, delta.reasoning_content or delta.reasoning, delta.tool_calls
        if (text and _REPLACEMENT in text) or (reasoning and _REPLACEMENT in reasoning):
            return False
        if delta.role is not None:
            if not choice.role_given:
                return False
            self._assembly.facts.note("role_repeated", number)
        if calls and not choice.tools.fragment(calls[0].index, calls[0].function.arguments):
            return False
        marks = self._assembly.marks
        if reasoning:
            choice.reasonings.append(reasoning)
            marks.append((t_ns, "reasoning", number))
        if text:
            choice.texts.append(text)
            marks.append((t_ns, "text", number))
        if calls and calls[0].function.arguments:
            marks.append((t_ns, "tool", number))
        return True
