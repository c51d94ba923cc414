"""Requests to a simulator without a socket, for what it says and not for how it is sent."""

import json
from typing import Any

from support.simulated import tool

from byok_bench.backends.simulator.http import Request
from byok_bench.backends.simulator.reply import Reply
from byok_bench.backends.simulator.server import Simulator

PATHS = {"chat": "/v1/chat/completions", "responses": "/v1/responses", "messages": "/v1/messages"}
ANTHROPIC = {"anthropic-version": "2023-06-01"}


def ask(server: Simulator, path: str, body: Any = None, headers: dict[str, str] | None = None, **query: str) -> Reply:
    """The reply to a request; GET without a body."""
    raw = b"" if body is None else json.dumps(body).encode()
    return server.make_reply(Request("GET" if body is None else "POST", path, headers or {}, raw, query=query))


def question(dialect: str, prompt: str, *, tools: bool = False, **members: Any) -> dict[str, Any]:
    """A body for model `m` with one question, as the dialect writes it."""
    body: dict[str, Any] = {"model": "m", **members}
    if dialect == "responses":
        body["input"] = prompt
    else:
        body["messages"] = [{"role": "user", "content": prompt}]
    if dialect == "messages":
        body.setdefault("max_tokens", 200)
    if tools:
        body["tools"] = [tool(dialect)]
    return body


def text_of(dialect: str, answer: Any) -> str:
    """The text of a whole answer."""
    match dialect:
        case "chat":
            return str(answer["choices"][0]["message"]["content"] or "")
        case "responses":
            parts = [part for item in answer["output"] for part in item.get("content", [])]
        case _:
            parts = answer["content"]
    return "".join(part.get("text", "") for part in parts)


def calls_of(dialect: str, answer: Any) -> list[Any]:
    """The arguments of each call of a whole answer, decoded."""
    match dialect:
        case "chat":
            calls = answer["choices"][0]["message"].get("tool_calls", [])
            return [json.loads(call["function"]["arguments"]) for call in calls]
        case "responses":
            found = [item for item in answer["output"] if item["type"] == "function_call"]
            return [json.loads(item["arguments"]) for item in found]
    return [block["input"] for block in answer["content"] if block["type"] == "tool_use"]
