"""Output: the assembled answer, the same for every dialect."""

import msgspec


class ToolCall(msgspec.Struct, frozen=True, kw_only=True):
    """One requested call, as the server wrote it."""

    id: str | None
    """None if the server never sent one."""
    name: str
    arguments: str
    """JSON text as received; not parsed, not repaired."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Token counts of the last usage object; None where it had no usable number."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cost: float | None = None
    """What the server says it charged, in its own unit (OpenRouter: credits)."""


class Output(msgspec.Struct, frozen=True, kw_only=True):
    """What choice 0 of an answer holds. Empty, not None, where nothing came."""

    text: str = ""
    reasoning: str = ""
    refusal: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: str | None = None
    """As received; unknown values pass through. Other dialects' reasons are mapped to chat's words."""
    usage: Usage | None = None
    served_model: str | None = None
    """The model id that the answer names."""
