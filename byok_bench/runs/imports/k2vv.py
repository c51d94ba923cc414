"""K2-Vendor-Verifier: `results.jsonl`, one request a line, as its tool_calls_eval.py writes it.

https://github.com/MoonshotAI/K2-Vendor-Verifier/blob/7e5a06e0a39108e2b99d46041e3a8b608b3f8f5d/tool_calls_eval.py
It notes how long a request took, and no other time. It judges the calls of an answer that ended with `tool_calls`
together: one that is not valid makes all of them not so, and which one it was is not said.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from byok_bench.runs.imports.foreign_results import (
    UNKNOWN_MODEL,
    ForeignExchange,
    ForeignResults,
    read_failure,
    refuse_file,
    take_count,
    take_list,
    take_member,
    take_number,
    take_text,
)

TOOL: Final = "k2vv"


def read_k2vv(lines: Sequence[Any]) -> ForeignResults:
    """The lines of a result file; sample `line-N` is the request line of that number. Raises PlanError."""
    if not lines or not all(take_member(one, "status") in ("success", "failed") for one in lines):
        raise refuse_file("its lines have no status success or failed", TOOL)
    requests = [take_member(one, "request") for one in lines]
    models = [str(name) for one in requests if (name := take_member(one, "model"))]
    offered = [tool for one in requests for tool in take_list(take_member(one, "tools"))]
    names = [str(name) for tool in offered if (name := take_member(tool, "function", "name"))]
    return ForeignResults(
        tool=TOOL,
        model=models[0] if models else UNKNOWN_MODEL,
        exchanges=tuple(_iterate_exchanges(lines)),
        tools=tuple(dict.fromkeys(names)),
    )


def _iterate_exchanges(lines: Sequence[Any]) -> Iterator[ForeignExchange]:
    for number, line in enumerate(lines, 1):
        index = take_count(take_member(line, "data_index"))
        yield ForeignExchange(sample=f"line-{number if index is None else index}", fields=_read_fields(line))


def _read_fields(line: Any) -> dict[str, Any]:
    response, valid = take_member(line, "response"), take_member(line, "tool_calls_valid")
    calls = _list_calls(response)
    tokens = take_count(take_member(response, "usage", "completion_tokens"))
    found: dict[str, Any] = {
        "e2e_ms": take_number(take_member(line, "duration_ms")),
        "prompt_tokens": take_count(take_member(response, "usage", "prompt_tokens")),
        "tokens": tokens,
        "tokens_from": None if tokens is None else "usage",
        "finish_reason": take_text(take_member(line, "finish_reason")),
        "served_model": take_text(take_member(response, "model")),
        "tool_calls": calls,
        "valid_calls": len(calls) if valid is True else 0,
        "streamed": take_member(line, "request", "stream") is True,
        "outcome": "unmet" if valid is False else "ok",
    }
    if take_member(line, "status") == "success":
        return found
    said = take_member(response, "error")
    message = said if isinstance(said, str) else take_member(said, "message")
    return found | read_failure(str(message or said or ""))


def _list_calls(response: Any) -> tuple[str, ...]:
    first = next(iter(take_list(take_member(response, "choices"))), None)
    calls = take_list(take_member(first, "message", "tool_calls"))
    return tuple(str(take_member(call, "function", "name") or "") for call in calls)
