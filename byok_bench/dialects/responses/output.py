"""Items and the members of a response object → Output, finish reason and token counts, streamed or whole."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from byok_bench.dialects.answer import Facts, UsageObject
from byok_bench.dialects.failures.classification import classify_error_object
from byok_bench.dialects.fragments import read_member_text
from byok_bench.dialects.output import Output, Usage
from byok_bench.dialects.responses.items import CALL_TYPES, ResponseItem
from byok_bench.dialects.token_counts import find_token_count, read_cost, to_token_count
from byok_bench.dialects.tool_calls import Call
from byok_bench.dialects.typed_events.assembled_answer import AssembledAnswer, make_choice, to_tool_calls
from byok_bench.wire.failures import make_failure
from byok_bench.wire.raw_exchange import RawHead

STATUSES: Final = ("completed", "incomplete", "failed", "in_progress", "queued", "cancelled")
"""openai/openai-python src/openai/types/responses/response_status.py"""
INCOMPLETE_REASONS: Final = ("max_output_tokens", "max_messages", "content_filter", "steered")
"""openai/openai-python src/openai/types/responses/response.py"""
_NO_REASON: Final = "the response failed, and the server does not say why"
UNFINISHED_STATUSES: Final = ("in_progress", "queued")
_REASONS: Final = {"max_output_tokens": "length", "content_filter": "content_filter"}


def assemble_response(
    parts: dict[str, Any], response: Mapping[str, Any], status: str, event: int | None, head: RawHead | None
) -> AssembledAnswer:
    """What items and the members of a response make; `event` is where it ended."""
    calls: list[Call] = parts.pop("calls")
    output = Output(
        **parts,
        tool_calls=to_tool_calls(calls),
        finish_reason=_to_finish_reason(response, status, calls),
        usage=read_response_usage(response),
        served_model=read_member_text(response, "model") or None,
    )
    said_nothing = not (output.text or output.reasoning or output.refusal or calls)
    failed = None
    if status == "failed":
        failed = classify_error_object({"error": response.get("error") or _NO_REASON}, head=head)
    elif status == "cancelled" or (status in UNFINISHED_STATUSES and said_nothing):
        failed = make_failure("protocol", "body" if event is None else "stream", f"the response is {status}")
    choice = make_choice(output, calls, _find_own_reason(response or {"status": status}), event)
    return AssembledAnswer(output=output, choice=choice, usages=[], facts=Facts(), failure=failed)


def find_response_status(response: Mapping[str, Any], named: str) -> str:
    """How a response stands by its status and, in a stream, by the terminal event; the worse word counts."""
    told = read_member_text(response, "status")
    return next((word for word in ("failed", "incomplete") if word in (told, named)), told or named)


def list_response_usages(response: Mapping[str, Any], event: int | None) -> list[UsageObject]:
    """The usage object of a response object."""
    usage = response.get("usage")
    return [UsageObject(usage, event, is_apart=False)] if isinstance(usage, dict) else []


def read_response_usage(response: Mapping[str, Any]) -> Usage | None:
    """Token counts of a response object, in chat's words; None if it has no usage object."""
    usage = response.get("usage")
    if not isinstance(usage, dict):
        return None
    inputs, outputs = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    return Usage(
        prompt_tokens=find_token_count(usage, "input_tokens", "prompt_tokens"),
        completion_tokens=find_token_count(usage, "output_tokens", "completion_tokens"),
        total_tokens=to_token_count(usage.get("total_tokens")),
        cached_tokens=to_token_count(inputs.get("cached_tokens")) if isinstance(inputs, dict) else None,
        reasoning_tokens=to_token_count(outputs.get("reasoning_tokens")) if isinstance(outputs, dict) else None,
        cost=read_cost(usage.get("cost")),
    )


def join_items(items: Sequence[ResponseItem]) -> dict[str, Any]:
    """What items make: the texts of an Output, and the calls."""
    return {
        "text": "".join(item.join_parts("text") for item in items),
        "reasoning": "".join(item.join_parts("reasoning") or item.join_parts("summary") for item in items),
        "refusal": "".join(item.join_parts("refusal") for item in items),
        "calls": [
            Call.from_parts(
                item.event,
                item.call_id,
                item.name,
                item.join_parts("arguments"),
                custom=item.type == "custom_tool_call",
            )
            for item in items
            if item.type in CALL_TYPES
        ],
    }


def has_other_output(items: Sequence[ResponseItem]) -> bool:
    """Whether there is an item of a kind that is not read."""
    return any(item.type not in ("", "message", "reasoning", *CALL_TYPES) for item in items)


def _find_own_reason(response: Mapping[str, Any]) -> str | None:
    """Why the response is incomplete, else its status; None if it says neither."""
    return (
        read_member_text(response.get("incomplete_details"), "reason") or read_member_text(response, "status") or None
    )


def _to_finish_reason(response: Mapping[str, Any], status: str, calls: Sequence[Call]) -> str | None:
    """Chat's word for how the response ended; None while it goes on, or if it failed."""
    if status == "completed":
        return "tool_calls" if calls else "stop"
    if status != "incomplete":
        return None
    reason = read_member_text(response.get("incomplete_details"), "reason")
    return _REASONS.get(reason, reason or status)
