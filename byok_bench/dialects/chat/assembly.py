"""Chunks of a chat stream → choices. Deltas are merged as they came; nothing is cleaned, repairs are noted.

One object a chunk comes in here, already parsed; framing and error events are the business of events.py.
`null` means absent for every optional member, and unknown members are ignored.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import msgspec

from byok_bench.dialects.answer import Choice, Facts, UsageObject
from byok_bench.dialects.chat.deltas import Delta, read_delta
from byok_bench.dialects.dialect import Mark, OutputKind
from byok_bench.dialects.failures.classification import classify_error_object
from byok_bench.dialects.failures.missing_answers import make_silent_failure, make_withheld_failure
from byok_bench.dialects.fragments import join_surrogates, read_member_text, render_value, to_integer
from byok_bench.dialects.json_values import is_absent
from byok_bench.wire.failures import Failure, make_failure
from byok_bench.wire.raw_exchange import RawHead

FINISH_REASONS: Final = ("stop", "length", "tool_calls", "content_filter", "function_call")
OTHER_OUTPUT: Final = ("images", "audio")
"""Members of a delta or a message that hold output of another kind."""
CHUNK_OBJECT: Final = "chat.completion.chunk"
LATEST_CREATED: Final = 100_000_000_000
"""Seconds; what is not below was meant as milliseconds."""
_REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


class ChoiceError(msgspec.Struct, frozen=True):
    """A failure that the answer reports within a choice."""

    event: int | None
    value: Any
    """The error object or text of the choice; None where its finish_reason alone says so."""
    native: str = ""
    """The reason in the words of the server behind a gateway."""


class ChatAssembly:
    """The choices of one answer under construction."""

    def __init__(self, n: int = 1, foreign: frozenset[int] = frozenset(), *, wants_json: bool = False) -> None:
        self.choices: dict[int, Choice] = {}
        self.usages: list[UsageObject] = []
        self.usage_elsewhere: Mapping[str, Any] | None = None
        """The last counts that came outside of the member `usage`: Groq's x_groq, or those of a choice."""
        self.error: ChoiceError | None = None
        """The first one that a choice reports."""
        self.facts = Facts()
        self.marks: list[Mark] = []
        self.model: str | None = None
        self.id: str | None = None
        """The first id of a chunk with choices."""
        self._n = n
        self._wants_json = wants_json
        self._foreign = foreign
        """Events whose U+FFFD stand for bad UTF-8, not for what the server wrote."""
        self._has_counts = False
        """The chunk that is read has a usage object."""
        self._is_usage_chunk = False
        """So has it, and its choice brings no output."""

    def add_event_object(self, chunk: Mapping[str, Any], event: int, t_ns: int) -> None:
        """Merge one chunk."""
        created, choices = chunk.get("created"), chunk.get("choices")
        if created is not None and not (type(created) is int and created < LATEST_CREATED):
            self.facts.note("created", event, render_value(created))
        self._read_model(chunk)
        if not isinstance(choices, list):
            self.facts.note("choices_missing", event, render_value(choices))
            choices = []
        self._read_labels(chunk, event, has_choices=bool(choices))
        self._has_counts = isinstance(chunk.get("usage"), dict)
        for element in choices:
            self._add_choice(element if isinstance(element, dict) else {}, event, t_ns)
        self._read_usage(chunk, event, apart=not choices)

    def add_document(self, document: Mapping[str, Any]) -> None:
        """Read one whole answer: the message of each choice, or the delta that stands in its place."""
        self._read_model(document)
        for index, element in _index_choices(document.get("choices")):
            choice = self.choices.setdefault(index, Choice(index=index, event=None))
            message, delta = element.get("message"), element.get("delta")
            if isinstance(delta, dict) and is_absent(message):
                message = delta
            if isinstance(message, dict):
                choice.is_opened = choice.has_message = True
                self._add_delta(choice, message, None, 0, is_message=True)
            self._end_choice(choice, element, None)
        self._read_usage(document, None, apart=False)

    def _read_usage(self, answer: Mapping[str, Any], event: int | None, *, apart: bool) -> None:
        usage, groq = answer.get("usage"), answer.get("x_groq")
        if isinstance(usage, dict):
            self.usages.append(UsageObject(usage, event, is_apart=apart))
        if isinstance(groq, dict) and isinstance(groq.get("usage"), dict):
            self.usage_elsewhere = groq["usage"]

    def _read_model(self, chunk: Mapping[str, Any]) -> None:
        model = chunk.get("model")
        if self.model is None and isinstance(model, str) and model:
            self.model = join_surrogates(model)

    def _read_labels(self, chunk: Mapping[str, Any], event: int, *, has_choices: bool) -> None:
        """What a chunk calls itself. One without choices, counts and label is no part of the answer (a filter's
        verdict on the prompt, a heartbeat), and one without choices needs no id."""
        label, chunk_id = chunk.get("object"), chunk.get("id")
        if label != CHUNK_OBJECT and (has_choices or label or isinstance(chunk.get("usage"), dict)):
            self.facts.note("object", event, render_value(label))
        if not has_choices:
            return
        if not isinstance(chunk_id, str) or not chunk_id:
            self.facts.note("id_absent", event, render_value(chunk_id))
        elif self.id is None:
            self.id = chunk_id
        elif chunk_id != self.id:
            self.facts.note("id_changed", event, f"{render_value(self.id)}, then {render_value(chunk_id)}")

    def _add_choice(self, element: Mapping[str, Any], event: int, t_ns: int) -> None:
        given, delta = element.get("index"), element.get("delta")
        index = to_integer(given)
        if type(given) is not int or given < 0 or (given and self._n == 1):
            self.facts.note("choice_index", event, render_value(given))
        if index is None or index < 0 or (index and self._n == 1):
            index = 0
        choice = self.choices.get(index)
        if choice is None:
            choice = self.choices[index] = Choice(index=index, event=event)
        is_message = not isinstance(delta, dict) and isinstance(element.get("message"), dict)
        if is_message:
            self.facts.note("message_instead", event)
            delta = element["message"]
        elif not isinstance(delta, dict):
            self.facts.note("delta_missing", event, render_value(delta))
        choice.has_message = choice.has_message or isinstance(delta, dict)
        delta = delta if isinstance(delta, dict) else {}
        came = False
        if delta:
            self._read_role(choice, delta, event)
            came = self._add_delta(choice, delta, event, t_ns, is_message=is_message)
        self._is_usage_chunk = self._has_counts and not came
        self._end_choice(choice, element, event)
        if came and choice.finish_event == event and self.error is None:
            self.facts.note("finish_on_content", event)

    def _read_role(self, choice: Choice, delta: Mapping[str, Any], event: int) -> None:
        role = delta.get("role")
        if role is not None and role != "assistant":
            self.facts.note("role_value", event, render_value(role))
        elif role is not None and choice.has_role:
            self.facts.note("role_repeated", event)
        if not choice.is_opened and any(value is not None for value in delta.values()):
            choice.is_opened = True
            if role is None:
                self.facts.note("role_not_first", event)
        choice.has_role = choice.has_role or role is not None

    def _add_delta(
        self, choice: Choice, delta: Mapping[str, Any], event: int | None, t_ns: int, *, is_message: bool
    ) -> bool:
        """Merge one delta; True if it brought output."""
        parts = read_delta(delta, event, self.facts, wants_json=self._wants_json)
        if (_REPLACEMENT in parts.text or _REPLACEMENT in parts.reasoning) and event not in self._foreign:
            self.facts.note("replacement_character", event)
        if parts.text:
            choice.texts.append(parts.text)
        choice.has_other = choice.has_other or _has_other(delta, parts)
        if parts.refusal:
            choice.refusals.append(parts.refusal)
        if parts.reasoning:
            choice.reasonings.append(parts.reasoning)
        arguments = self._add_tool_calls(choice, parts, event, is_message=is_message)
        if parts.has_output and choice.finish_reason is not None:
            self.facts.note("content_after_finish", event)
        if event is not None:
            self._mark_output(t_ns, event, parts, arguments)
        return parts.has_output

    def _add_tool_calls(self, choice: Choice, parts: Delta, event: int | None, *, is_message: bool) -> bool:
        """Merge the tool calls of a delta; True if any argument text came."""
        came = False
        for position, call in enumerate(parts.calls):
            came |= choice.tools.add(call, event, self.facts, position if is_message else None)
        if parts.function_call is not None:
            came |= choice.tools.add_legacy(parts.function_call, event, self.facts)
        return came

    def _mark_output(self, t_ns: int, event: int, parts: Delta, arguments: bool) -> None:
        """Note which kinds of output came, each once an event."""
        kinds: list[OutputKind] = []
        if parts.reasoning:
            kinds.append("reasoning")
        if parts.text or parts.refusal:
            kinds.append("text")
        if arguments:
            kinds.append("tool")
        for kind in kinds:
            mark = (t_ns, kind, event)
            if mark not in self.marks[-3:]:
                self.marks.append(mark)

    def _end_choice(self, choice: Choice, element: Mapping[str, Any], event: int | None) -> None:
        """What a choice says of its end beside its output: an error, its reason, counts."""
        error, reason, usage = element.get("error"), element.get("finish_reason"), element.get("usage")
        reported = isinstance(error, dict | str) and not is_absent(error)
        if self.error is None or (reported and self.error.value is None):
            if reported:
                self.error = ChoiceError(event, error)
            elif isinstance(reason, str) and reason.lower() == "error":
                native = element.get("native_finish_reason")
                self.error = ChoiceError(event, None, native if isinstance(native, str) else "")
        if isinstance(usage, dict):
            self.usage_elsewhere = usage
        self._read_finish_reason(choice, reason, event)
        if reason is not None and choice.native_reason is None:
            choice.native_reason = read_member_text(element, "native_finish_reason") or None

    def _read_finish_reason(self, choice: Choice, reason: object, event: int | None) -> None:
        if reason is None:
            return
        if reason in ("", "null"):
            self.facts.note("finish_null_form", event, render_value(reason))
        elif choice.finish_reason is not None:
            if self.error is None:
                echoes = self._is_usage_chunk and reason == choice.finish_reason
                self.facts.note("finish_echoed" if echoes else "finish_repeated", event, render_value(reason))
        else:
            choice.finish_reason = join_surrogates(reason) if isinstance(reason, str) else render_value(reason)
            choice.own_reason, choice.finish_event = choice.finish_reason, event
            if reason not in FINISH_REASONS and self.error is None:
                self.facts.note("finish_unknown", event, render_value(reason))


def _has_other(delta: Mapping[str, Any], parts: Delta) -> bool:
    """Whether a delta or a message brings what is not read: another kind of output, or content of another type."""
    content = delta.get("content")
    unread = bool(content) and not isinstance(content, str) and not (parts.text or parts.reasoning)
    return unread or any(delta.get(name) for name in OTHER_OUTPUT)


def classify_choice_error(error: ChoiceError | None, head: RawHead | None, phase: str) -> Failure | None:
    """The failure that a choice reports, in its words where it has some; None if none does."""
    if error is None:
        return None
    native = f" ({error.native})" if error.native else ""
    said = error.value or f"the answer ended with finish_reason error{native}"
    return classify_error_object(said, head=head, phase=phase)


def classify_missing_answer(choices: Collection[Choice], phase: str) -> Failure | None:
    """Why there is no answer in these choices: a filter left nothing, one is without message, or nothing is said
    and nothing finished."""
    without = [choice for choice in choices if not choice.has_message]
    silent = all(choice.is_empty and not choice.reasoning for choice in choices)
    if any(choice.finish_reason == "content_filter" for choice in (choices if silent else without)):
        return make_withheld_failure(phase)
    if without:
        said = f"choice {without[0].index} has no message: there is no answer in it"
        return make_failure("protocol", phase, said)
    if all(choice.is_silent for choice in choices):
        return make_silent_failure(phase)
    return None


def _index_choices(choices: object) -> Iterable[tuple[int, Mapping[str, Any]]]:
    """The choices of a document by their indexes, or by their places where these do not count from 0."""
    elements = [element if isinstance(element, dict) else {} for element in _as_list(choices)]
    indexes: list[Any] = [element.get("index") for element in elements]
    places = list(range(len(elements)))
    counted = all(type(index) is int for index in indexes) and sorted(indexes) == places
    return zip(indexes if counted else places, elements, strict=True)


def _as_list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
