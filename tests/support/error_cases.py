"""Tables of error answers, kept as JSON: what a server sends, and what must be read from it."""

import json
from pathlib import Path
from typing import Any

import pytest

from byok_bench.wire.raw_exchange import RawHead

FOLDER = Path(__file__).parent.parent / "cases" / "errors"
NOW = 784111777.0
"""Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110's examples."""


def table(name: str) -> list[Any]:
    """The cases of one table as pytest parameters."""
    cases = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return [pytest.param(case, id=case["name"]) for case in cases]


def head_of(case: dict[str, Any], status: int = 429) -> RawHead:
    """The response head of a case."""
    headers = tuple((name.lower(), value) for name, value in case.get("headers", {}).items())
    received_s = case.get("now", NOW)
    return RawHead(status=case.get("status", status), http="1.1", headers=headers, received_s=received_s)


def body_of(case: dict[str, Any]) -> bytes:
    """The body of a case: `json`, `text` or `hex`; empty if it has none of them."""
    if "hex" in case:
        return bytes.fromhex(case["hex"])
    return (json.dumps(case["json"]) if "json" in case else case.get("text", "")).encode()
