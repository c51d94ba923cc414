"""Faults of reasoning and of the turn that sends it back."""

from byok_bench.backends.simulator.answer import OWN_THOUGHT
from byok_bench.backends.simulator.faults.fault import enter_behaviour, fault, get_ask
from byok_bench.backends.simulator.faults.reply_parts import get_delta, list_choice_events, list_text_events
from byok_bench.backends.simulator.refusal import make_bad_request
from byok_bench.backends.simulator.visit import Visit


def enable_reasoning(visit: Visit) -> None:
    """Think before the answer."""
    get_ask(visit).reasoning = True


@fault("reasoning.field", "reasoning comes as thinking", "stream", amid=enable_reasoning)
def field(visit: Visit) -> None:
    for event in list_choice_events(visit):
        if "reasoning_content" in get_delta(event):
            get_delta(event)["thinking"] = get_delta(event).pop("reasoning_content")


@fault("reasoning.type", "reasoning_content is an object", "stream", amid=enable_reasoning)
def type_(visit: Visit) -> None:
    for event in list_choice_events(visit):
        if "reasoning_content" in get_delta(event):
            get_delta(event)["reasoning_content"] = {"text": get_delta(event)["reasoning_content"]}


@fault("reasoning.think-tags", "the thoughts stand in the text", "stream")
def think_tags(visit: Visit) -> None:
    for event in list_text_events(visit)[:1]:
        get_delta(event)["content"] = f"<think>{OWN_THOUGHT}</think>\n\n" + get_delta(event)["content"]


@fault("reasoning.only", "there are thoughts and no answer", "stream")
def only(visit: Visit) -> None:
    for event in list_text_events(visit):
        get_delta(event)["reasoning_content"] = get_delta(event).pop("content")


def _has_reasoning(visit: Visit, own: bool) -> bool:
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
    if _has_reasoning(visit, own=True):
        raise make_bad_request("messages: unknown field 'reasoning_content'", "messages")


def refuse_foreign(visit: Visit) -> None:
    """Turn down reasoning that another server sent."""
    if _has_reasoning(visit, own=False):
        raise make_bad_request("messages: unknown field 'reasoning_content'", "messages")


enter_behaviour(
    "turn.reasoning-echo",
    "its own reasoning, sent back, is refused",
    before=refuse_own,
    amid=enable_reasoning,
)
enter_behaviour("turn.reasoning-foreign", "reasoning of another server is refused", before=refuse_foreign)
