"""One answer of Responses or Messages, told as a stream and as one document, is one Output."""

import itertools
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.typed_cases import exchange_of

from byok_bench.dialects.output import Output

PIECES = st.lists(st.text(st.sampled_from("ab \n{}é😀"), min_size=1, max_size=4), min_size=1, max_size=4)
WAYS = st.sampled_from(["deltas", "done", "item"])
"""What brings a text of a streamed response: deltas with all that repeats them, the done event on, or the item."""
SHIFTS = st.sampled_from([0, 0, 1, 2])
USAGE = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}


def read(schema: str, **case: Any) -> Output:
    """The output of one form, which has to be a good answer."""
    exchange = exchange_of(case, schema)
    assert exchange.error is None
    return exchange.output


parts = st.tuples(st.sampled_from(["output_text", "refusal"]), PIECES)
items = st.one_of(
    st.tuples(st.just("message"), st.lists(parts, min_size=1, max_size=3)),
    st.tuples(st.just("reasoning"), st.lists(st.tuples(st.just("reasoning_text"), PIECES), max_size=2)),
    st.tuples(st.just("summary"), st.lists(st.tuples(st.just("summary_text"), PIECES), max_size=2)),
    st.tuples(st.sampled_from(["function_call", "custom_tool_call"]), PIECES),
)
MEMBER = {"output_text": "text", "refusal": "refusal", "reasoning_text": "text", "summary_text": "text"}
FAMILY = {"summary_text": "reasoning_summary_text", "function_call": "function_call_arguments",
          "custom_tool_call": "custom_tool_call_input"}  # fmt: skip
INPUT = {"function_call": "arguments", "custom_tool_call": "input"}


def item_of(kind: str, told: Any, number: int) -> dict[str, Any]:
    """A finished item."""
    if kind in INPUT:
        call = {"type": kind, "id": f"fc_{number}", "call_id": f"call_{number}", "name": "f"}
        return {**call, INPUT[kind]: "".join(told)}
    held = [{"type": part, MEMBER[part]: "".join(pieces)} for part, pieces in told]
    if kind == "message":
        return {"type": kind, "id": f"msg_{number}", "role": "assistant", "content": held}
    return {
        "type": "reasoning",
        "id": f"rs_{number}",
        "summary": [],
        "content" if kind == "reasoning" else kind: held,
    }


def events_of(kind: str, told: Any, number: int, way: str, shifts: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """The events of one item; `shifts`: what deltas and done events are off by in their numbers."""
    item = item_of(kind, told, number)
    where = {"item_id": item["id"], "output_index": number}
    opened = {**item, "content": [], "summary": [], **({INPUT[kind]: ""} if kind in INPUT else {})}
    yield {"type": "response.output_item.added", "output_index": number, "item": opened}
    for place, (part, pieces) in enumerate([(kind, told)] if kind in INPUT else told):
        family = f"response.{FAMILY.get(part, part)}"
        index = "summary_index" if part == "summary_text" else "content_index"
        at, then = (where if kind in INPUT else {**where, index: place + shift} for shift in shifts)
        if way == "deltas":
            yield from ({"type": f"{family}.delta", **at, "delta": piece} for piece in pieces)
        if way in ("deltas", "done"):
            member = INPUT.get(part) or MEMBER[part]
            yield {"type": f"{family}.done", **then, member: "".join(pieces)}
    yield {"type": "response.output_item.done", "output_index": number, "item": item}


@given(st.lists(items, max_size=4), WAYS, st.tuples(SHIFTS, SHIFTS), st.booleans())
def test_a_response(answer: list[Any], way: str, shifts: tuple[int, int], cut: bool) -> None:
    """However its items come, in whatever places, nothing is lost, said twice or told otherwise."""
    status = "incomplete" if cut else "completed"
    response = {
        "id": "resp_1", "object": "response", "created_at": 1, "model": "m", "status": status, "usage": USAGE,
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "output": [item_of(kind, told, number) for number, (kind, told) in enumerate(answer)],
    }  # fmt: skip
    events = [
        {"type": "response.created", "response": {**response, "status": "in_progress", "output": []}},
        *itertools.chain.from_iterable(
            events_of(kind, told, number, way, shifts) for number, (kind, told) in enumerate(answer)
        ),
        {"type": f"response.{status}", "response": response},
    ]
    assert read("responses", events=events) == read("responses", body=response)


blocks = st.tuples(st.sampled_from(["text", "thinking"]), PIECES) | st.tuples(
    st.just("tool_use"), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2)
)


@given(st.lists(blocks, max_size=4), st.booleans(), st.sampled_from(["end_turn", "max_tokens", "tool_use"]))
def test_a_message(answer: list[Any], at_once: bool, stop: str) -> None:
    """Whether its blocks come in deltas or complete from the start, the message is the same."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": stop,
               "content": [], "usage": {"input_tokens": 5, "output_tokens": 2}}  # fmt: skip
    events: list[dict[str, Any]] = [{"type": "message_start", "message": {**message, "stop_reason": None}}]
    content = []
    for index, (kind, told) in enumerate(answer):
        call = {"type": kind, "id": f"toolu_{index}", "name": "f"}
        whole = {**call, "input": told} if kind == "tool_use" else {"type": kind, kind: "".join(told)}
        empty = {**call, "input": {}} if kind == "tool_use" else {"type": kind, kind: ""}
        content.append(whole)
        events.append({"type": "content_block_start", "index": index, "content_block": whole if at_once else empty})
        if not at_once:
            pieces = [json.dumps(told, ensure_ascii=False)] if kind == "tool_use" else told
            name, member = ("input_json_delta", "partial_json") if kind == "tool_use" else (f"{kind}_delta", kind)
            events += [
                {"type": "content_block_delta", "index": index, "delta": {"type": name, member: piece}}
                for piece in pieces
            ]
        events.append({"type": "content_block_stop", "index": index})
    events += [
        {"type": "message_delta", "delta": {"stop_reason": stop}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]
    assert read("messages", events=events) == read("messages", body={**message, "content": content})
