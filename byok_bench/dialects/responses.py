"""The Responses dialect: typed events, or one response object, → Output.

Items are known by their id, else by `output_index`; deltas are joined by item and part. What only a done event
or the final response holds counts too. Tool calls carry `call_id`, the id to answer, not the id of their item.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from byok_bench.dialects.answer import Facts, UsageSeen
from byok_bench.dialects.base import Mark, OutputKind
from byok_bench.dialects.classify import failure_of_object
from byok_bench.dialects.fragments import brief, text_of, whole
from byok_bench.dialects.output import Output, Usage
from byok_bench.dialects.tool_calls import Call
from byok_bench.dialects.typed import Assembled, TypedDialect, TypedEvent, choice_of, output_calls
from byok_bench.dialects.usage import count
from byok_bench.wire.raw import RawHead

TERMINAL_TYPES: Final = ("response.completed", "response.incomplete", "response.failed")
CALL_TYPES: Final = {"function_call": "arguments", "custom_tool_call": "input"}
"""Items that ask the client for a tool, and the member that holds what to call it with."""
PARTS: Final = {
    "response.output_text": ("text", "content_index", "text"),
    "response.refusal": ("refusal", "content_index", "refusal"),
    "response.reasoning_text": ("reasoning", "content_index", "text"),
    "response.reasoning_summary_text": ("summary", "summary_index", "text"),
    "response.function_call_arguments": ("arguments", "", "arguments"),
    "response.custom_tool_call_input": ("arguments", "", "input"),
}
"""Family of delta and done events → kind of part, the member that numbers it, the member of its done event."""
_MARKS: Final[dict[str, OutputKind]] = {
    "text": "text",
    "refusal": "text",
    "reasoning": "reasoning",
    "summary": "reasoning",
    "arguments": "tool",
}
_CONTENT_KINDS: Final = {
    "output_text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning", "text"),
    "summary_text": ("summary", "text"),
}
_NO_REASON: Final = "the response failed, and the server does not say why"
_REASONS: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


class Part:
    """One text under construction: deltas, and what the server says it is in the end."""

    def __init__(self) -> None:
        self.deltas: list[str] = []
        self.final = ""

    @property
    def text(self) -> str:
        """The joined deltas; without any, the final text."""
        return whole("".join(self.deltas)) if self.deltas else whole(self.final)


class Item:
    """One output item under construction."""

    def __init__(self, type: str, event: int | None = None) -> None:
        self.type = type
        self.event = event
        """The event that opened it; None if it is of a response object."""
        self.call_id: str | None = None
        self.name = ""
        self.parts: dict[tuple[str, int], Part] = {}

    def part(self, kind: str, index: object) -> Part:
        """The part of a kind and number, opened if need be."""
        return self.parts.setdefault((kind, index if type(index) is int else 0), Part())

    def text_of(self, kind: str) -> str:
        """All parts of a kind in the order of their numbers."""
        return "".join(part.text for (own, _), part in sorted(self.parts.items()) if own == kind)

    def describe(self, value: Mapping[str, Any]) -> list[str]:
        """Take what an item object says; the kinds of part that it brought for the first time."""
        self.type = text_of(value, "type") or self.type
        self.name = text_of(value, "name") or self.name
        self.call_id = text_of(value, "call_id") or self.call_id
        member = CALL_TYPES.get(self.type)
        found = [("arguments", 0, text_of_arguments(value.get(member)))] if member else []
        for name in ("content", "summary"):
            parts = value.get(name)
            for index, part in enumerate(parts if isinstance(parts, list) else []):
                kind, text = _CONTENT_KINDS.get(text_of(part, "type"), ("", ""))
                if kind:
                    found.append((kind, index, part.get(text)))
        return [kind for kind, index, text in found if self.finish(kind, index, text)]

    def finish(self, kind: str, index: object, text: object) -> bool:
        """Take a final text; True if nothing was known of it before."""
        if not isinstance(text, str) or not text:
            return False
        part = self.part(kind, index)
        is_news = not part.deltas and not part.final
        part.final = text
        return is_news


class _Assembly:
    """The items of one response, as its events come."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.marks: list[Mark] = []
        self.usages: list[UsageSeen] = []
        self.facts = Facts()
        self.model: str | None = None
        self.response: Mapping[str, Any] = {}
        self.end: TypedEvent | None = None
        self._by_id: dict[str, Item] = {}
        self._by_index: dict[int, Item] = {}

    def take(self, one: TypedEvent) -> None:
        """Merge one event; unknown types are ignored."""
        family, _, step = one.type.rpartition(".")
        value = one.value
        if family in PARTS and step in ("delta", "done"):
            kind, number, member = PARTS[family]
            item = self._item(one.event, value.get("item_id"), value.get("output_index"))
            if step == "done":
                self._mark(one, [kind] if item.finish(kind, value.get(number), value.get(member)) else [])
                return
            delta = value.get("delta")
            if isinstance(delta, str) and delta:
                item.part(kind, value.get(number)).deltas.append(delta)
                self._mark(one, [kind])
        elif family == "response.output_item" and isinstance(value.get("item"), dict):
            described, opens = value["item"], step == "added"
            item = self._item(one.event, described.get("id"), value.get("output_index"), opens=opens)
            note_item(described, one.event, self.facts)
            self._mark(one, item.describe(described))
        elif one.type in TERMINAL_TYPES or isinstance(value.get("response"), dict):
            self.response = value["response"] if isinstance(value.get("response"), dict) else {}
            self.model = self.model or text_of(self.response, "model") or None
            self.usages += usages_of(self.response, one.event)
            if one.type in TERMINAL_TYPES:
                self.end = one

    def _item(self, event: int, item_id: object, index: object, *, opens: bool = False) -> Item:
        """The item that an event is about: by id, else by index, else a new one."""
        known = self._by_id.get(item_id) if isinstance(item_id, str) else None
        if known is None and type(index) is int and not (opens and item_id and index in self._by_index):
            known = self._by_index.get(index)
        if known is None:
            known = Item("", event)
            self.items.append(known)
        if isinstance(item_id, str) and item_id:
            self._by_id[item_id] = known
        if type(index) is int:
            self._by_index[index] = known
        return known

    def _mark(self, one: TypedEvent, kinds: Sequence[str]) -> None:
        for kind in dict.fromkeys(_MARKS[kind] for kind in kinds):
            self.marks.append((one.t_ns, kind, one.event))


class ResponsesDialect(TypedDialect):
    """POST /responses."""

    name = "responses"
    route = "/responses"
    document_member = ("object", "response")

    def assemble(self, typed: Sequence[TypedEvent], head: RawHead | None) -> Assembled:
        """Items from events; the final response stands in for what no event brought."""
        assembly = _Assembly()
        for one in typed:
            if assembly.end is None:
                assembly.take(one)
        end, response = assembly.end, assembly.response
        streamed = _parts_of(assembly.items)
        final = _parts_of(items_of(response, end.event)) if end is not None else streamed
        parts = {name: streamed[name] or final[name] for name in streamed}
        status = text_of(response, "status") or (end.type.rpartition(".")[2] if end is not None else "")
        calls: list[Call] = parts.pop("calls")
        output = Output(
            **parts,
            tool_calls=output_calls(calls),
            finish_reason=_finish_reason(response, status if end is not None else "", calls),
            usage=usage_of(response),
            served_model=assembly.model,
        )
        choice = choice_of(
            output, calls, _own_reason(response or {"status": status}), None if end is None else end.event
        )
        choice.has_other = _has_other(assembly.items)
        failed = None
        if end is not None and end.type == "response.failed":
            failed = failure_of_object({"error": response.get("error") or _NO_REASON}, head=head)
        return Assembled(
            output=output,
            choice=choice,
            usages=assembly.usages,
            facts=assembly.facts,
            marks=assembly.marks,
            end=end,
            finished=end is not None,
            failure=failed,
        )

    def answer(self, document: Mapping[str, Any]) -> Assembled:
        """What a response object holds."""
        facts, items = Facts(), items_of(document, None)
        for value in _objects(document.get("output")):
            note_item(value, None, facts)
        parts = _parts_of(items)
        calls: list[Call] = parts.pop("calls")
        output = Output(
            **parts,
            tool_calls=output_calls(calls),
            finish_reason=_finish_reason(document, text_of(document, "status") or "completed", calls),
            usage=usage_of(document),
            served_model=text_of(document, "model") or None,
        )
        choice = choice_of(output, calls, _own_reason(document), None)
        choice.has_other = _has_other(items)
        return Assembled(output=output, choice=choice, usages=usages_of(document, None), facts=facts)


def text_of_arguments(value: object) -> object:
    """What to call a tool with, as text: a JSON value of another type is written as JSON."""
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def note_item(item: Mapping[str, Any], event: int | None, facts: Facts) -> None:
    """What is odd about an item object."""
    given = item.get(CALL_TYPES.get(text_of(item, "type"), ""))
    if given is not None and not isinstance(given, str):
        facts.note("arguments_not_text", event)
    for name, parts in (("content", item.get("content")), ("summary", item.get("summary"))):
        for part in _objects(parts) if text_of(item, "type") == "reasoning" else ():
            text = part.get("text")
            if text is not None and not isinstance(text, str):
                facts.note("reasoning_type", event, f"text of {name} is {brief(text)}")


def usages_of(response: Mapping[str, Any], event: int | None) -> list[UsageSeen]:
    """The usage object of a response object."""
    usage = response.get("usage")
    return [UsageSeen(usage, event, apart=False)] if isinstance(usage, dict) else []


def usage_of(response: Mapping[str, Any]) -> Usage | None:
    """Token counts of a response object, in chat's words; None if it has no usage object."""
    usage = response.get("usage")
    if not isinstance(usage, dict):
        return None
    inputs, outputs = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    return Usage(
        prompt_tokens=count(usage.get("input_tokens")),
        completion_tokens=count(usage.get("output_tokens")),
        total_tokens=count(usage.get("total_tokens")),
        cached_tokens=count(inputs.get("cached_tokens")) if isinstance(inputs, dict) else None,
        reasoning_tokens=count(outputs.get("reasoning_tokens")) if isinstance(outputs, dict) else None,
        cost=float(usage["cost"]) if type(usage.get("cost")) in (int, float) else None,
    )


def items_of(response: Mapping[str, Any], event: int | None) -> list[Item]:
    """The items that a response object holds."""
    items = []
    for value in _objects(response.get("output")):
        items.append(Item("", event))
        items[-1].describe(value)
    return items


def _objects(values: object) -> list[dict[str, Any]]:
    """The objects of an array; none if it is no array."""
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []


def _parts_of(items: Sequence[Item]) -> dict[str, Any]:
    """What items make: the texts of an Output, and the calls."""
    return {
        "text": "".join(item.text_of("text") for item in items),
        "reasoning": "".join(item.text_of("reasoning") or item.text_of("summary") for item in items),
        "refusal": "".join(item.text_of("refusal") for item in items),
        "calls": [
            Call.of(
                item.event,
                item.call_id,
                item.name,
                item.text_of("arguments"),
                custom=item.type == "custom_tool_call",
            )
            for item in items
            if item.type in CALL_TYPES
        ],
    }


def _has_other(items: Sequence[Item]) -> bool:
    """Whether there is an item of a kind that is not read."""
    return any(item.type not in ("", "message", "reasoning", *CALL_TYPES) for item in items)


def _own_reason(response: Mapping[str, Any]) -> str | None:
    """Why the response is incomplete, else its status; None if it says neither."""
    return text_of(response.get("incomplete_details"), "reason") or text_of(response, "status") or None


def _finish_reason(response: Mapping[str, Any], status: str, calls: Sequence[Call]) -> str | None:
    """Chat's word for how the response ended; None while it goes on, or if it failed."""
    if status == "completed":
        return "tool_calls" if calls else "stop"
    if status != "incomplete":
        return None
    reason = text_of(response.get("incomplete_details"), "reason")
    return _REASONS.get(reason, reason or status)


DIALECT: Final = ResponsesDialect()
