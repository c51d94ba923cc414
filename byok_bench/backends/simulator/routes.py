"""Routes: what a path asks for, the method it wants, and in whose envelope its errors come."""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from byok_bench.backends.simulator.http import Request
from byok_bench.backends.simulator.model_list import is_anthropic_request
from byok_bench.backends.simulator.visit import Route


class Place(NamedTuple):
    """Where a request goes."""

    route: Route
    method: str = "POST"
    id: str = ""
    """Of the model or the response that is asked for."""


_PATHS: Mapping[str, Place] = {
    "/v1/chat/completions": Place("chat"),
    "/v1/responses": Place("responses"),
    "/v1/messages": Place("messages"),
    "/v1/messages/count_tokens": Place("token-count"),
    "/v1/models": Place("models", "GET"),
    "/health": Place("health", "GET"),
    "/v1/health": Place("health", "GET"),
}
_PREFIXES: Mapping[str, Route] = {"/v1/models/": "model", "/v1/responses/resp_": "response"}


def find_place(path: str) -> Place:
    """What a path asks for."""
    if path in _PATHS:
        return _PATHS[path]
    for prefix, route in _PREFIXES.items():
        if path.startswith(prefix) and len(path) > len(prefix):
            return Place(route, "GET", unquote(path.split("/", 3)[3]))
    return Place("unknown")


def choose_envelope(request: Request) -> str:
    """The dialect whose errors the client understands."""
    of_models = request.path.startswith("/v1/models")
    if request.path.startswith("/v1/messages") or (of_models and is_anthropic_request(request)):
        return "messages"
    return "chat"
