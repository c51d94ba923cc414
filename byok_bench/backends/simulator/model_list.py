"""The model list, in the form of the API that asks: OpenAI's, or Anthropic's where its version header is sent."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from byok_bench.backends.simulator.http import Request
from byok_bench.backends.simulator.refusal import make_bad_request, make_unknown_model

OWNER = "byok-bench-simulator"
_CREATED = 1735689600
"""The models' date of birth: 1 January 2025."""
_PAGE, _LARGEST_PAGE = 20, 1000
"""https://docs.anthropic.com/en/api/models-list"""


def is_anthropic_request(request: Request) -> bool:
    """Whether the request is one of Anthropic's API."""
    return "anthropic-version" in request.headers


def build_model_list(request: Request, names: Sequence[str], window: int | None) -> dict[str, Any]:
    """All models, or one page of them. Raises Refusal."""
    if not is_anthropic_request(request):
        return {"object": "list", "data": [_as_openai(name, window) for name in names]}
    shown, more = _choose_page(request, names)
    data = [_as_anthropic(name, window) for name in shown]
    ends = {"first_id": shown[0], "last_id": shown[-1]} if shown else {"first_id": None, "last_id": None}
    return {"data": data, "has_more": more, **ends}


def build_model_entry(request: Request, name: str, names: Sequence[str] | None, window: int | None) -> dict[str, Any]:
    """One model; `names` None: any there is asked for. Raises Refusal."""
    if names is not None and name not in names:
        raise make_unknown_model(name)
    return _as_anthropic(name, window) if is_anthropic_request(request) else _as_openai(name, window)


def _as_openai(name: str, window: int | None) -> dict[str, Any]:
    """The four members of OpenAI, and the window where vLLM tells it."""
    model = {"id": name, "object": "model", "created": _CREATED, "owned_by": OWNER}
    return model if window is None else {**model, "max_model_len": window}


def _as_anthropic(name: str, window: int | None) -> dict[str, Any]:
    born = datetime.fromtimestamp(_CREATED, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "type": "model",
        "id": name,
        "display_name": name,
        "created_at": born,
        "capabilities": None,
        "lifecycle": "active",
        "max_input_tokens": window,
        "max_tokens": window,
    }


def _choose_page(request: Request, names: Sequence[str]) -> tuple[Sequence[str], bool]:
    """The names that `limit`, `after_id` and `before_id` leave, and whether there are more that way."""
    asked = request.query.get("limit", str(_PAGE))
    if not asked.isdecimal() or not 1 <= int(asked[:5]) <= _LARGEST_PAGE:
        raise make_bad_request(f"limit: Input should be a number from 1 to {_LARGEST_PAGE}")
    size = int(asked)
    for cursor in ("after_id", "before_id"):
        if request.query.get(cursor, names[0]) not in names:
            raise make_bad_request(f"{cursor}: no model has this id")
    if "before_id" in request.query:
        rest = names[: names.index(request.query["before_id"])]
        return rest[-size:], len(rest) > size
    start = names.index(request.query["after_id"]) + 1 if "after_id" in request.query else 0
    return names[start : start + size], len(names) > start + size
