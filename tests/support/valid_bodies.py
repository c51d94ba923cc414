"""Requests that a correct server has to answer, in every dialect: what clients may say, and in what mixtures; and
the same with one thing spoiled."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from hypothesis import strategies as st
from support.simulated import SCHEMA, tool

PROMPT = st.sampled_from(
    [
        "Hello",
        "What is the weather in Paris for 3 days?",
        "What is the weather in Paris and in Oslo?",
        "Say 7 words about \U0001f642 and <b>.",
        "",
    ]
)
_ARGUMENTS = '{"city": "Paris"}'
_TOOL_NAMES = st.lists(st.sampled_from(["get_weather", "send_money"]), min_size=1, max_size=2, unique=True)


def _some(always: Mapping[str, Any], **members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    required = {name: st.just(value) for name, value in always.items()}
    return st.fixed_dictionaries(required, optional=members)


@st.composite
def chat_body(draw: st.DrawFn) -> dict[str, Any]:
    """A body for chat completions."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(PROMPT)}]
    if draw(st.booleans()):
        messages.insert(0, {"role": draw(st.sampled_from(["system", "developer"])), "content": "Be brief."})
    if draw(st.booleans()):
        call = {
            "id": "call_1",
            "type": "function",
            "function": {"name": "get_weather", "arguments": _ARGUMENTS},
        }
        messages += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": "12 degrees"},
        ]
    body = draw(
        _some(
            {"model": "m", "messages": messages},
            stream=st.booleans(),
            stream_options=st.fixed_dictionaries({"include_usage": st.booleans()}),
            max_tokens=st.integers(1, 12),
            max_completion_tokens=st.integers(1, 12),
            n=st.integers(1, 3),
            stop=st.sampled_from(["answer", ["is", "a"], ["nowhere"], []]),
            response_format=st.sampled_from(
                [
                    {"type": "text"},
                    {"type": "json_object"},
                    {"type": "json_schema", "json_schema": {"name": "trip", "schema": SCHEMA}},
                ]
            ),
        )
    )
    if draw(st.booleans()):
        body["logprobs"] = draw(st.booleans())
        if body["logprobs"]:
            body["top_logprobs"] = draw(st.integers(0, 20))
    return _with_tools(draw, body, "chat")


@st.composite
def responses_body(draw: st.DrawFn) -> dict[str, Any]:
    """A body for responses."""
    items: list[dict[str, Any]] = [{"role": "user", "content": draw(PROMPT)}]
    if draw(st.booleans()):
        items.insert(0, {"type": "message", "role": "developer", "content": "Be brief."})
    if draw(st.booleans()):
        call = {"type": "function_call", "call_id": "c", "name": "get_weather", "arguments": _ARGUMENTS}
        items += [call, {"type": "function_call_output", "call_id": "c", "output": "12 degrees"}]
    body = draw(
        _some(
            {"model": "m", "input": items},
            stream=st.booleans(),
            include=st.sampled_from([[], ["message.output_text.logprobs"], ["reasoning.encrypted_content"]]),
            instructions=st.sampled_from([None, "Be kind."]),
            max_output_tokens=st.integers(1, 12),
            max_tool_calls=st.integers(1, 3),
            metadata=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
            parallel_tool_calls=st.booleans(),
            prompt_cache_key=st.text(max_size=4),
            reasoning=_some(
                {},
                effort=st.sampled_from([None, "none", "low", "high"]),
                summary=st.sampled_from(["auto", "detailed"]),
            ),
            safety_identifier=st.text(max_size=4),
            service_tier=st.sampled_from(["auto", "default", "flex"]),
            store=st.booleans(),
            temperature=st.floats(0, 2) | st.integers(0, 2),
            top_p=st.floats(0, 1) | st.integers(0, 1),
            top_logprobs=st.integers(0, 20),
            truncation=st.sampled_from(["auto", "disabled"]),
            text=_some(
                {},
                format=st.sampled_from(
                    [
                        {"type": "text"},
                        {"type": "json_object"},
                        {"type": "json_schema", "name": "trip", "schema": SCHEMA},
                        {"type": "json_schema", "name": "trip", "schema": SCHEMA, "strict": True},
                    ]
                ),
                verbosity=st.sampled_from(["low", "medium", "high"]),
            ),
            user=st.text(max_size=4),
        )
    )
    return _with_tools(draw, body, "responses")


@st.composite
def messages_body(draw: st.DrawFn) -> dict[str, Any]:
    """A body for messages."""
    messages: list[dict[str, Any]] = [{"role": "user", "content": draw(PROMPT) or "Hi"}]
    if draw(st.booleans()):
        use = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Paris"}}
        result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "12 degrees"}
        messages += [{"role": "assistant", "content": [use]}, {"role": "user", "content": [result]}]
    body = draw(
        _some(
            {"model": "m", "messages": messages, "max_tokens": draw(st.integers(1, 12) | st.just(1024))},
            stream=st.booleans(),
            system=st.sampled_from(["Be brief.", [{"type": "text", "text": "Be brief."}]]),
            stop_sequences=st.sampled_from([[], ["answer"], ["is", "nowhere"]]),
            thinking=st.sampled_from([{"type": "disabled"}, {"type": "enabled", "budget_tokens": 1024}]),
            output_config=_some(
                {},
                effort=st.sampled_from(["low", "high"]),
                format=st.just({"type": "json_schema", "schema": SCHEMA}),
            ),
        )
    )
    return _with_tools(draw, body, "messages")


def _with_tools(draw: st.DrawFn, body: dict[str, Any], route: str) -> dict[str, Any]:
    if draw(st.booleans()):
        names = draw(_TOOL_NAMES)
        body["tools"] = [tool(route, name) for name in names]
        wanted = draw(st.sampled_from(["auto", "none", "required", "named"]))
        body["tool_choice"] = _choice(route, wanted, names[0])
        if route == "chat":
            body["parallel_tool_calls"] = draw(st.booleans())
    return body


def _choice(route: str, wanted: str, name: str) -> Any:
    if route == "messages":
        kinds = {"required": "any", "named": "tool"}
        return {
            "type": kinds.get(wanted, wanted),
            **({"name": name} if wanted == "named" else {}),
        }
    if wanted != "named":
        return wanted
    return {"type": "function", **({"function": {"name": name}} if route == "chat" else {"name": name})}


BODIES = {"chat": chat_body(), "responses": responses_body(), "messages": messages_body()}


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 30) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@st.composite
def spoiled_body(draw: st.DrawFn, dialect: str) -> dict[str, Any]:
    """A body that a correct server has to answer, with one member, however deep, made into anything at all."""
    body = copy.deepcopy(draw(BODIES[dialect]))
    place = draw(st.sampled_from(list(_places(body))))
    *way, last = place
    within: Any = body
    for step in way:
        within = within[step]
    within[last] = draw(_ANYTHING)
    return body


def _places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every member and element."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, one in inner:
        yield (*way, step)
        yield from _places(one, (*way, step))
