"""Faults of whole chat answers: labels, choices, messages."""

import time

from byok_bench.backends.simulator.faults.fault import fault
from byok_bench.backends.simulator.faults.reply_parts import Object
from byok_bench.backends.simulator.visit import Visit


def _find_answer(visit: Visit) -> Object:
    """The whole answer; an object that goes nowhere if another fault made a stream of it."""
    found = visit.reply.document
    return found if isinstance(found, dict) else {"choices": []}


def _list_choices(visit: Visit) -> list[Object]:
    return list(_find_answer(visit).get("choices") or [])


@fault("answer.object", "a whole answer is labelled text_completion", "document")
def object_label(visit: Visit) -> None:
    _find_answer(visit)["object"] = "text_completion"


@fault("answer.id", "a whole answer has an empty id", "document")
def answer_id(visit: Visit) -> None:
    _find_answer(visit)["id"] = ""


@fault("answer.created", "created of a whole answer is a date in words", "document")
def created(visit: Visit) -> None:
    _find_answer(visit)["created"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


@fault("answer.model", "a whole answer names no model", "document")
def model(visit: Visit) -> None:
    _find_answer(visit).pop("model", None)


@fault("answer.choices", "a whole answer has one choice too many", "document")
def too_many_choices(visit: Visit) -> None:
    found = _list_choices(visit)
    _find_answer(visit)["choices"] = found + [{**one, "index": len(found)} for one in found[-1:]]


@fault("answer.choice-index", "choices of a whole answer count from one", "document")
def choice_index(visit: Visit) -> None:
    for number, choice in enumerate(_list_choices(visit), 1):
        choice["index"] = number


@fault("answer.message", "a whole answer has delta in place of message", "document")
def message(visit: Visit) -> None:
    for choice in _list_choices(visit):
        choice["delta"] = choice.pop("message", None)


@fault("answer.role", "the message of a whole answer has no role", "document")
def role(visit: Visit) -> None:
    for choice in _list_choices(visit):
        choice.get("message", {}).pop("role", None)


@fault("answer.content-type", "content of a whole answer is an array of parts", "document")
def content_type(visit: Visit) -> None:
    for choice in _list_choices(visit):
        said = choice.get("message", {})
        if isinstance(said.get("content"), str):
            said["content"] = [{"type": "text", "text": said["content"]}]
