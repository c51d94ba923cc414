"""Rules about the objects of the Messages API, in events and as whole answers: labels, blocks, why it stopped."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.rules.typed_answers import (
    describe_member,
    find_unreadable_answer,
    find_whole_answer,
    is_filled,
    iterate_answer_objects,
    list_events_before_error,
)
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.messages.assembly import DELTA_MEMBERS
from byok_bench.dialects.messages.output import OWN_REASONS

_ENDED_BY_ITSELF: Final = ("end_turn", "stop_sequence")


@check("messages.object", WARN, applies_to="messages")
def label(seen: SeenExchange) -> Iterator[Hit]:
    """Label the message object.

    Rule: `type` is message, `role` assistant, `id` and `model` are strings that are not empty; in a whole answer,
    in what came in its place, and in message_start.
    Why: typed clients tell objects apart by these, and bill and log by the others.
    Seen in: anthropics/anthropic-sdk-python src/anthropic/types/message.py
    """
    for told in iterate_answer_objects(seen, {"message_start": "message"}, strangers=True):
        wanted = {"type": "message", "role": "assistant"}
        wrong = [name for name, value in wanted.items() if told.value.get(name) != value]
        wrong += [name for name in ("id", "model") if not is_filled(told.value.get(name))]
        if wrong:
            said = ", ".join(describe_member(told.value, name) for name in wrong)
            yield Hit(f"{told.by or 'the message'}: {said}", event=told.event)


@check("messages.content", ERROR, applies_to="messages")
def content(seen: SeenExchange) -> Iterator[Hit]:
    """Send content as typed blocks.

    Rule: `content` is an array of blocks, each with its type; a text block has a string `text`, a tool_use block
    `id`, `name` and an object `input`, a thinking block a string `thinking`. Streamed, blocks begin so, and
    deltas of these types bring strings. Types that are not known are left alone; of a string in place of the
    array the text is read.
    Why: clients walk through the blocks, and fail at the first that has not what its type says.
    Seen in: anthropics/anthropic-sdk-python src/anthropic/types/content_block.py; SaladDay/cc-switch-cli#320
    """
    whole = find_whole_answer(seen) or find_unreadable_answer(seen)
    if whole is not None:
        blocks = whole.value.get("content")
        if not isinstance(blocks, list):
            yield Hit(describe_member(whole.value, "content"))
        for number, block in enumerate(blocks if isinstance(blocks, list) else []):
            for wrong in _find_wrong_in_block(block):
                yield Hit(f"block {number}: {wrong}")
    for one in list_events_before_error(seen):
        if one.type == "content_block_start":
            for wrong in _find_wrong_in_block(one.value.get("content_block")):
                yield Hit(f"block {one.read_identity('index')} starts so: {wrong}", event=one.event)
        elif one.type == "content_block_delta":
            for wrong in _find_wrong_in_delta(one.value.get("delta")):
                yield Hit(f"a delta of block {one.read_identity('index')}: {wrong}", event=one.event)


@check("messages.stop-reason", ERROR, applies_to="messages")
def stop_reason(seen: SeenExchange) -> Iterator[Hit]:
    """Say why the message stopped.

    Rule: `stop_reason` is one of end_turn, max_tokens, stop_sequence, tool_use, pause_turn, refusal,
    model_context_window_exceeded (in Anthropic's beta also compaction). tool_use comes only with a tool_use block,
    and no such block beside end_turn or stop_sequence; a cut answer may hold one. That a stream has a reason at
    all is asked by messages.lifecycle.
    Why: agents run the tools when it says tool_use, and end the turn when it does not.
    Seen in: can1357/oh-my-pi#12224; jasonxu114514/opencode2api#27
    """
    types: list[object] = []
    reason: object = None
    event: int | None = None
    whole = find_whole_answer(seen)
    if whole is not None:
        blocks, reason = whole.value.get("content"), whole.value.get("stop_reason")
        types = [one.get("type") for one in blocks if isinstance(one, dict)] if isinstance(blocks, list) else []
    for one in list_events_before_error(seen):
        block, delta = one.value.get("content_block"), one.value.get("delta")
        if one.type == "content_block_start" and isinstance(block, dict):
            types.append(block.get("type"))
        elif one.type == "message_delta" and isinstance(delta, dict) and delta.get("stop_reason") is not None:
            reason, event = delta["stop_reason"], one.event
    if reason is None:
        if whole is not None:
            yield Hit(describe_member(whole.value, "stop_reason"))
    elif reason not in OWN_REASONS:
        yield Hit(f"stop_reason is {render_value(reason)}", event=event)
    elif reason == "tool_use" and "tool_use" not in types:
        yield Hit("stop_reason is tool_use, and no tool is called", event=event)
    elif reason in _ENDED_BY_ITSELF and "tool_use" in types:
        yield Hit(f"a tool is called, and stop_reason is {reason}", event=event)


def _find_wrong_in_block(block: object) -> Iterator[str]:
    """What a block lacks of what its type says."""
    if not isinstance(block, dict):
        yield f"it is {render_value(block)}"
        return
    kind = block.get("type")
    if not is_filled(kind):
        yield describe_member(block, "type")
    elif kind in ("text", "thinking") and not isinstance(block.get(kind), str):
        yield describe_member(block, kind)
    elif kind == "tool_use":
        yield from (describe_member(block, name) for name in ("id", "name") if not is_filled(block.get(name)))
        if not isinstance(block.get("input"), dict):
            yield describe_member(block, "input")


def _find_wrong_in_delta(delta: object) -> Iterator[str]:
    """What a delta lacks of what its type says."""
    if not isinstance(delta, Mapping):
        yield f"it is {render_value(delta)}"
        return
    kind: Any = delta.get("type")
    if not is_filled(kind):
        yield describe_member(delta, "type")
    elif kind in DELTA_MEMBERS and not isinstance(delta.get(DELTA_MEMBERS[kind][0]), str):
        yield describe_member(delta, DELTA_MEMBERS[kind][0])
