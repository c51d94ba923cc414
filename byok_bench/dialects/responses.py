"""The Responses dialect: typed events, or one response object, → Output.

Items are known by their id, else by `output_index`; deltas are joined by item and part. What only a done event
or the final response holds counts too. Tool calls carry `call_id`, the id to answer, not the id of their item.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from byok_bench.dialects.base import Mark, OutputKind
from byok_bench.dialects.classify import failure_of_object
from byok_bench.dialects.fragments import text_of, whole
from byok_bench.dialects.output import Output, ToolCall, Usage
from byok_bench.dialects.typed import Assembled, TypedDialect, TypedEvent
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

    def __init__(self, type: str) -> None:
        self.type = type
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
        found = [("arguments", 0, value.get(member))] if member else []
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
            item = self._item(value.get("item_id"), value.get("output_index"))
            if step == "done":
                self._mark(one, [kind] if item.finish(kind, value.get(number), value.get(member)) else [])
                return
            delta = value.get("delta")
            if isinstance(delta, str) and delta:
                item.part(kind, value.get(number)).deltas.append(delta)
                self._mark(one, [kind])
        elif family == "response.output_item" and isinstance(value.get("item"), dict):
            item = self._item(value["item"].get("id"), value.get("output_index"), opens=step == "added")
            self._mark(one, item.describe(value["item"]))
        elif one.type in TERMINAL_TYPES or isinstance(value.get("response"), dict):
            self.response = value["response"] if isinstance(value.get("response"), dict) else {}
            self.model = self.model or text_of(self.response, "model") or None
            if one.type in TERMINAL_TYPES:
                self.end = one

    def _item(self, item_id: object, index: object, *, opens: bool = False) -> Item:
        """The item that an event is about: by id, else by index, else a new one."""
        known = self._by_id.get(item_id) if isinstance(item_id, str) else None
        if known is None and type(index) is int and not (opens and item_id and index in self._by_index):
            known = self._by_index.get(index)
        if known is None:
            known = Item("")
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
        final = _parts_of(_items_of(response)) if end is not None else streamed
        parts = {name: streamed[name] or final[name] for name in streamed}
        status = text_of(response, "status") or (end.type.rpartition(".")[2] if end is not None else "")
        output = Output(
            **parts,
            finish_reason=_finish_reason(response, status if end is not None else "", parts["tool_calls"]),
            usage=usage_of(response),
            served_model=assembly.model,
        )
        failed = None
        if end is not None and end.type == "response.failed":
            failed = failure_of_object({"error": response.get("error") or _NO_REASON}, head=head)
        return Assembled(
            output=output, marks=assembly.marks, end=end, finished=end is not None, failure=failed
        )

    def answer(self, document: Mapping[str, Any]) -> Output:
        """Output of a response object."""
        parts = _parts_of(_items_of(document))
        return Output(
            **parts,
            finish_reason=_finish_reason(
                document, text_of(document, "status") or "completed", parts["tool_calls"]
            ),
            usage=usage_of(document),
            served_model=text_of(document, "model") or None,
        )


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


def _items_of(response: Mapping[str, Any]) -> list[Item]:
    """The items that a response object holds."""
    items = []
    output = response.get("output")
    for value in output if isinstance(output, list) else []:
        if isinstance(value, dict):
            items.append(Item(""))
            items[-1].describe(value)
    return items


def _parts_of(items: Sequence[Item]) -> dict[str, Any]:
    """The members of Output that items make."""
    return {
        "text": "".join(item.text_of("text") for item in items),
        "reasoning": "".join(item.text_of("reasoning") or item.text_of("summary") for item in items),
        "refusal": "".join(item.text_of("refusal") for item in items),
        "tool_calls": tuple(
            ToolCall(id=item.call_id, name=item.name, arguments=item.text_of("arguments"))
            for item in items
            if item.type in CALL_TYPES
        ),
    }


def _finish_reason(response: Mapping[str, Any], status: str, calls: Sequence[ToolCall]) -> str | None:
    """Chat's word for how the response ended; None while it goes on, or if it failed."""
    if status == "completed":
        return "tool_calls" if calls else "stop"
    if status != "incomplete":
        return None
    reason = text_of(response.get("incomplete_details"), "reason")
    return _REASONS.get(reason, reason or status)


DIALECT: Final = ResponsesDialect()
