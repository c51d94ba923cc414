"""The Responses dialect: typed events, or one response object, → Output.

Items are known by their id, else by `output_index`; deltas are joined by item and part. What only a done event
or the final response holds counts too. Tool calls carry `call_id`, the id to answer, not the id of their item.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from byok_bench.dialects.answer import Facts, UsageObject
from byok_bench.dialects.dialect import Mark, OutputKind
from byok_bench.dialects.failures.classification import classify_error_object
from byok_bench.dialects.fragments import read_member_text
from byok_bench.dialects.output import Output, Usage
from byok_bench.dialects.responses.items import (
    CALL_TYPES,
    CANDIDATE_LIMIT,
    ResponseItem,
    as_objects,
    note_item,
    read_item_texts,
    read_response_items,
)
from byok_bench.dialects.token_counts import find_token_count, to_token_count
from byok_bench.dialects.tool_calls import Call
from byok_bench.dialects.typed_events.dialect import AssembledAnswer, TypedDialect, make_choice, to_tool_calls
from byok_bench.dialects.typed_events.events import TypedEvent
from byok_bench.wire.failures import make_failure
from byok_bench.wire.raw_exchange import RawHead

TERMINAL_TYPES: Final = ("response.completed", "response.incomplete", "response.failed")
STATUSES: Final = ("completed", "incomplete", "failed", "in_progress", "queued", "cancelled")
"""openai/openai-python src/openai/types/responses/response_status.py"""
INCOMPLETE_REASONS: Final = ("max_output_tokens", "max_messages", "content_filter", "steered")
"""openai/openai-python src/openai/types/responses/response.py"""
PART_FAMILIES: Final = {
    "response.output_text": ("text", "content_index", "text"),
    "response.refusal": ("refusal", "content_index", "refusal"),
    "response.reasoning_text": ("reasoning", "content_index", "text"),
    "response.reasoning": ("reasoning", "content_index", "text"),
    "response.reasoning_summary_text": ("summary", "summary_index", "text"),
    "response.reasoning_summary": ("summary", "summary_index", "text"),
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
_NO_REASON: Final = "the response failed, and the server does not say why"
UNFINISHED_STATUSES: Final = ("in_progress", "queued")
_REASONS: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


class ResponseAssembly:
    """The items of one response, as its events come."""

    def __init__(self) -> None:
        self.items: list[ResponseItem] = []
        self.marks: list[Mark] = []
        self.usages: list[UsageObject] = []
        self.facts = Facts()
        self.model: str | None = None
        self.response: Mapping[str, Any] = {}
        self.end: TypedEvent | None = None
        self._by_id: dict[str, ResponseItem] = {}
        self._by_index: dict[int, ResponseItem] = {}
        self._strays: list[ResponseItem] = []
        """Items that were begun by an event that is no item's own."""

    def take(self, one: TypedEvent) -> None:
        """Merge one event; unknown types are ignored."""
        family, _, step = one.type.rpartition(".")
        value = one.value
        if family in PART_FAMILIES and step in ("delta", "done"):
            kind, number, member = PART_FAMILIES[family]
            item = self._find_or_open_item(
                one.event, value.get("item_id"), value.get("output_index"), stray=True
            )
            if step == "done":
                self._claim_stray(item, kind, value.get(member))
                self._mark_output(
                    one, [kind] if item.take_final_text(kind, value.get(number), value.get(member)) else []
                )
                return
            delta = read_delta_text(value)
            if delta:
                item.add_delta(kind, value.get(number), delta)
                self._mark_output(one, [kind])
        elif family == "response.output_item" and isinstance(value.get("item"), dict):
            described, opens = value["item"], step == "added"
            item = self._find_or_open_item(
                one.event, described.get("id"), value.get("output_index"), opens=opens
            )
            note_item(described, one.event, self.facts)
            texts = {} if opens else read_item_texts(described, read_member_text(described, "type"))
            for kind, found in texts.items():
                self._claim_stray(item, kind, "".join(found.values()))
            self._mark_output(one, item.take_object(described))
        elif one.type in TERMINAL_TYPES or isinstance(value.get("response"), dict):
            self.response = value["response"] if isinstance(value.get("response"), dict) else {}
            self.model = self.model or read_member_text(self.response, "model") or None
            self.usages += list_response_usages(self.response, one.event)
            if one.type in TERMINAL_TYPES:
                self.end = one

    def _find_or_open_item(
        self, event: int, item_id: object, index: object, *, opens: bool = False, stray: bool = False
    ) -> ResponseItem:
        """The item that an event is about: by id, else by index, else the one that is open, else a new one."""
        known = self._by_id.get(item_id) if isinstance(item_id, str) else None
        if known is None and type(index) is int and not (opens and item_id and index in self._by_index):
            known = self._by_index.get(index)
        if known is None and not item_id and type(index) is not int and self.items:
            known = self.items[-1]
        if known is None:
            known = ResponseItem("", event)
            self.items.append(known)
            if stray and len(self._strays) < CANDIDATE_LIMIT:
                self._strays.append(known)
        if isinstance(item_id, str) and item_id:
            self._by_id[item_id] = known
        if type(index) is int:
            self._by_index[index] = known
        return known

    def _claim_stray(self, item: ResponseItem, kind: str, text: object) -> None:
        """Deltas that named no item, or one that never came, are those of the item that is told to have their
        text."""
        if not isinstance(text, str) or not text or item.parts.get(kind):
            return
        for stray in self._strays:
            if stray is not item and not stray.is_described and stray.has_same_text(kind, text):
                item.take_over(stray)
                self._strays.remove(stray)
                self.items.remove(stray)
                return

    def _mark_output(self, one: TypedEvent, kinds: Sequence[str]) -> None:
        for kind in dict.fromkeys(_MARKS[kind] for kind in kinds):
            self.marks.append((one.t_ns, kind, one.event))


def read_delta_text(event: Mapping[str, Any]) -> str:
    """The text that a delta event brings, as a string or as the text of an object; empty if it is neither."""
    delta = event.get("delta")
    text = delta.get("text") if isinstance(delta, dict) else delta
    return text if isinstance(text, str) else ""


class ResponsesDialect(TypedDialect):
    """POST /responses."""

    name = "responses"
    route = "/responses"
    event_prefixes = ("response.",)
    terminator = "responses"

    def assemble_events(self, typed: Sequence[TypedEvent], head: RawHead | None) -> AssembledAnswer:
        """Items from events; the final response stands in for what no event brought."""
        assembly = ResponseAssembly()
        for one in typed:
            if assembly.end is None:
                assembly.take(one)
        end, response = assembly.end, assembly.response
        streamed = join_items(assembly.items)
        final = join_items(read_response_items(response, end.event)) if end is not None else streamed
        parts = {name: streamed[name] or final[name] for name in streamed}
        status = find_response_status(response, end.type.rpartition(".")[2]) if end is not None else ""
        said = assemble_response(parts, response, status, end.event if end is not None else None, head)
        said.choice.has_other = has_other_output(assembly.items)
        said.choice.is_cumulative = any(
            part.is_cumulative for item in assembly.items for part in item.parts.get("text", {}).values()
        )
        return msgspec.structs.replace(
            said,
            output=msgspec.structs.replace(said.output, served_model=assembly.model),
            usages=assembly.usages,
            facts=assembly.facts,
            marks=assembly.marks,
            end=end,
            is_finished=end is not None,
        )

    def is_answer(self, document: Mapping[str, Any]) -> bool:
        """Labelled as a response, or with what a response has."""
        return document.get("object") == "response" or "output" in document

    def has_answer(self, document: Mapping[str, Any]) -> bool:
        """Whether there are items to read."""
        return isinstance(document.get("output"), list)

    def assemble_document(
        self, document: Mapping[str, Any], request: Mapping[str, Any], head: RawHead
    ) -> AssembledAnswer:
        """What a response object holds. One that goes on is what was asked for with `background`."""
        facts = Facts()
        for value in as_objects(document.get("output")):
            note_item(value, None, facts)
        items = read_response_items(document, None)
        said = assemble_response(join_items(items), document, find_response_status(document, ""), None, head)
        said.choice.has_other = has_other_output(items)
        said.choice.is_opened = isinstance(document.get("output"), list)
        goes_on = (
            read_member_text(document, "status") in UNFINISHED_STATUSES and request.get("background") is True
        )
        return msgspec.structs.replace(
            said,
            usages=list_response_usages(document, None),
            facts=facts,
            failure=None if goes_on else said.failure,
        )


def assemble_response(
    parts: dict[str, Any], response: Mapping[str, Any], status: str, event: int | None, head: RawHead | None
) -> AssembledAnswer:
    """What items and the members of a response make; `event` is where it ended."""
    calls: list[Call] = parts.pop("calls")
    output = Output(
        **parts,
        tool_calls=to_tool_calls(calls),
        finish_reason=_to_finish_reason(response, status, calls),
        usage=read_response_usage(response),
        served_model=read_member_text(response, "model") or None,
    )
    said_nothing = not (output.text or output.reasoning or output.refusal or calls)
    failed = None
    if status == "failed":
        failed = classify_error_object({"error": response.get("error") or _NO_REASON}, head=head)
    elif status == "cancelled" or (status in UNFINISHED_STATUSES and said_nothing):
        failed = make_failure("protocol", "body" if event is None else "stream", f"the response is {status}")
    choice = make_choice(output, calls, _find_own_reason(response or {"status": status}), event)
    return AssembledAnswer(output=output, choice=choice, usages=[], facts=Facts(), failure=failed)


def find_response_status(response: Mapping[str, Any], named: str) -> str:
    """How a response stands by its status and, in a stream, by the terminal event; the worse word counts."""
    told = read_member_text(response, "status")
    return next((word for word in ("failed", "incomplete") if word in (told, named)), told or named)


def list_response_usages(response: Mapping[str, Any], event: int | None) -> list[UsageObject]:
    """The usage object of a response object."""
    usage = response.get("usage")
    return [UsageObject(usage, event, is_apart=False)] if isinstance(usage, dict) else []


def read_response_usage(response: Mapping[str, Any]) -> Usage | None:
    """Token counts of a response object, in chat's words; None if it has no usage object."""
    usage = response.get("usage")
    if not isinstance(usage, dict):
        return None
    inputs, outputs = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    return Usage(
        prompt_tokens=find_token_count(usage, "input_tokens", "prompt_tokens"),
        completion_tokens=find_token_count(usage, "output_tokens", "completion_tokens"),
        total_tokens=to_token_count(usage.get("total_tokens")),
        cached_tokens=to_token_count(inputs.get("cached_tokens")) if isinstance(inputs, dict) else None,
        reasoning_tokens=to_token_count(outputs.get("reasoning_tokens"))
        if isinstance(outputs, dict)
        else None,
        cost=float(usage["cost"]) if type(usage.get("cost")) in (int, float) else None,
    )


def join_items(items: Sequence[ResponseItem]) -> dict[str, Any]:
    """What items make: the texts of an Output, and the calls."""
    return {
        "text": "".join(item.join_parts("text") for item in items),
        "reasoning": "".join(item.join_parts("reasoning") or item.join_parts("summary") for item in items),
        "refusal": "".join(item.join_parts("refusal") for item in items),
        "calls": [
            Call.from_parts(
                item.event,
                item.call_id,
                item.name,
                item.join_parts("arguments"),
                custom=item.type == "custom_tool_call",
            )
            for item in items
            if item.type in CALL_TYPES
        ],
    }


def has_other_output(items: Sequence[ResponseItem]) -> bool:
    """Whether there is an item of a kind that is not read."""
    return any(item.type not in ("", "message", "reasoning", *CALL_TYPES) for item in items)


def _find_own_reason(response: Mapping[str, Any]) -> str | None:
    """Why the response is incomplete, else its status; None if it says neither."""
    return (
        read_member_text(response.get("incomplete_details"), "reason")
        or read_member_text(response, "status")
        or None
    )


def _to_finish_reason(response: Mapping[str, Any], status: str, calls: Sequence[Call]) -> str | None:
    """Chat's word for how the response ended; None while it goes on, or if it failed."""
    if status == "completed":
        return "tool_calls" if calls else "stop"
    if status != "incomplete":
        return None
    reason = read_member_text(response.get("incomplete_details"), "reason")
    return _REASONS.get(reason, reason or status)


DIALECT: Final = ResponsesDialect()
