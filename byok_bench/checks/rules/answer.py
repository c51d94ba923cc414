"""The shape of whole chat answers: labels, choices, messages. What was said in them is judged in other groups."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.chat.assembly import LATEST_CREATED
from byok_bench.dialects.chat.request import read_chat_request
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.json_values import is_absent

_OBJECT: Final = "chat.completion"


def _find_answer(seen: SeenExchange) -> Mapping[str, Any] | None:
    """The document, where a whole answer was asked for and came; not one in which a choice reports an error."""
    chat = seen.chat_reading
    is_judged = chat is not None and chat.shape == "document" and "choice_error" not in chat.facts
    return seen.document if is_judged else None


def _list_choices(seen: SeenExchange) -> list[tuple[int, Mapping[str, Any]]]:
    """The choices that are objects, with their places."""
    answer = _find_answer(seen)
    choices = answer["choices"] if answer is not None else []
    return [(place, one) for place, one in enumerate(choices) if isinstance(one, dict)]


def _list_messages(seen: SeenExchange) -> list[tuple[int, Mapping[str, Any], bool]]:
    """What is read as the message of each choice, with the place, and whether it is a delta in a message's place."""
    found: list[tuple[int, Mapping[str, Any], bool]] = []
    for place, choice in _list_choices(seen):
        message, delta = choice.get("message"), choice.get("delta")
        if is_absent(message) and isinstance(delta, dict):
            found.append((place, delta, True))
        elif isinstance(message, dict):
            found.append((place, message, False))
    return found


@check("answer.object", WARN, applies_to="chat-whole")
def object_label(seen: SeenExchange) -> Iterator[Hit]:
    """Label whole answers chat.completion.

    Rule: object of a whole answer is chat.completion.
    Why: typed clients choose their decoder by it, and refuse an answer without.
    Seen in: predibase/lorax#788; caozhiyuan/copilot-api#247
    """
    answer = _find_answer(seen)
    if answer is not None and answer.get("object") != _OBJECT:
        yield Hit(f"object is not {_OBJECT}: {render_value(answer.get('object'))}")


@check("answer.id", WARN, applies_to="chat-whole")
def answer_id(seen: SeenExchange) -> Iterator[Hit]:
    """Give the answer an id.

    Rule: id of a whole answer is a string that is not empty.
    Why: decoders with static types stop at an answer without it.
    Seen in: dongri/openai-api-rs#20; kevinhermawan/swift-llm-chat-openai#19; guardrails-ai/guardrails#1415
    """
    answer = _find_answer(seen)
    if answer is not None and not _is_text(answer.get("id")):
        yield Hit(f"id is not a non-empty string: {render_value(answer.get('id'))}")


@check("answer.created", WARN, applies_to="chat-whole")
def created(seen: SeenExchange) -> Iterator[Hit]:
    """Send created as whole seconds.

    Rule: where present, created of a whole answer is a JSON integer below 100000000000: no float, no date, no
    milliseconds.
    Why: statically typed clients cannot decode anything else.
    Seen in: tensorchord/modelz-llm#83; openai/openai-python src/openai/types/chat/chat_completion.py
    """
    answer = _find_answer(seen)
    value = answer.get("created") if answer is not None else None
    if value is not None and not (type(value) is int and value < LATEST_CREATED):
        yield Hit(f"created is no integer of seconds: {render_value(value)}")


@check("answer.model", WARN, applies_to="chat-whole")
def model(seen: SeenExchange) -> Iterator[Hit]:
    """Name the model that answered.

    Rule: model of a whole answer is a string that is not empty.
    Why: costs are looked up by it, and strict decoders want it.
    Seen in: guardrails-ai/guardrails#1415; openai/openai-python src/openai/types/chat/chat_completion.py
    """
    answer = _find_answer(seen)
    if answer is not None and not _is_text(answer.get("model")):
        yield Hit(f"model is not a non-empty string: {render_value(answer.get('model'))}")


@check("answer.choices", ERROR, applies_to="chat-whole")
def choices(seen: SeenExchange) -> Iterator[Hit]:
    """Send as many choices as were asked for.

    Rule: choices of a whole answer is an array of objects, as many as n says (one where it says nothing). Where
    there is none that can be read, the answer has failed as well. An object with neither choices nor a message,
    and of another label, is no answer at all.
    Why: voting over several answers counts one, and code that reads choices[0] raises.
    Seen in: vllm-project/vllm-omni#4269; abetlen/llama-cpp-python#1906; InternLM/lmdeploy#1787
    """
    may_be_answer = seen.chat_reading is not None and seen.chat_reading.shape in ("document", "unreadable")
    if not may_be_answer or not _is_meant_as_answer(seen.document):
        return
    found, wanted = seen.document.get("choices"), read_chat_request(seen.raw).n
    if not isinstance(found, list) or not found:
        yield Hit(f"choices is no array with a choice in it: {render_value(found)}")
    elif odd := [one for one in found if not isinstance(one, dict)]:
        yield Hit(f"a choice is no object: {render_value(odd[0])}")
    elif len(found) != wanted:
        yield Hit(f"the number of choices is {len(found)}, and n asked for {wanted}")


@check("answer.choice-index", ERROR, applies_to="chat-whole")
def choice_index(seen: SeenExchange) -> Iterator[Hit]:
    """Number the choices 0, 1, 2.

    Rule: the indexes of the choices of a whole answer are the integers from 0 on, each once. Where they are not,
    the choices are read by their places.
    Why: clients that sort alternatives by index lose some, or put two in one place.
    Seen in: openai/openai-python src/openai/types/chat/chat_completion.py; NVIDIA-NeMo/Switchyard#798
    """
    found = [choice.get("index") for _, choice in _list_choices(seen)]
    counted = [index for index in found if type(index) is int]
    if len(counted) < len(found) or sorted(counted) != list(range(len(found))):
        yield Hit(f"the indexes of the choices are {render_value(found)}")


@check("answer.message", ERROR, applies_to="chat-whole")
def message(seen: SeenExchange) -> Iterator[Hit]:
    """Put the answer into message.

    Rule: each choice of a whole answer has an object message. A delta in its place is read as the message; a
    choice with neither, as the text of a text completion, is a failed answer. A delta beside a message is ignored.
    Why: to clients that read choices[0].message the answer is empty, or an error.
    Seen in: gumieri/nenya#19; traceloop/openllmetry
    packages/opentelemetry-instrumentation-openai/tests/traces/cassettes/test_azure
    """
    read = {place: is_delta for place, _, is_delta in _list_messages(seen)}
    for place, choice in _list_choices(seen):
        if read.get(place):
            yield Hit(f"choice {place} has delta in place of message")
        elif place not in read:
            yield Hit(f"choice {place} has no message, but {render_value(sorted(map(str, choice)))}")


@check("answer.role", ERROR, applies_to="chat-whole")
def role(seen: SeenExchange) -> Iterator[Hit]:
    """Give the message the role assistant.

    Rule: role of a message of a whole answer is assistant; absent breaks the rule too. A delta in a message's
    place may go without.
    Why: the message goes back into the history as it came, and servers refuse one without a role.
    Seen in: guardrails-ai/guardrails#1415; openai/openai-python src/openai/types/chat/chat_completion_message.py
    """
    for place, message, is_delta in _list_messages(seen):
        found = message.get("role")
        if found != "assistant" and not (is_delta and found is None):
            yield Hit(f"the role of choice {place} is not assistant: {render_value(found)}")


@check("answer.content-type", ERROR, applies_to="chat-whole")
def content_type(seen: SeenExchange) -> Iterator[Hit]:
    """Send content as a string or null.

    Rule: content of a message of a whole answer is a string, null or absent. Of an array text parts are read as
    text, thinking parts (nested ones too) as reasoning; an object is read as its JSON text where a JSON answer
    was asked for; of other values nothing.
    Why: clients that join or print content raise, or show a list to people.
    Seen in: symfony/ai#2422; epam/ai-dial-adapter-openai#395; posit-dev/chatlas
    tests/_vcr/test_provider_cloudflare/test_cloudflare_data_extraction.yaml
    """
    for place, message, _ in _list_messages(seen):
        found = message.get("content")
        if found is not None and not isinstance(found, str):
            yield Hit(f"the content of choice {place} is neither string nor null: {render_value(found)}")


def _is_meant_as_answer(document: object) -> bool:
    """Whether a document is an answer, be it a broken one."""
    if not isinstance(document, dict):
        return False
    return "choices" in document or isinstance(document.get("message"), dict) or document.get("object") == _OBJECT


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value)
