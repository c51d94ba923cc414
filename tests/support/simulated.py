"""Requests that make each fault of the simulator show, and the ids that a fault is allowed to raise."""

from typing import Any

from byok_bench.backends.simulator.faults.fault import Fault

KEY = "sk-simulated-0123456789"
SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": "integer"}},
    "required": ["city"],
    "additionalProperties": False,
}
QUESTION = "What is the weather in Paris for 3 days?"


def tool(route: str, name: str = "get_weather") -> dict[str, Any]:
    """The weather tool as a dialect writes it."""
    about = {"name": name, "description": "Weather of a city"}
    match route:
        case "responses":
            return {"type": "function", **about, "parameters": SCHEMA}
        case "messages":
            return {**about, "input_schema": SCHEMA}
    return {"type": "function", "function": {**about, "parameters": SCHEMA}}


def body_for(route: str, *needs: str) -> dict[str, Any]:
    """A request body with what is needed; streamed unless it needs a document."""
    body: dict[str, Any] = {"stream": "document" not in needs}
    if route == "responses":
        body["input"] = QUESTION
    else:
        body["messages"] = [{"role": "user", "content": QUESTION}]
    if route == "messages":
        body["max_tokens"] = 200
    if "tools" in needs:
        body["tools"] = [tool(route)]
    if "include_usage" in needs and body["stream"]:
        body["stream_options"] = {"include_usage": True}
    if "json_schema" in needs:
        body |= json_mode(route)
    return body


def json_mode(route: str) -> dict[str, Any]:
    """What asks for JSON after a schema in a dialect."""
    match route:
        case "responses":
            return {"text": {"format": {"type": "json_schema", "name": "trip", "schema": SCHEMA}}}
        case "messages":
            return {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "trip", "schema": SCHEMA}}}


def body_of(fault: Fault, route: str) -> dict[str, Any]:
    """A request that the fault shows in."""
    return body_for(route, *fault.needs)
