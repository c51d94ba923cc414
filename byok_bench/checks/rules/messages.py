"""Rules about the Messages API: the order of events and blocks, tool input, token counts, and its errors."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.rules.typed_answers import (
    describe_member,
    find_typed_stream,
    find_whole_answer,
    list_events_before_error,
)
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.failures.error_body import has_plain_error
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.typed_events.events import Identity, TypedEvent
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

_BLOCKS_OF: Final = {
    "text_delta": ("text",),
    "input_json_delta": ("tool_use", "server_tool_use", "mcp_tool_use"),
    "thinking_delta": ("thinking",),
    "signature_delta": ("thinking",),
}
_COMPLETE: Final = ("end_turn", "stop_sequence", "tool_use")
"""Reasons with which no tool input was cut."""
_INPUTS: Final = ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")


@check("messages.lifecycle", ERROR, applies_to="messages", streams_only=True)
def lifecycle(seen: SeenExchange) -> Iterator[Hit]:
    """Order message and block events.

    Rule: message_start first, with a message whose content is an array (and, a warning otherwise, without a
    stop_reason yet), then for each index content_block_start, deltas, content_block_stop, with one block open at
    a time, then message_delta with a stop_reason, and message_stop last; ping anywhere. What an error event left
    missing is not reported.
    Why: Claude Code does not accept a stream in which a block was left open; SDKs append to the array of
    content; a client that sees a stop_reason may stop before the first block.
    Seen in: orangeboyChen/codebuddy2api#11; headroomlabs-ai/headroom#2890; SaladDay/cc-switch-cli#320;
    BerriAI/litellm#38153
    """
    stream = find_typed_stream(seen)
    if stream is None:
        return
    order = _EventOrder()
    for one in stream.typed:
        if stream.closing == "error" and stream.error is not None and one.event >= stream.error.event:
            break
        if one.type != "ping":
            yield from order.take(one)
    if stream.closing not in ("error", "cancelled"):
        yield from order.end(stream.typed[-1].event)


@check("messages.delta-type", ERROR, applies_to="messages", streams_only=True)
def delta_type(seen: SeenExchange) -> Iterator[Hit]:
    """Match delta type to block type.

    Rule: text_delta comes only in text blocks, input_json_delta in tool_use blocks (those of server tools
    included), thinking_delta and signature_delta in thinking blocks.
    Why: a reader that has opened a text block has no place for arguments, and fails.
    Seen in: sgl-project/sglang#25876
    """
    types: dict[Identity, str] = {}
    for one in list_events_before_error(seen):
        index = one.read_identity("index")
        if one.type == "content_block_start":
            types[index] = str(_get_member(one, "content_block").get("type"))
        elif one.type == "content_block_delta" and index in types:
            delta = str(_get_member(one, "delta").get("type"))
            if delta in _BLOCKS_OF and types[index] not in _BLOCKS_OF[delta]:
                yield Hit(f"{delta} in block {index}, which is {types[index][:40]}", event=one.event)


@check("messages.tool-json", ERROR, applies_to="messages")
def tool_json(seen: SeenExchange) -> Iterator[Hit]:
    """Complete tool input JSON.

    Rule: the pieces of a tool_use block's partial_json add up to a JSON object or to nothing at all, in a whole
    answer `input` is an object, and an answer that has such a block stops for tool_use. Neither is judged in an
    answer that was cut: by max_tokens or another reason of the server, by an error, or by the end of the body.
    Why: the tool is called without what it needs.
    Seen in: anthropics/claude-code#40240
    """
    yield from _judge_whole_inputs(seen)
    calls: dict[Identity, list[str]] = {}
    stop, stop_event = None, 0
    for one in list_events_before_error(seen):
        index = one.read_identity("index")
        if one.type == "content_block_start" and _get_member(one, "content_block").get("type") == "tool_use":
            calls[index] = []
        elif one.type == "content_block_delta" and index in calls:
            calls[index].append(str(_get_member(one, "delta").get("partial_json") or ""))
        elif one.type == "message_delta":
            stop, stop_event = _get_member(one, "delta").get("stop_reason") or stop, one.event
    if stop not in _COMPLETE or not calls:
        return
    for index, pieces in calls.items():
        text = "".join(pieces)
        if text.strip() and not isinstance(bounded_json.decode_json(text), dict):
            yield Hit(f"the input of block {index} is no JSON object", event=stop_event)
    if stop != "tool_use":
        yield Hit(f"a tool is called, and stop_reason is {stop}", event=stop_event)


@check("messages.event-match", ERROR, applies_to="messages", streams_only=True)
def event_match(seen: SeenExchange) -> Iterator[Hit]:
    """Name SSE events like data.type.

    Rule: every event of a stream has an event field, and it is equal to the type in its data.
    Why: Anthropic's SDKs go by the name: they pass over data without one, and the stream seems to be empty.
    Seen in: anthropics/anthropic-sdk-python src/anthropic/_streaming.py; earendil-works/pi#4381;
    earendil-works/pi#1984
    """
    for one in list_events_before_error(seen):
        told = one.value.get("type")
        if not one.name:
            yield Hit(f"data of type {render_value(told)} comes without an event field", event=one.event)
        elif one.name != told:
            yield Hit(
                f"the event is named {render_value(one.name)}, and its data has type {render_value(told)}",
                event=one.event,
            )


@check("messages.usage", WARN, applies_to="messages")
def usage(seen: SeenExchange) -> Iterator[Hit]:
    """Report cumulative usage.

    Rule: message_start has input_tokens above 0 (tokens read from or written to a cache count), and
    output_tokens of message_delta is an integer and a running total that never falls. It replaces the count
    before it and is never added. A whole answer has both in its usage.
    Why: gateways that added them counted twice.
    Seen in: tensorzero/tensorzero#5481; griptape-ai/griptape#2275
    """
    whole = find_whole_answer(seen)
    if whole is not None and not seen.failure:
        counts = _get_part(whole.value, "usage")
        if not any(_as_count(counts.get(name)) for name in _INPUTS):
            yield Hit("usage has no input_tokens above 0")
        if _as_count(counts.get("output_tokens")) is None:
            yield Hit(f"usage: {describe_member(counts, 'output_tokens')}")
    last: int | None = None
    for one in list_events_before_error(seen):
        if one.type == "message_start":
            counts = _get_part(_get_member(one, "message"), "usage")
            if not any(_as_count(counts.get(name)) for name in _INPUTS):
                yield Hit("message_start has no input_tokens above 0", event=one.event)
            last = _as_count(counts.get("output_tokens"))
        elif one.type == "message_delta":
            total = _as_count(_get_part(one.value, "usage").get("output_tokens"))
            if total is None:
                yield Hit("message_delta has no output_tokens", event=one.event)
            elif last is not None and total < last:
                yield Hit(f"output_tokens falls from {last} to {total}", event=one.event)
            last = total if total is not None else last


@check("messages.error-shape", WARN, applies_to="messages")
def error_shape(seen: SeenExchange) -> Iterator[Hit]:
    """Use the Messages error envelope.

    Rule: an error is {"type": "error", "error": {"type", "message"}}, both strings, over HTTP and as an event
    named error.
    Why: one route, two envelopes.
    Seen in: vllm-project/vllm#57997
    """
    stream = find_typed_stream(seen)
    if stream is not None and stream.error is not None and stream.closing == "error":
        one = stream.error
        if not _is_envelope(one.value):
            yield Hit("the error event is not the envelope of the Messages API", event=one.event)
        elif one.name != "error":
            yield Hit(f"the error comes in an event named {one.name[:40]!r}", event=one.event)
        return
    document = bounded_json.decode_json(seen.body.data.strip()) if seen.status >= 400 else seen.document
    is_error = seen.status >= 400 or (seen.is_success and has_plain_error(document))
    if is_error and not isinstance(document, Malformed) and not _is_envelope(document):
        yield Hit("the error body is not the envelope of the Messages API")


def _judge_whole_inputs(seen: SeenExchange) -> Iterator[Hit]:
    """What is wrong with the calls of a whole answer."""
    whole = find_whole_answer(seen)
    stop = whole.value.get("stop_reason") if whole is not None else None
    blocks = whole.value.get("content") if whole is not None else None
    if stop not in _COMPLETE or not isinstance(blocks, list):
        return
    calls = [one for one in blocks if isinstance(one, dict) and one.get("type") == "tool_use"]
    for call in calls:
        if not isinstance(call.get("input"), dict):
            yield Hit(f"the input of {render_value(call.get('name'))} is no object: {render_value(call.get('input'))}")
    if calls and stop != "tool_use":
        yield Hit(f"a tool is called, and stop_reason is {stop}")


class _EventOrder:
    """Where in the grammar of a message stream it is."""

    def __init__(self) -> None:
        self._begun = False
        self._open: object = None
        self._is_open = False
        self._stop_reason: object = None
        self._stopped = False

    def take(self, one: TypedEvent) -> Iterator[Hit]:
        """What an event breaks."""
        if self._stopped:
            yield Hit(f"{one.type or 'an event'} comes after message_stop", event=one.event)
        if one.type == "message_start":
            if self._begun:
                yield Hit("message_start comes twice", event=one.event)
            yield from self._judge_start(one)
        elif not self._begun:
            yield Hit(f"the stream begins with {one.type or 'an event without type'}", event=one.event)
        self._begun = True
        if one.type in ("content_block_start", "content_block_delta", "content_block_stop"):
            yield from self._judge_block(one, one.read_identity("index"))
        elif one.type in ("message_delta", "message_stop"):
            yield from self._judge_finish(one)

    def _judge_start(self, one: TypedEvent) -> Iterator[Hit]:
        message = _get_member(one, "message")
        if not isinstance(message.get("content"), list):
            yield Hit(f"message_start: {describe_member(message, 'content')}, not an array", event=one.event)
        if message.get("stop_reason") is not None:
            said = describe_member(message, "stop_reason")
            yield Hit(f"message_start: {said} before the first block", event=one.event, severity=WARN)

    def _judge_block(self, one: TypedEvent, index: object) -> Iterator[Hit]:
        if one.type == "content_block_start":
            if self._is_open:
                yield Hit(f"block {index} starts while block {self._open} is open", event=one.event)
            elif self._stop_reason:
                yield Hit(f"block {index} starts after the stop_reason", event=one.event)
            self._open, self._is_open = index, True
        elif not self._is_open or index != self._open:
            yield Hit(f"{one.type} for block {index}, which is not open", event=one.event)
        elif one.type == "content_block_stop":
            self._is_open = False

    def _judge_finish(self, one: TypedEvent) -> Iterator[Hit]:
        if self._is_open:
            yield Hit(f"block {self._open} is still open at {one.type}", event=one.event)
            self._is_open = False
        if one.type == "message_delta":
            self._stop_reason = _get_member(one, "delta").get("stop_reason") or self._stop_reason
        else:
            self._stopped = True
            if not self._stop_reason:
                yield Hit("no message_delta brought a stop_reason", event=one.event)

    def end(self, event: int) -> Iterator[Hit]:
        """What the end of the body leaves missing."""
        if not self._stopped:
            yield Hit("the body ends without message_stop", event=event)


def _get_part(value: Mapping[str, Any], member: str) -> Mapping[str, Any]:
    found = value.get(member)
    return found if isinstance(found, dict) else {}


def _get_member(one: TypedEvent, name: str) -> Mapping[str, Any]:
    return _get_part(one.value, name)


def _as_count(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


def _is_envelope(value: object) -> bool:
    error = value.get("error") if isinstance(value, dict) and value.get("type") == "error" else None
    return isinstance(error, dict) and all(
        isinstance(error.get(name), str) and error[name] for name in ("type", "message")
    )
