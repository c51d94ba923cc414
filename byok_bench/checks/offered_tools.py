"""What a request offers to call, wherever it says so.

Beside the list `tools` the Responses API takes tools within a namespace, and within items of the input: what a tool
search found, or what a developer's message adds (openai/openai-python src/openai/types/responses/tool.py,
response_input_item.py).
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

_KINDS: Final = ("function", "custom")
_NESTING: Final = 4


def find_offered_tools(request: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Every tool that is offered: name → its definition."""
    given = request.get("input")
    items = [item for item in given if isinstance(item, dict)] if isinstance(given, list) else []
    return {
        tool["name"]: tool
        for lists in (request.get("tools"), *(item.get("tools") for item in items))
        for tool in _iterate_tools(lists, _NESTING)
    }


def _iterate_tools(tools: object, nesting: int) -> Iterator[Mapping[str, Any]]:
    for tool in tools if isinstance(tools, list) and nesting else ():
        if not isinstance(tool, dict):
            continue
        inner = next((tool[kind] for kind in _KINDS if isinstance(tool.get(kind), dict)), tool)
        if isinstance(tool.get("tools"), list):
            yield from _iterate_tools(tool["tools"], nesting - 1)
        elif isinstance(inner.get("name"), str):
            yield inner
