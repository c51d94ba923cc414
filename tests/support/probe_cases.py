"""Answers that probes judge, kept as JSON: what a server said to each request, and the verdict that it makes.

An answer is `text`, `reasoning`, `calls` (id, name, arguments), `finish` and `usage` (prompt, completion) of a good
one; `status` with an `error` object or a `body`; or `lost`, the kind of failure when none came.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from support.chat_records import exchange

from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.failures import make_failure
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest

FILE = Path(__file__).parent.parent / "cases" / "probes.json"


def probe_cases() -> list[Any]:
    """The cases as pytest parameters."""
    return [pytest.param(case, id=f"{case['probe']}: {case['name']}") for case in json.loads(FILE.read_text("utf-8"))]


def answer_of(said: dict[str, Any]) -> Exchange:
    """The exchange of one answer."""
    request = said.get("request", {})
    if "lost" in said:
        raw = RawExchange(
            request=RawRequest(id="r", method="POST", url="http://127.0.0.1/v1", headers=(), body=b"{}"),
            phases=Phases(start=0),
            end="reset",
            failure=make_failure(said["lost"], "headers", "no response came"),
        )
        return Exchange(raw, label="l", base_url="http://127.0.0.1/v1", model="m")
    if "body" in said:
        body = said["body"]
    else:
        body = json.dumps({"error": said["error"]} if "error" in said else _document(said))
    headers = said.get("headers", {"content-type": "application/json"})
    return exchange(body.encode(), request=request, headers=headers, status=said.get("status", 200))


def _document(said: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": said["text"]}
    if "reasoning" in said:
        message["reasoning_content"] = said["reasoning"]
    if "calls" in said:
        message["tool_calls"] = [
            {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}
            for id_, name, arguments in said["calls"]
        ]
    document: dict[str, Any] = {
        "id": "c",
        "object": "chat.completion",
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": said["finish"]}],
    }
    if "usage" in said:
        prompt, completion = said["usage"]
        document["usage"] = {
            "prompt_tokens": prompt,
            "completion_tokens": completion,
            "total_tokens": prompt + completion,
        }
    return document
