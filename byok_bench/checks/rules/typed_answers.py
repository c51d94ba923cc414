"""What rules about the Responses and Messages APIs look at: events of a stream, and the objects of an answer,
which have one form whether they come in events or as the whole body."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from byok_bench.checks.finding import Hit
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.typed_events.events import TypedEvent, TypedReading

_WHOLE: Final = ("document", "ignored")


class AnswerObject(msgspec.Struct, frozen=True):
    """One object of an answer, and where it stands."""

    value: Mapping[str, Any]
    by: str = ""
    """Type of the event that holds it; empty for a whole answer."""
    event: int | None = None


def find_typed_stream(seen: SeenExchange) -> TypedReading | None:
    """The reading of a stream with at least one object."""
    stream = seen.typed_reading
    return stream if stream is not None and stream.shape == "stream" and stream.typed else None


def list_typed_events(seen: SeenExchange) -> list[TypedEvent]:
    """The events of a stream, errors and what follows included."""
    stream = find_typed_stream(seen)
    return stream.typed if stream is not None else []


def list_events_before_error(seen: SeenExchange) -> list[TypedEvent]:
    """The events of a stream before the error that ended it."""
    stream = find_typed_stream(seen)
    if stream is None:
        return []
    end = stream.error.event if stream.error is not None and stream.closing == "error" else None
    return [one for one in stream.typed if end is None or one.event < end]


def find_whole_answer(seen: SeenExchange) -> AnswerObject | None:
    """The whole answer, where it came as one document."""
    whole = seen.typed_reading is not None and seen.typed_reading.shape in _WHOLE and isinstance(seen.document, dict)
    return AnswerObject(seen.document) if whole else None


def find_unreadable_answer(seen: SeenExchange) -> AnswerObject | None:
    """One document that came in place of a whole answer, and is neither one nor an error."""
    strange = (
        seen.typed_reading is not None and seen.typed_reading.shape == "unreadable" and isinstance(seen.document, dict)
    )
    return AnswerObject(seen.document) if strange else None


def iterate_answer_objects(
    seen: SeenExchange, members: Mapping[str, str], *, strangers: bool = False
) -> Iterator[AnswerObject]:
    """The whole answer, or what the events of these types hold under these members; `strangers`: also what came
    in place of an answer."""
    whole = find_whole_answer(seen) or (find_unreadable_answer(seen) if strangers else None)
    if whole is not None:
        yield whole
    for one in list_events_before_error(seen):
        found = one.value.get(members[one.type]) if one.type in members else None
        if isinstance(found, dict):
            yield AnswerObject(found, one.type, one.event)


def sort_hits(hits: Iterable[Hit]) -> list[Hit]:
    """Hits in order of place: those about the whole answer first."""
    return sorted(hits, key=lambda hit: -1 if hit.event is None else hit.event)


def describe_member(value: Mapping[str, Any], member: str) -> str:
    """A member in words: what it is, or that it is missing."""
    return f"{member} is {render_value(value[member])}" if member in value else f"{member} is missing"


def is_filled(value: object) -> bool:
    """Whether a value is a string that is not empty."""
    return isinstance(value, str) and bool(value)
