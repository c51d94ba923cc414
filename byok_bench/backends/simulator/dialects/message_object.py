"""The message object: every member that Anthropic's API describes, those without a value as null.

https://docs.anthropic.com/en/api/messages and the types of the Anthropic SDK.
"""

import json
import secrets
from collections.abc import Iterator
from typing import Any

from byok_bench.backends.simulator.answer import Answer, Call
from byok_bench.backends.simulator.ask import Ask

Block = dict[str, Any]
_STOP_REASONS = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool": "tool_use",
    "sequence": "stop_sequence",
}


def start_message(ask: Ask) -> Block:
    """The message before anything was said; a stream counts its first token then."""
    return {
        "id": f"msg_{secrets.token_hex(12)}",
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": [],
        "container": None,
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": _count_usage(ask, output_tokens=1, thinking_tokens=0),
    }


def end_message(started: Block, ask: Ask, one: Answer) -> Block:
    """The message when all is said."""
    usage = _count_usage(ask, output_tokens=one.tokens, thinking_tokens=len(one.thoughts), cached=one.cached_tokens)
    return {**started, "content": list(_iterate_content(one)), **make_stop_members(one), "usage": usage}


def make_stop_members(one: Answer) -> Block:
    """Why it ended."""
    return {
        "container": None,
        "stop_reason": _STOP_REASONS[one.stop],
        "stop_sequence": one.sequence,
        "stop_details": None,
    }


def count_final_usage(ask: Ask, one: Answer) -> Block:
    """The counts that a stream ends with."""
    return {
        "input_tokens": ask.prompt_tokens,
        **_tell_cache(one.cached_tokens),
        "output_tokens": one.tokens,
        "output_tokens_details": {"thinking_tokens": len(one.thoughts)},
        "server_tool_use": None,
    }


def iterate_blocks(one: Answer) -> Iterator[tuple[Block, list[Block]]]:
    """Each block as it starts, and its deltas."""
    if one.thoughts:
        deltas: list[Block] = [{"type": "thinking_delta", "thinking": piece} for piece in one.thoughts]
        signature = {"type": "signature_delta", "signature": _make_signature()}
        yield {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signature]
    if one.texts:
        yield _make_text_block(""), [{"type": "text_delta", "text": piece} for piece in one.texts]
    for call in one.calls:
        yield (
            _make_tool_use(call, {}),
            [{"type": "input_json_delta", "partial_json": piece} for piece in call.pieces],
        )


def _tell_cache(cached: int) -> Block:
    return {"cache_creation_input_tokens": 0, "cache_read_input_tokens": cached}


def _count_usage(ask: Ask, *, output_tokens: int, thinking_tokens: int, cached: int = 0) -> Block:
    return {
        "input_tokens": ask.prompt_tokens,
        **_tell_cache(cached),
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
        "inference_geo": None,
        "output_tokens": output_tokens,
        "output_tokens_details": {"thinking_tokens": thinking_tokens},
        "server_tool_use": None,
        "service_tier": "standard",
    }


def _iterate_content(one: Answer) -> Iterator[Block]:
    """The finished blocks."""
    if one.thoughts:
        yield {"type": "thinking", "thinking": one.thought, "signature": _make_signature()}
    if one.texts:
        yield _make_text_block(one.text)
    for call in one.calls:
        yield _make_tool_use(call, _read_arguments(call))


def _make_text_block(text: str) -> Block:
    return {"type": "text", "text": text, "citations": None}


def _make_tool_use(call: Call, arguments: Any) -> Block:
    return {
        "type": "tool_use",
        "id": call.id,
        "name": call.name,
        "input": arguments,
        "caller": {"type": "direct"},
    }


def _read_arguments(call: Call) -> Any:
    """The arguments as an object; an empty one if max_tokens cut them, since half an object cannot be said here."""
    try:
        return json.loads(call.arguments)
    except ValueError:
        return {}


def _make_signature() -> str:
    return secrets.token_urlsafe(24)
