"""The response object: every member that Open Responses requires, settings told as they were used.

https://www.openresponses.org/reference (ResponseResource) and the type Response of the OpenAI SDK.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any

from byok_bench.backends.simulator.answer import Answer, Call
from byok_bench.backends.simulator.ask import Ask, Body
from byok_bench.backends.simulator.dialects.logprobs import LARGEST_TOP_LOGPROBS, make_logprobs
from byok_bench.backends.simulator.refusal import make_bad_request

Item = dict[str, Any]
INCLUDE_LOGPROBS = "message.output_text.logprobs"
"""What `include` has to hold for log probabilities."""


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_penalty(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -2 <= value <= 2


def _is_metadata(value: Any) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) for one in value.values())


def _expect_one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: any(value is one or (isinstance(value, str) and value == one) for one in values)


_SETTINGS: Mapping[str, tuple[Any, Callable[[Any], bool]]] = {
    "background": (False, _expect_one_of(False)),
    "frequency_penalty": (0.0, _is_penalty),
    "instructions": (None, _is_text),
    "max_output_tokens": (None, _is_whole),
    "max_tool_calls": (None, _is_whole),
    "metadata": ({}, _is_metadata),
    "parallel_tool_calls": (True, _expect_one_of(True, False)),
    "presence_penalty": (0.0, _is_penalty),
    "previous_response_id": (None, _is_text),
    "prompt_cache_key": (None, _is_text),
    "safety_identifier": (None, _is_text),
    "store": (True, _expect_one_of(True, False)),
    "temperature": (1.0, lambda value: True),
    "tool_choice": ("auto", lambda value: True),
    "top_logprobs": (
        0,
        lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_TOP_LOGPROBS,
    ),
    "top_p": (1.0, lambda value: True),
    "truncation": ("disabled", _expect_one_of("auto", "disabled")),
    "user": (None, _is_text),
}
"""Members that say back what was asked: what they are if nothing was, and what may be asked. The rest is checked
where all dialects are."""
_EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_SUMMARIES = ("auto", "concise", "detailed")
_VERBOSITIES = ("low", "medium", "high")
_TIERS = ("auto", "default", "flex", "scale", "priority")


def check_settings(body: Body) -> None:
    """Every setting is one that can be said back. Raises Refusal."""
    for name, (_, allowed) in _SETTINGS.items():
        if body.get(name) is not None and not allowed(body[name]):
            raise make_bad_request(f"Invalid value for '{name}'.", name)
    _read_option(body, "service_tier", _TIERS)
    _read_reasoning(body)
    _read_text_settings(body)


def start_response(ask: Ask) -> Item:
    """The response object before anything was said."""
    told = {name: default if ask.body.get(name) is None else ask.body[name] for name, (default, _) in _SETTINGS.items()}
    return {
        "id": f"resp_{secrets.token_hex(16)}",
        "object": "response",
        "created_at": int(time.time()),
        "completed_at": None,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": ask.model,
        "output": [],
        **told,
        "reasoning": _read_reasoning(ask.body),
        "service_tier": "default",
        "text": _read_text_settings(ask.body),
        "tools": [_make_function(one) for one in ask.body.get("tools") or [] if one.get("type") == "function"],
        "usage": None,
    }


def end_response(response: Item, ask: Ask, one: Answer, items: list[Item]) -> Item:
    """The response object when all is said."""
    cut = one.stop == "length"
    return {
        **response,
        "status": "incomplete" if cut else "completed",
        "completed_at": None if cut else int(time.time()),
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": items,
        "usage": {
            "input_tokens": ask.prompt_tokens,
            "input_tokens_details": {"cached_tokens": one.cached_tokens, "cache_write_tokens": 0},
            "output_tokens": one.tokens,
            "output_tokens_details": {"reasoning_tokens": len(one.thoughts)},
            "total_tokens": ask.prompt_tokens + one.tokens,
        },
    }


def build_output_items(ask: Ask, one: Answer) -> list[Item]:
    """The finished items: reasoning, message, calls. The last of an answer that was cut is incomplete."""
    items: list[Item] = []
    if one.thoughts:
        thought: Item = {"type": "reasoning_text", "text": one.thought}
        items.append({"id": f"rs_{secrets.token_hex(8)}", "type": "reasoning", "summary": [], "content": [thought]})
    if one.texts:
        part: Item = {
            "type": "output_text",
            "text": one.text,
            "annotations": [],
            "logprobs": make_text_logprobs(ask, one.texts),
        }
        message = {"type": "message", "status": "completed", "role": "assistant", "content": [part]}
        items.append({"id": f"msg_{secrets.token_hex(8)}", **message})
    items += [_make_call_item(call) for call in one.calls]
    if one.stop == "length" and items and "status" in items[-1]:
        items[-1]["status"] = "incomplete"
    return items


def make_text_logprobs(ask: Ask, pieces: list[str]) -> list[Item]:
    """Log probabilities of a text, if they were asked for."""
    return [] if ask.top_logprobs is None else make_logprobs(pieces, ask.top_logprobs)


def _make_call_item(call: Call) -> Item:
    return {
        "id": f"fc_{secrets.token_hex(8)}",
        "type": "function_call",
        "status": "completed",
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def _make_function(entry: Item) -> Item:
    """A function as it was understood: strict unless said otherwise. Tools of other types are not there for us."""
    strict = entry.get("strict")
    return {
        "type": "function",
        "name": entry["name"],
        "description": entry.get("description"),
        "parameters": entry.get("parameters"),
        "strict": True if strict is None else strict,
    }


def _read_option(given: Mapping[str, Any], name: str, allowed: tuple[str, ...], within: str = "") -> Any:
    value = given.get(name)
    if value is not None and value not in allowed:
        raise make_bad_request(f"'{within}{name}' must be one of {', '.join(allowed)}.", f"{within}{name}")
    return value


def _read_reasoning(body: Body) -> Item:
    given = body.get("reasoning")
    if given is not None and not isinstance(given, dict):
        raise make_bad_request("'reasoning' must be an object.", "reasoning")
    return {
        "effort": _read_option(given or {}, "effort", _EFFORTS, "reasoning."),
        "summary": _read_option(given or {}, "summary", _SUMMARIES, "reasoning."),
    }


def _read_text_settings(body: Body) -> Item:
    """The settings of the text, with a format always."""
    given = {} if body.get("text") is None else body["text"]
    if not isinstance(given, dict):
        raise make_bad_request("'text' must be an object.", "text")
    verbosity = _read_option(given, "verbosity", _VERBOSITIES, "text.") or "medium"
    wanted = {"type": "text"} if given.get("format") is None else given["format"]
    if not isinstance(wanted, dict):
        raise make_bad_request("'text.format' must be an object.", "text.format")
    if wanted.get("type") == "json_schema":
        wanted = {"description": None, "strict": False, **wanted}
        types = {"name": str, "description": str | None, "strict": bool | None}
        for name, kind in types.items():
            if not isinstance(wanted.get(name), kind):
                raise make_bad_request(f"'text.format.{name}' is missing, or of another type.", f"text.format.{name}")
    return {"format": wanted, "verbosity": verbosity}
