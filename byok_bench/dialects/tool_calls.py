"""Fragments of tool calls → calls, by merge rules that hold for the servers seen in the wild.

Key of a call is its index where that is an integer, else its id, else the order of arrival. Calls keep the
order in which they were opened; nothing is parsed before the end but to tell a new call from an old one.
What had to be repaired is noted by name; which of it breaks a rule is decided in checks/rules/tool_calls.py.
"""

import json
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from byok_bench.dialects.fragments import Fragments, join_surrogates, render_value, to_integer


class Notes(Protocol):
    """Where repairs are noted."""

    def note(self, name: str, event: int | None, detail: str = "") -> None:
        """One more of its kind."""
        ...


class Call:
    """One tool call under construction."""

    def __init__(self, event: int | None, *, legacy: bool = False) -> None:
        self.event = event
        """The event that opened it."""
        self.is_legacy = legacy
        """It came as function_call, which has no id."""
        self.has_type = False
        """A type came with it."""
        self.id: str | None = None
        self.is_custom = False
        """It is the call of a custom tool, whose arguments are free text."""
        self.placeholder = ""
        """An empty object or array that stood in place of the arguments' text; it means nothing once text follows."""
        self.given_name = Fragments()
        self.given_arguments = Fragments()

    @classmethod
    def from_parts(
        cls, event: int | None, id: str | None, name: str, arguments: str, *, custom: bool = False
    ) -> "Call":
        """A call that is known as a whole."""
        call = cls(event)
        call.is_custom = custom
        call.id = id
        call.given_name.add(name)
        call.given_arguments.add(arguments)
        return call

    @property
    def name(self) -> str:
        """Function name so far."""
        return join_surrogates(str(self.given_name))

    @property
    def arguments(self) -> str:
        """Arguments so far, as received."""
        return join_surrogates(str(self.given_arguments)) or self.placeholder


class CallElement(msgspec.Struct, frozen=True):
    """One element of `tool_calls`, with what is unusable left out."""

    index: int | None
    id: str
    """Empty if absent, as are the next two."""
    name: str
    arguments: str
    has_text_arguments: bool
    """False if they came as a JSON value of another type."""
    type: Any
    has_integer_index: bool = True
    """False if the index is missing, or a number in another dress."""
    has_blank_id: bool = False
    """The id was given as an empty string."""
    placeholder: str = ""
    """Arguments that are an empty object or array; `arguments` is empty then."""
    is_custom: bool = False
    """The call of a custom tool; its `input` stands as the arguments."""


def read_call_element(value: Mapping[str, Any]) -> CallElement:
    """Read one element of `tool_calls`, or a `function_call` wrapped like one."""
    custom = isinstance(value.get("custom"), dict)
    function = value["custom"] if custom else value.get("function")
    function = function if isinstance(function, dict) else {}
    index, call_id, name = value.get("index"), value.get("id"), function.get("name")
    arguments = function.get("input" if custom else "arguments")
    is_text = arguments is None or isinstance(arguments, str)
    text = (arguments or "") if is_text else json.dumps(arguments, ensure_ascii=False)
    is_placeholder = isinstance(arguments, dict | list) and not arguments
    return CallElement(
        index=to_integer(index),
        has_integer_index=type(index) is int,
        id=join_surrogates(call_id) if isinstance(call_id, str) else "",
        name=name if isinstance(name, str) else "",
        arguments="" if is_placeholder else text,
        has_text_arguments=is_text,
        type=value.get("type"),
        has_blank_id=call_id == "",
        placeholder=text if is_placeholder else "",
        is_custom=custom,
    )


class ToolCalls:
    """The calls of one choice."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        """In the order they were opened."""
        self.indexes: set[int] = set()
        """Every integer index seen, places in a message included."""
        self._owners: dict[int, Call] = {}
        self._by_id: dict[str, Call] = {}
        self._legacy: Call | None = None

    def add(self, value: Mapping[str, Any], event: int | None, notes: Notes, position: int | None = None) -> bool:
        """Merge one element; True if it brought arguments. `position`: its place in a whole message, where it
        is the index whatever is given."""
        element = read_call_element(value)
        if position is not None:
            element = msgspec.structs.replace(element, index=position)
        if element.index is not None:
            self.indexes.add(element.index)
        if not element.has_text_arguments:
            notes.note("arguments_not_text", event)
        if element.type is not None and element.type != ("custom" if element.is_custom else "function"):
            notes.note("call_type", event, render_value(element.type))
        whole_call = position is not None
        call = self._find_message_call(element, event) if whole_call else self._find_or_open_call(element, event, notes)
        call.has_type = call.has_type or element.type is not None
        if element.id and call.id is None:
            call.id = element.id
            self._by_id.setdefault(element.id, call)
        call.is_custom = call.is_custom or element.is_custom
        call.placeholder = call.placeholder or element.placeholder
        self._add_name(call, element, event, notes)
        return self._add_arguments(call, element.arguments, event, notes)

    def add_legacy(self, value: Mapping[str, Any], event: int | None, notes: Notes) -> bool:
        """Merge a `function_call` delta: one call without id; True if it brought arguments."""
        element = read_call_element({"function": value})
        if self._legacy is None:
            self._legacy = Call(event, legacy=True)
            self.calls.append(self._legacy)
        if not element.has_text_arguments:
            notes.note("arguments_not_text", event)
            self._legacy.placeholder = self._legacy.placeholder or element.placeholder
        notes.note("function_call", event)
        if element.name and not self._legacy.given_name.length:
            self._legacy.given_name.add(element.name)
        return self._add_arguments(self._legacy, element.arguments, event, notes)

    def append_arguments(self, index: int, arguments: str) -> bool:
        """Append to the call that owns an index; False, and nothing done, if that needs the merge rules."""
        call = self._owners.get(index)
        if call is None or call.given_arguments.length == len(arguments):
            return False
        call.given_arguments.add(arguments)
        return True

    def has_id(self, index: int) -> bool:
        """Whether the call that owns an index has an id."""
        owner = self._owners.get(index)
        return owner is not None and owner.id is not None

    def _open_call(self, index: int | None, event: int | None) -> Call:
        call = Call(event)
        self.calls.append(call)
        if index is not None:
            self._owners[index] = call
        return call

    def _find_or_open_call(self, element: CallElement, event: int | None, notes: Notes) -> Call:
        """The call that an element belongs to; opens one where it begins one."""
        if not element.has_integer_index:
            notes.note("index_missing", event)
        if element.index is None:
            return self._find_unindexed_call(element, event)
        owner = self._owners.get(element.index)
        if owner is None:
            if not element.id and not element.name and self.calls:
                notes.note("index_drift", event, str(element.index))
                return self.calls[-1]
            return self._open_call(element.index, event)
        if _is_collision(owner, element):
            notes.note("index_collision", event, str(element.index))
            return self._open_call(element.index, event)
        if owner.id is not None and (element.id or element.has_blank_id):
            changes = bool(element.id) and element.id != owner.id
            notes.note("id_changes" if changes else "id_repeated", event, render_value(element.id))
        return owner

    def _find_message_call(self, element: CallElement, event: int | None) -> Call:
        """A call of its own, but for one that an earlier event opened under the same id."""
        known = self._by_id.get(element.id)
        if known is not None and known.event != event:
            return known
        call = self._open_call(None, event)
        self._owners.setdefault(element.index or 0, call)
        return call

    def _find_unindexed_call(self, element: CallElement, event: int | None) -> Call:
        last = self.calls[-1] if self.calls else None
        if element.id:
            return self._by_id.get(element.id) or self._open_call(None, event)
        if last is None or (element.name and last.given_arguments.is_object):
            return self._open_call(None, event)
        return last

    def _add_name(self, call: Call, element: CallElement, event: int | None, notes: Notes) -> None:
        if not element.name:
            return
        if not call.given_name.length:
            call.given_name.add(element.name)
        elif call.given_name.is_equal_to(element.name):
            notes.note("name_repeated", event, render_value(element.name))
        elif not call.given_arguments.length:
            notes.note("name_split", event, render_value(element.name))
            call.given_name.add(element.name)

    def _add_arguments(self, call: Call, fragment: str, event: int | None, notes: Notes) -> bool:
        if not fragment:
            return False
        if call.given_arguments.is_equal_to(fragment) and call.given_arguments.is_object:
            notes.note("arguments_repeated", event)
            return False
        call.given_arguments.add(fragment)
        return True


def _is_collision(owner: Call, element: CallElement) -> bool:
    """Whether an element on an open index begins a call of its own.

    With another id it does if it brings a name, and the arguments so far are complete or the name differs;
    without any ids, if it brings a name after complete arguments (old Ollama).
    """
    if not element.name or element.id == owner.id:
        return False
    complete = owner.given_arguments.is_object
    differs = owner.given_name.length > 0 and not owner.given_name.is_equal_to(element.name)
    if owner.id is None:
        return complete and (not element.id or differs)
    return bool(element.id) and (complete or differs)
