"""Rules about the objects of the Responses API, in events and as whole answers: labels, status, counts, members."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.rules.responses_members import (
    find_lacking_members,
    find_wrong_in_item,
    find_wrong_in_part,
)
from byok_bench.checks.rules.typed_answers import (
    AnswerObject,
    describe_member,
    is_filled,
    iterate_answer_objects,
    list_events_before_error,
    sort_hits,
)
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.responses.assembly import TERMINAL_TYPES
from byok_bench.dialects.responses.output import STATUSES

_RESPONSES: Final = dict.fromkeys(
    ("response.created", "response.queued", "response.in_progress", *TERMINAL_TYPES), "response"
)
_BEGINNINGS: Final = ("response.created", "response.queued")
_OVER: Final = ("", "response.completed", "response.incomplete")
"""Where a response is told that is over: as a whole answer, or in these events."""
_ITEM_EVENTS: Final = ("response.output_item.added", "response.output_item.done")
_PART_EVENTS: Final = (
    "response.content_part.added",
    "response.content_part.done",
    "response.reasoning_summary_part.added",
    "response.reasoning_summary_part.done",
)
_UNCOUNTED: Final = ("failed", "in_progress", "queued", "cancelled")
"""What a response may be without having counted."""
_COUNTS: Final = ("input_tokens", "output_tokens", "total_tokens")


def _iterate_responses(seen: SeenExchange, *, strangers: bool = False) -> Iterator[AnswerObject]:
    return iterate_answer_objects(seen, _RESPONSES, strangers=strangers)


@check("responses.object", WARN, applies_to="responses")
def label(seen: SeenExchange) -> Iterator[Hit]:
    """Label the response object.

    Rule: `object` is response, `id` is a string that is not empty, and `created_at` is a number of seconds; in a
    whole answer, in what came in its place, and in every event that holds a response.
    Why: typed clients tell objects apart by these, and the next turn names the id.
    Seen in: Oaklight/llm-rosetta#56; openai/openai-python src/openai/types/responses/response.py
    """
    for told in _iterate_responses(seen, strangers=True):
        wrong = [] if told.value.get("object") == "response" else [describe_member(told.value, "object")]
        if not is_filled(told.value.get("id")):
            wrong.append(describe_member(told.value, "id"))
        if type(told.value.get("created_at")) not in (int, float):
            wrong.append(describe_member(told.value, "created_at"))
        if wrong:
            yield Hit(f"{told.by or 'the response'}: {', '.join(wrong)}", event=told.event)


@check("responses.status", ERROR, applies_to="responses")
def status(seen: SeenExchange) -> Iterator[Hit]:
    """Say how the response stands.

    Rule: `status` is one of completed, incomplete, failed, in_progress, queued, cancelled, and the terminal event
    of a stream is called after it. Incomplete says why in `incomplete_details.reason`, failed in `error`.
    Why: a cut answer that is called completed is taken for a whole one.
    Seen in: openai/openai-python src/openai/types/responses/response_status.py; jundot/omlx#2817;
    raullenchai/Rapid-MLX#866
    """
    for told in _iterate_responses(seen):
        where = told.by or "the response"
        found = told.value.get("status")
        if found not in STATUSES:
            yield Hit(f"{where}: {describe_member(told.value, 'status')}", event=told.event)
        elif told.by in TERMINAL_TYPES and told.by != f"response.{found}":
            yield Hit(f"{told.by} says status {found}", event=told.event)
        details = told.value.get("incomplete_details")
        reason = details.get("reason") if isinstance(details, dict) else None
        if found == "incomplete" and not is_filled(reason):
            yield Hit(f"{where} is incomplete, and incomplete_details has no reason", event=told.event)
        if found == "failed" and not told.value.get("error"):
            yield Hit(f"{where} is failed, and error does not say why", event=told.event)


@check("responses.item-shape", ERROR, applies_to="responses")
def item_shape(seen: SeenExchange) -> Iterator[Hit]:
    """Send output as typed items.

    Rule: `output` is an array of items, each with its type. A message has an array of typed parts in `content`,
    output_text with a string `text`, refusal with a string `refusal`; a function_call has `call_id`, `name` and
    a string `arguments`; reasoning has an array `summary`. Streamed, items and parts have these shapes in each
    event that holds one. Types that are not known are left alone; of a string in place of content the text is
    read.
    Why: clients walk through items and parts, and fail at the first that has not what its type says.
    Seen in: openai/openai-python src/openai/types/responses/response_output_item.py; Oaklight/llm-rosetta#56
    """
    yield from sort_hits(_judge_items(seen))


def _judge_items(seen: SeenExchange) -> Iterator[Hit]:
    for told in _iterate_responses(seen, strangers=True):
        output = told.value.get("output")
        if isinstance(output, list):
            for number, item in enumerate(output):
                for wrong in find_wrong_in_item(item):
                    yield Hit(f"output[{number}]: {wrong}", event=told.event)
        elif "output" in told.value or (told.by in _OVER and not told.value.get("error")):
            yield Hit(describe_member(told.value, "output"), event=told.event)
    for one in list_events_before_error(seen):
        if one.type in _ITEM_EVENTS:
            for wrong in find_wrong_in_item(one.value.get("item")):
                yield Hit(f"the item of {one.type}: {wrong}", event=one.event)
        elif one.type in _PART_EVENTS:
            for wrong in find_wrong_in_part(one.value.get("part")):
                yield Hit(f"the part of {one.type}: {wrong}", event=one.event)


@check("responses.usage", WARN, applies_to="responses")
def usage(seen: SeenExchange) -> Iterator[Hit]:
    """Count by the names of the Responses API.

    Rule: the usage of a response that is over, and did not fail, holds input_tokens, output_tokens and
    total_tokens, by these names. That response.completed has one at all is asked by responses.completed-output.
    Why: cost and context are counted from them; chat's names read as nothing.
    Seen in: openai/openai-python src/openai/types/responses/response_usage.py; ksylvest/omniai#140
    """
    for told in _iterate_responses(seen):
        if told.by not in _OVER:
            continue
        counts = told.value.get("usage")
        if isinstance(counts, dict):
            lacking = [name for name in _COUNTS if name not in counts]
            if lacking:
                yield Hit(f"usage lacks {', '.join(lacking)}", event=told.event)
        elif told.by != "response.completed" and told.value.get("status") not in _UNCOUNTED:
            yield Hit(describe_member(told.value, "usage"), event=told.event)


@check("responses.id-stable", WARN, applies_to="responses", streams_only=True)
def id_stable(seen: SeenExchange) -> Iterator[Hit]:
    """Keep one response id.

    Rule: a stream begins with response.created (or response.queued), and every response object from there to the
    terminal event has the same id.
    Why: the id that a client kept from the beginning can be neither fetched nor continued from; OpenAI's SDK
    raises at an event that comes before response.created.
    Seen in: vercel/ai#18548; BerriAI/litellm#30071; openai/openai-python
    src/openai/lib/streaming/responses/_responses.py
    """
    begun = next((one for one in list_events_before_error(seen) if one.type.startswith("response.")), None)
    if begun is not None and begun.type not in _BEGINNINGS:
        yield Hit(f"the stream begins with {begun.type}", event=begun.event)
    first: str | None = None
    for told in _iterate_responses(seen):
        found = told.value.get("id")
        if not isinstance(found, str) or not found:
            continue
        if first is not None and found != first:
            yield Hit(
                f"{told.by} has id {render_value(found)}, the stream began with {render_value(first)}",
                event=told.event,
            )
        first = first or found


@check("responses.required", WARN, applies_to="responses")
def required(seen: SeenExchange) -> Iterator[Hit]:
    """Send the members that the types require.

    Rule: what OpenAI's types require is there: in a response tools, tool_choice, parallel_tool_calls, model,
    created_at and output; in events the item_id and the indexes that say what they are about, and logprobs (an
    empty array will do) beside a delta of text; in messages id, role and status; in output_text annotations. What
    responses.item-shape asks for is not asked twice.
    Why: clients in statically typed languages refuse the object.
    Seen in: openai/openai-agents-python#1276; openresponses/openresponses
    src/lib/compliance-tests.ts
    """
    yield from sort_hits(_judge_members(seen))


def _judge_members(seen: SeenExchange) -> Iterator[Hit]:
    for told in _iterate_responses(seen):
        yield from _report_lacking(told.by or "the response", "response", told.value, told.event)
        output = told.value.get("output")
        for item in output if isinstance(output, list) else []:
            yield from _judge_item(item, told.event)
    for one in list_events_before_error(seen):
        if one.type.startswith("response."):
            yield from _report_lacking(one.type, one.type, one.value, one.event)
            yield from _judge_item(one.value.get("item"), one.event)
            yield from _judge_part(one.value.get("part"), one.event)


def _judge_item(item: object, event: int | None) -> Iterator[Hit]:
    """What an item and its parts lack."""
    yield from _judge_part(item, event)
    content = item.get("content") if isinstance(item, dict) else None
    for part in content if isinstance(content, list) else []:
        yield from _judge_part(part, event)


def _judge_part(part: object, event: int | None) -> Iterator[Hit]:
    kind = part.get("type") if isinstance(part, dict) else None
    if isinstance(part, dict) and isinstance(kind, str) and not kind.startswith("response"):
        yield from _report_lacking(f"a {kind[:40]}", kind, part, event)


def _report_lacking(what: str, type: str, value: Mapping[str, Any], event: int | None) -> Iterator[Hit]:
    members = find_lacking_members(type, value)
    if members:
        yield Hit(f"{what} lacks {', '.join(members)}", event=event)
