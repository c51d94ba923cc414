"""Faults of reasoning and of the turn that sends it back."""

from byok_bench.backends.simulator.answer import OWN_THOUGHT
from byok_bench.backends.simulator.faults.edit import chunks, delta, texts
from byok_bench.backends.simulator.faults.fault import asked, behaviour, fault
from byok_bench.backends.simulator.refusal import mistake
from byok_bench.backends.simulator.visit import Visit


def think(visit: Visit) -> None:
    """Think before the answer."""
    asked(visit).reasoning = True


@fault("reasoning.field", "reasoning comes as thinking", "stream", amid=think)
def field(visit: Visit) -> None:
    for event in chunks(visit):
        if "reasoning_content" in delta(event):
            delta(event)["thinking"] = delta(event).pop("reasoning_content")


@fault("reasoning.type", "reasoning_content is an object", "stream", amid=think)
def type_(visit: Visit) -> None:
    for event in chunks(visit):
        if "reasoning_content" in delta(event):
            delta(event)["reasoning_content"] = {"text": delta(event)["reasoning_content"]}


@fault("reasoning.think-tags", "the thoughts stand in the text", "stream")
def think_tags(visit: Visit) -> None:
    for event in texts(visit)[:1]:
        delta(event)["content"] = f"<think>{OWN_THOUGHT}</think>\n\n" + delta(event)["content"]


@fault("reasoning.only", "there are thoughts and no answer", "stream")
def only(visit: Visit) -> None:
    for event in texts(visit):
        delta(event)["reasoning_content"] = delta(event).pop("content")


def _history(visit: Visit, own: bool) -> bool:
    """Whether the history holds reasoning, our own or another's."""
    messages = visit.body.get("messages") if visit.body else None
    thoughts = [
        message["reasoning_content"]
        for message in (messages if isinstance(messages, list) else [])
        if isinstance(message, dict) and message.get("reasoning_content")
    ]
    return any((OWN_THOUGHT in str(thought)) is own for thought in thoughts)


def refuse_own(visit: Visit) -> None:
    """Turn down the reasoning that this server sent itself."""
    if _history(visit, own=True):
        raise mistake("messages: unknown field 'reasoning_content'", "messages")


def refuse_foreign(visit: Visit) -> None:
    """Turn down reasoning that another server sent."""
    if _history(visit, own=False):
        raise mistake("messages: unknown field 'reasoning_content'", "messages")


behaviour("turn.reasoning-echo", "its own reasoning, sent back, is refused", before=refuse_own, amid=think)
behaviour("turn.reasoning-foreign", "reasoning of another server is refused", before=refuse_foreign)
