"""Blocks and the members of a message → Output, finish reason and token counts, streamed or whole.

A tool call carries the id of its tool_use block.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from byok_bench.dialects.answer import Facts, UsageObject
from byok_bench.dialects.fragments import read_member_text
from byok_bench.dialects.messages.blocks import ContentBlock
from byok_bench.dialects.output import Output, Usage
from byok_bench.dialects.token_counts import find_token_count, read_cost, to_token_count
from byok_bench.dialects.tool_calls import Call
from byok_bench.dialects.typed_events.assembled_answer import AssembledAnswer, make_choice, to_tool_calls

STOP_REASONS: Final = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
"""Why a message ended → chat's finish_reason; others pass through."""
OWN_REASONS: Final = (*STOP_REASONS, "pause_turn", "compaction")
"""All that there are: anthropics/anthropic-sdk-python src/anthropic/types/beta/beta_stop_reason.py."""
_CACHED: Final = ("cache_read_input_tokens", "cache_creation_input_tokens")


def assemble_message(
    blocks: Sequence[ContentBlock],
    message: Mapping[str, Any],
    usage: Mapping[str, Any],
    usages: list[UsageObject],
    facts: Facts,
) -> AssembledAnswer:
    """What blocks and the members of a message make."""
    reason = read_member_text(message, "stop_reason")
    calls = [
        Call.from_parts(block.event, block.id, block.name, block.arguments)
        for block in blocks
        if block.type == "tool_use"
    ]
    output = Output(
        text="".join(block.join_pieces("text") for block in blocks),
        reasoning="".join(block.join_pieces("thinking") for block in blocks),
        tool_calls=to_tool_calls(calls),
        finish_reason=STOP_REASONS.get(reason, reason) or None,
        usage=read_message_usage(usage),
        served_model=read_member_text(message, "model") or None,
    )
    choice = make_choice(output, calls, reason or None, None)
    choice.is_cumulative = any(block.is_cumulative for block in blocks)
    choice.has_other = any(block.type not in ("", "text", "thinking", "tool_use") for block in blocks)
    return AssembledAnswer(output=output, choice=choice, usages=usages, facts=facts)


def read_message_usage(usage: Mapping[str, Any]) -> Usage | None:
    """Token counts in chat's words: input read from or written to a cache is part of the prompt."""
    if not usage:
        return None
    fresh = find_token_count(usage, "input_tokens", "prompt_tokens")
    completion = find_token_count(usage, "output_tokens", "completion_tokens")
    cached = [to_token_count(usage.get(name)) for name in _CACHED]
    prompt = None if fresh is None else fresh + sum(part or 0 for part in cached)
    details = usage.get("output_tokens_details")
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        total_tokens=None if prompt is None or completion is None else prompt + completion,
        cached_tokens=cached[0],
        reasoning_tokens=to_token_count(details.get("thinking_tokens")) if isinstance(details, dict) else None,
        cost=read_cost(usage.get("cost")),
    )
