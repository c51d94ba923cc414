"""Rules about the items of a streamed response: opened, filled, closed, and all there in the end."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.rules.responses import is_end
from byok_bench.checks.rules.typed_answers import is_filled, list_typed_events
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.fragments import join_surrogates, render_value
from byok_bench.dialects.responses.assembly import PART_FAMILIES, read_delta_text
from byok_bench.dialects.responses.items import CALL_TYPES, CANDIDATE_LIMIT, CONTENT_KINDS, ItemPart
from byok_bench.dialects.typed_events.events import Identity, TypedEvent

_Place = tuple[str, Identity]
"""Kind of a part, and its number in the item."""
_COMPARED: Final = ("text", "refusal", "reasoning")
"""Kinds of which the finished item holds the parts that the deltas brought; summaries are written anew."""


@check("responses.item-lifecycle", ERROR, applies_to="responses", streams_only=True)
def item_lifecycle(seen: SeenExchange) -> Iterator[Hit]:
    """Open items before deltas, close them after.

    Rule: each output_index (or item_id, where there is none) is opened by response.output_item.added, filled by
    deltas that name the same item and place, and closed by response.output_item.done, and what the done events
    repeat is what the deltas add up to (a warning where no deltas came, and everything is in the done event).
    Items that a response which is not completed left open are not judged.
    Why: a reader that files deltas under their item has no place for those of an unknown one.
    Seen in: openai/openai-python src/openai/types/responses; BerriAI/litellm#30071; vllm-project/vllm#35184
    """
    items: dict[Identity, _ItemLife] = {}
    by_id: dict[str, Identity] = {}
    completed: TypedEvent | None = None
    for one in list_typed_events(seen):
        if is_end(one):
            completed = one if one.type == "response.completed" else None
            break
        family, _, step = one.type.rpartition(".")
        at = one.read_identity("output_index")
        if one.type == "response.output_item.added":
            at = at if at is not None else _get_id(_get_item(one)) or None
            if at in items and not items[at].done:
                yield Hit(f"item {at} is added again before it is done", event=one.event)
            items[at] = _ItemLife(_get_id(_get_item(one)))
            by_id[items[at].id] = at
        elif (family in PART_FAMILIES and step in ("delta", "done")) or one.type == "response.output_item.done":
            named = one.value.get("item_id") or _get_id(_get_item(one))
            at = at if at is not None else by_id.get(str(named)) if named else None
            if at not in items:
                yield Hit(f"{one.type} for item {at}, which was not added", event=one.event)
                items[at] = _ItemLife("")
            yield from items[at].take(one, at)
    for index, life in items.items():
        if completed is not None and not life.done:
            yield Hit(f"item {index} is not done when the response is completed", event=completed.event)


@check("responses.completed-output", ERROR, applies_to="responses", streams_only=True)
def completed_output(seen: SeenExchange) -> Iterator[Hit]:
    """Fill response.output in response.completed.

    Rule: response.completed.response.output holds every item that was done, under its id, and the text that was
    streamed; usage is there.
    Why: whoever skips the deltas and takes the last event has nothing to show, or something else.
    Seen in: QuantumNous/new-api#4362; decolua/9router#705; vercel/ai#18548
    """
    done: list[Mapping[str, Any]] = []
    texts: dict[tuple[Identity, Identity], ItemPart] = {}
    for one in list_typed_events(seen):
        response, delta = one.value.get("response"), one.value.get("delta")
        if one.type == "response.output_item.done" and _get_item(one):
            done.append(_get_item(one))
        elif one.type == "response.output_text.delta" and isinstance(delta, str):
            texts.setdefault((one.read_identity("output_index"), one.read_identity("content_index")), ItemPart()).add(
                delta
            )
        elif one.type == "response.output_text.done":
            _add_untold(texts, one)
        elif one.type == "response.completed":
            final = response if isinstance(response, dict) else {}
            said = [part.text for part in texts.values() if part.text]
            yield from _judge_final(final, done, said, one.event)
            return


def _add_untold(texts: dict[tuple[Identity, Identity], ItemPart], one: TypedEvent) -> None:
    """A text that came without deltas, in one piece."""
    item, text = one.read_identity("output_index"), one.value.get("text")
    known = (part for (of, _), part in itertools.islice(texts.items(), CANDIDATE_LIMIT) if of in (item, None))
    if isinstance(text, str) and not any(part.has_same_text(text) for part in known):
        texts.setdefault((item, one.read_identity("content_index")), ItemPart()).final = text


class _ItemLife:
    """One item, from added to done."""

    def __init__(self, id: str) -> None:
        self.id = id
        """As it was added; empty if it was added without."""
        self.done = False
        self._deltas: dict[_Place, ItemPart] = {}
        self._told: set[_Place] = set()
        """Places whose deltas a done event repeated."""

    def take(self, one: TypedEvent, index: Identity) -> Iterator[Hit]:
        """What an event of the item breaks."""
        if self.done:
            yield Hit(f"{one.type} for item {index}, which was done", event=one.event)
        if one.type == "response.output_item.done":
            self.done = True
            yield from self._judge_id(_get_id(_get_item(one)), one, index)
            yield from self._close(_get_item(one), one)
            return
        yield from self._judge_id(one.value.get("item_id"), one, index)
        family, _, step = one.type.rpartition(".")
        kind, number, member = PART_FAMILIES[family]
        place = (kind, one.read_identity(number) or 0)
        if step == "done":
            yield from self._compare(place, one.value.get(member), one)
        elif read_delta_text(one.value):
            self._deltas.setdefault(place, ItemPart()).add(read_delta_text(one.value))

    def _judge_id(self, id: object, one: TypedEvent, index: Identity) -> Iterator[Hit]:
        if self.id and is_filled(id) and id != self.id:
            yield Hit(
                f"{one.type} is for item {render_value(id)}, which was not added: "
                f"item {index} is {render_value(self.id)}",
                event=one.event,
            )

    def _close(self, item: Mapping[str, Any], one: TypedEvent) -> Iterator[Hit]:
        call = CALL_TYPES.get(str(item.get("type")))
        if call is not None:
            yield from self._compare(("arguments", 0), item.get(call), one)
        content = item.get("content")
        for number, part in enumerate(content if isinstance(content, list) else []):
            found = CONTENT_KINDS.get(str(part.get("type")), ("", "")) if isinstance(part, dict) else ("", "")
            if found[0] in _COMPARED:
                yield from self._compare((found[0], number), part.get(found[1]), one)

    def _compare(self, place: _Place, final: object, one: TypedEvent) -> Iterator[Hit]:
        """What a done event says against what the deltas made."""
        kind, number = place
        own = self._deltas.get(place, ItemPart())
        if not isinstance(final, str) or own.has_same_text(final):
            self._told.add(place)
            return
        others = [at for at in itertools.islice(self._deltas, CANDIDATE_LIMIT) if at[0] == kind]
        moved = next((at for at in others if self._deltas[at].has_same_text(final)), None)
        if moved is not None:
            said = f"{one.type} has its {kind} in place {number}, the deltas said {moved[1]}"
            yield Hit(said, event=one.event)
        elif self._told.issuperset(others):
            yield Hit(f"{one.type} brings its {kind}, and no deltas came", event=one.event, severity=WARN)
        else:
            said = f"{one.type} has {kind} of {len(final)} characters, its deltas make {own.units} others"
            yield Hit(said, event=one.event)


def _judge_final(
    response: Mapping[str, Any], done: list[Mapping[str, Any]], texts: list[str], event: int
) -> Iterator[Hit]:
    """What the final response lacks. Items are matched by id, else by type and call."""
    output = response.get("output")
    held = [item for item in output if isinstance(item, dict)] if isinstance(output, list) else []
    missing = list(_find_missing(held, done))
    yield from (Hit(said, event=event) for said in missing)
    final = [join_surrogates(text) for item in held for text in _iterate_texts(item)]
    if not missing and texts and "".join(texts) != "".join(final) and sorted(texts) != sorted(final):
        streamed, said = len("".join(texts)), len("".join(final))
        yield Hit(
            f"response.output has {f'{said} other' if said else 'none of the'} characters of text"
            f"{'' if said else ' that was streamed'}: the deltas make {streamed}",
            event=event,
        )
    if not isinstance(response.get("usage"), dict):
        yield Hit("response.completed has no usage", event=event)


def _find_missing(held: Sequence[Mapping[str, Any]], done: list[Mapping[str, Any]]) -> Iterator[str]:
    """Finished items that the final response has not, or has under another id."""
    ids = {_get_id(item) for item in held}
    left = Counter(_get_kind(item) for item in held)
    nameless = {_get_kind(item) for item in held if not _get_id(item)}
    left.subtract(_get_kind(item) for item in done if _get_id(item) and _get_id(item) in ids)
    for item in done:
        if _get_id(item) and _get_id(item) in ids:
            continue
        left[_get_kind(item)] -= 1
        if left[_get_kind(item)] < 0:
            yield f"response.output lacks the finished {render_value(item.get('type'))} item"
        elif _get_id(item) and _get_kind(item) not in nameless:
            yield f"response.output has the finished {render_value(item.get('type'))} item under another id"


def _iterate_texts(item: Mapping[str, Any]) -> Iterator[str]:
    """The texts of a finished message."""
    content = item.get("content")
    for part in content if isinstance(content, list) else []:
        if isinstance(part, dict) and part.get("type") == "output_text" and isinstance(part.get("text"), str):
            yield part["text"]


def _get_item(one: TypedEvent) -> Mapping[str, Any]:
    item = one.value.get("item")
    return item if isinstance(item, dict) else {}


def _get_id(item: Mapping[str, Any]) -> str:
    return str(item.get("id") or "")


def _get_kind(item: Mapping[str, Any]) -> tuple[str, str]:
    return str(item.get("type")), str(item.get("call_id"))
