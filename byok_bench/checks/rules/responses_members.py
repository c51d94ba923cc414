"""What objects of the Responses API have to hold, from openai/openai-python, src/openai/types/responses.

Two strengths: members without which an item or part cannot be used (`find_wrong_in_item`, `find_wrong_in_part`),
and members that types require beyond them (`find_lacking_members`). Those that OpenAI's own answers do not always
have are asked of nobody.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.checks.rules.typed_answers import describe_member, is_filled
from byok_bench.dialects.fragments import render_value

_ITEM: Final = ("item_id", "output_index")
_CONTENT: Final = (*_ITEM, "content_index")
_SUMMARY: Final = (*_ITEM, "summary_index")
_STEPS: Final = {
    "response.output_text": (("delta", "done"), _CONTENT),
    "response.refusal": (("delta", "done"), _CONTENT),
    "response.reasoning_text": (("delta", "done"), _CONTENT),
    "response.reasoning": (("delta", "done"), _CONTENT),
    "response.reasoning_summary_text": (("delta", "done"), _SUMMARY),
    "response.function_call_arguments": (("delta", "done"), _ITEM),
    "response.custom_tool_call_input": (("delta", "done"), _ITEM),
    "response.content_part": (("added", "done"), (*_CONTENT, "part")),
    "response.reasoning_summary_part": (("added", "done"), (*_SUMMARY, "part")),
    "response.output_item": (("added", "done"), ("output_index", "item")),
    "response": (("created", "queued", "in_progress", "completed", "incomplete", "failed"), ("response",)),
}
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    "response": ("model", "created_at", "output", "tools", "tool_choice", "parallel_tool_calls"),
    "message": ("id", "role", "status"),
    "output_text": ("annotations",),
    "reasoning": ("id",),
    **{f"{family}.{step}": members for family, (steps, members) in _STEPS.items() for step in steps},
    "response.output_text.delta": (*_CONTENT, "logprobs"),
}
"""Type of an object or an event → the members it has to have."""


def find_lacking_members(type: str, value: Mapping[str, Any]) -> list[str]:
    """The required members that are not there, or null; none for a type that is not known."""
    return [name for name in REQUIRED.get(type, ()) if value.get(name) is None]


_NAMES: Final = {"function_call": ("call_id", "name"), "custom_tool_call": ("call_id", "name")}
_STRINGS: Final = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "output_text": "text",
    "refusal": "refusal",
    "reasoning_text": "text",
    "summary_text": "text",
}
_ARRAYS: Final = {"message": "content", "reasoning": "summary"}
"""Type of an item or part → the members that are names, the one that is a string, the one that is an array."""


def find_wrong_in_item(item: object) -> Iterator[str]:
    """Why an item cannot be used as what it says it is."""
    yield from find_wrong_in_part(item)
    if not isinstance(item, Mapping):
        return
    for name in ("content", "summary") if str(item.get("type")) in _ARRAYS else ():
        parts = item.get(name)
        for number, part in enumerate(parts if isinstance(parts, list) else []):
            yield from (f"{name}[{number}]: {wrong}" for wrong in find_wrong_in_part(part))


def find_wrong_in_part(value: object) -> Iterator[str]:
    """Why a part, or an item its parts aside, cannot be used as what it says it is."""
    if not isinstance(value, Mapping):
        yield f"it is {render_value(value)}"
        return
    kind: Any = value.get("type")
    if not is_filled(kind):
        yield describe_member(value, "type")
        return
    yield from (describe_member(value, name) for name in _NAMES.get(kind, ()) if not is_filled(value.get(name)))
    for wanted, of in ((str, _STRINGS), (list, _ARRAYS)):
        name = of.get(kind)
        if name is not None and not isinstance(value.get(name), wanted):
            yield describe_member(value, name)
