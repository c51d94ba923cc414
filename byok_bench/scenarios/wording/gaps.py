"""Gaps: what a scenario asks for that a dialect has no notion of, so that it would be silently left away.

A sample with a gap is not played in that dialect, and the reason says why.
"""

from collections.abc import Callable, Mapping
from typing import Final

from byok_bench.endpoints.efforts import find_effort_members
from byok_bench.scenarios.scenario import Request, Scenario, find_turn_request
from byok_bench.scenarios.wording.request_members import Manner

_NAMES: Final = {"chat": "Chat Completions", "responses": "the Responses API", "messages": "the Messages API"}
_ASKED: Final[Mapping[str, Callable[[Request], bool]]] = {
    "a seed": lambda request: request.seed is not None,
    "several choices (n)": lambda request: request.n is not None,
    "stop sequences": lambda request: bool(request.stop),
    "penalties": lambda request: request.frequency_penalty is not None or request.presence_penalty is not None,
    "logprobs": lambda request: request.logprobs is not None or request.top_logprobs is not None,
    "JSON without a schema": lambda request: request.answer_format == "json_object",
    "a schema that is not strict": lambda request: request.answer_schema is not None and not request.answer_strict,
}
"""What may be asked for, and whether a request does."""
_LACKING: Final[Mapping[str, tuple[str, ...]]] = {
    "chat": (),
    "responses": ("a seed", "several choices (n)", "stop sequences", "penalties"),
    "messages": (
        "a seed", "several choices (n)", "penalties", "logprobs", "JSON without a schema",
        "a schema that is not strict",
    ),
}  # fmt: skip
"""Dialect → what it has no member for. OpenAI's and Anthropic's API references: responses/create, messages."""


def find_gap(task: Scenario, schema: str, manner: Manner) -> str:
    """Why a task cannot be put in a dialect, in a sentence; empty if it can."""
    if task.dialects and schema not in task.dialects:
        return f"{_NAMES[schema]} has no notion of what it shows"
    for turn in range(len(task.turns) + 1):
        request = find_turn_request(task, turn)
        for name in _LACKING[schema]:
            if _ASKED[name](request):
                return f"{_NAMES[schema]} has no notion of {name}"
        if request.reasoning and find_effort_members(manner.efforts, schema, request.reasoning) is None:
            return f"the model is not known to have the reasoning effort {request.reasoning!r}: set its effort"
    return ""
