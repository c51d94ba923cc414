"""Rules about streams of the Responses API: numbering, naming, the life of items, and the final response."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.seen import Seen
from byok_bench.dialects.fragments import brief, whole
from byok_bench.dialects.responses import CALL_TYPES, PARTS, TERMINAL_TYPES
from byok_bench.dialects.typed import Key, TypedEvent, TypedReading

_ENDS: Final = (*TERMINAL_TYPES, "error")
_CONTENT: Final = {
    "output_text": ("text", "text"),
    "refusal": ("refusal", "refusal"),
    "reasoning_text": ("reasoning", "text"),
}
"""Type of a content part → kind of its deltas, and the member that holds its text."""


@check("responses.terminal-event", ERROR, applies_to="responses")
def terminal_event(seen: Seen) -> Iterator[Hit]:
    """End with completed, incomplete or failed.

    Rule: the last event of a stream, and no other, is response.completed, response.incomplete or
    response.failed (or error). It needs no [DONE], and one that comes is no fault; an error may come before
    response.failed.
    Why: Codex gives up with "stream closed before response.completed" and asks again.
    Seen in: Wei-Shaw/sub2api#2245; router-for-me/CLIProxyAPI#5028
    """
    stream = _stream(seen)
    if stream is None or stream.unframed_error_at is not None:
        return
    ends = [one for one in stream.typed if _is_end(one)]
    if not ends:
        yield Hit("the stream has no terminal event", event=stream.typed[-1].event)
        return
    if len(ends) > 1 and not (len(ends) == 2 and _is_error(ends[0]) and ends[1].type == "response.failed"):
        yield Hit(f"{ends[1].type} follows {ends[0].type or 'error'}", event=ends[1].event)
    after = next((one for one in stream.typed if one.event > ends[-1].event), None)
    if after is not None:
        yield Hit(f"{after.type or 'an event'} follows {ends[-1].type or 'error'}", event=after.event)


@check("responses.sequence", WARN, applies_to="responses")
def sequence(seen: Seen) -> Iterator[Hit]:
    """Count sequence_number up.

    Rule: sequence_number of each event is an integer, and greater than the one before.
    Why: logic that resumes or reorders a stream breaks.
    Seen in: https://developers.openai.com/api/reference/resources/beta/subresources/responses/streaming-events
    """
    last: int | None = None
    for one in _typed(seen):
        number = one.value.get("sequence_number")
        if type(number) is not int:
            yield Hit(f"sequence_number of {one.type or 'an event'} is {str(number)[:40]}", event=one.event)
            continue
        if last is not None and number <= last:
            yield Hit(f"sequence_number {number} follows {last}", event=one.event)
        last = number


@check("responses.event-match", WARN, applies_to="responses")
def event_match(seen: Seen) -> Iterator[Hit]:
    """Name SSE events like data.type.

    Rule: data.type is always there, and the event field, if there is one, is equal to it.
    Why: routers of events drop the data.
    Seen in: https://hexdocs.pm/open_responses/streaming.html
    """
    for one in _typed(seen):
        if not one.type:
            yield Hit(f"the data of event {one.name or '(unnamed)'} has no type", event=one.event)
        elif one.name and one.name != one.type:
            yield Hit(
                f"the event is named {one.name[:80]!r}, and its data has type {one.type[:80]!r}", one.event
            )


@check("responses.item-lifecycle", ERROR, applies_to="responses")
def item_lifecycle(seen: Seen) -> Iterator[Hit]:
    """Open items before deltas, close them after.

    Rule: each output_index is opened by response.output_item.added, filled by deltas and closed by
    response.output_item.done, and what the done events repeat is what the deltas add up to. Items that a
    response which is not completed left open are not judged.
    Why: a reader that files deltas under their item has no place for those of an unknown one.
    Seen in: openai/openai-python src/openai/types/responses
    """
    items: dict[Key, _Life] = {}
    completed: TypedEvent | None = None
    for one in _typed(seen):
        if _is_end(one):
            completed = one if one.type == "response.completed" else None
            break
        family, _, step = one.type.rpartition(".")
        index = one.key("output_index")
        if one.type == "response.output_item.added":
            if index in items and not items[index].done:
                yield Hit(f"item {index} is added again before it is done", event=one.event)
            items[index] = _Life()
        elif (family in PARTS and step in ("delta", "done")) or one.type == "response.output_item.done":
            if index not in items:
                yield Hit(f"{one.type} for item {index}, which was not added", event=one.event)
                items[index] = _Life()
            yield from items[index].take(one, family, step)
    for index, life in items.items():
        if completed is not None and not life.done:
            yield Hit(f"item {index} is not done when the response is completed", event=completed.event)


@check("responses.completed-output", ERROR, applies_to="responses")
def completed_output(seen: Seen) -> Iterator[Hit]:
    """Fill response.output in response.completed.

    Rule: response.completed.response.output holds every item that was done, and usage is there.
    Why: whoever skips the deltas and takes the last event has nothing to show.
    Seen in: QuantumNous/new-api#4362; decolua/9router#705
    """
    done: list[Mapping[str, Any]] = []
    for one in _typed(seen):
        item, response = one.value.get("item"), one.value.get("response")
        if one.type == "response.output_item.done" and isinstance(item, dict):
            done.append(item)
        if one.type == "response.completed":
            yield from _final(response if isinstance(response, dict) else {}, done, one.event)
            return


class _Life:
    """One item, from added to done."""

    def __init__(self) -> None:
        self.done = False
        self._deltas: dict[tuple[str, Key], list[str]] = {}

    def take(self, one: TypedEvent, family: str, step: str) -> Iterator[Hit]:
        """What an event of the item breaks."""
        index = one.key("output_index")
        if self.done:
            yield Hit(f"{one.type} for item {index}, which was done", event=one.event)
        if one.type == "response.output_item.done":
            self.done = True
            item = one.value.get("item")
            yield from self._close(item if isinstance(item, dict) else {}, one)
            return
        kind, number, member = PARTS[family]
        key = (kind, one.key(number) or 0)
        if step == "done":
            yield from self._compare(key, one.value.get(member), one)
        elif isinstance(one.value.get("delta"), str):
            self._deltas.setdefault(key, []).append(one.value["delta"])

    def _close(self, item: Mapping[str, Any], one: TypedEvent) -> Iterator[Hit]:
        call = CALL_TYPES.get(str(item.get("type")))
        if call is not None:
            yield from self._compare(("arguments", 0), item.get(call), one)
        content = item.get("content")
        for number, part in enumerate(content if isinstance(content, list) else []):
            kind, member = (
                _CONTENT.get(str(part.get("type")), ("", "")) if isinstance(part, dict) else ("", "")
            )
            if kind:
                yield from self._compare((kind, number), part.get(member), one)

    def _compare(self, key: tuple[str, Key], final: object, one: TypedEvent) -> Iterator[Hit]:
        joined = whole("".join(self._deltas.get(key, ())))
        if isinstance(final, str) and whole(final) != joined:
            yield Hit(
                f"{one.type} has {key[0]} of {len(final)} characters, its deltas make {len(joined)} others",
                event=one.event,
            )


def _final(response: Mapping[str, Any], done: list[Mapping[str, Any]], event: int) -> Iterator[Hit]:
    """What the final response lacks. Items are matched by id where both have one, else by type and call."""
    output = response.get("output")
    held = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    ids = {_id(item) for item in held}
    nameless = Counter(_kind(item) for item in held if not _id(item))
    kinds = Counter(_kind(item) for item in held)
    for item in done:
        if _id(item) and _id(item) in ids:
            continue
        matching = nameless if _id(item) else kinds
        matching[_kind(item)] -= 1
        if matching[_kind(item)] < 0:
            yield Hit(f"response.output lacks the finished {brief(item.get('type'))} item", event=event)
    if not isinstance(response.get("usage"), dict):
        yield Hit("response.completed has no usage", event=event)


def _id(item: Mapping[str, Any]) -> str:
    return str(item.get("id") or "")


def _kind(item: Mapping[str, Any]) -> tuple[str, str]:
    return str(item.get("type")), str(item.get("call_id"))


def _stream(seen: Seen) -> TypedReading | None:
    """The reading of a stream with at least one object."""
    stream = seen.typed
    return stream if stream is not None and stream.shape == "stream" and stream.typed else None


def _typed(seen: Seen) -> list[TypedEvent]:
    stream = _stream(seen)
    return stream.typed if stream is not None else []


def _is_error(one: TypedEvent) -> bool:
    return one.type not in TERMINAL_TYPES


def _is_end(one: TypedEvent) -> bool:
    return one.type in _ENDS or one.name == "error" or bool(one.value.get("error"))
