"""Token counts of answers: usage in each dialect."""

import itertools
from collections.abc import Iterator
from typing import Final

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.registry import TYPED, WHOLE, check
from byok_bench.checks.seen_exchange import SeenExchange
from byok_bench.dialects.answer import AnswerReading, UsageObject
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.token_counts import COUNT_NAMES, COUNTS, CountNames, is_token_count, to_token_count

_OPEN: Final = ("in_progress", "queued", "cancelled", "failed")
"""Statuses of a response that has not come to its end."""


def _is_usage_requested(seen: SeenExchange) -> bool:
    options = seen.request.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


@check("usage.missing", WARN, applies_to="chat-stream", also=WHOLE)
def missing(seen: SeenExchange) -> Iterator[Hit]:
    """Send usage when it was asked for.

    Rule: with include_usage a stream that finished, by [DONE] or at a clean end with all choices finished, has a
    usage object before [DONE]. A whole answer that has ended always has one.
    Why: costs and context gauges stay at zero.
    Seen in: openai/openai-openapi#240; janhq/cortex.llamacpp#265
    """
    stream, answer = seen.chat_stream, seen.error_free_answer
    if answer and answer.shape == "document" and not answer.usages and _has_ended(answer):
        yield Hit("the answer has no usage object")
    if stream and _is_usage_requested(seen) and not stream.usages:
        ended = stream.closing == "done" or (stream.closing == "eof" and stream.is_finished)
        if ended:
            yield Hit("include_usage is true, and no chunk has a usage object")


def _has_ended(answer: AnswerReading) -> bool:
    """Whether a document is a whole answer: a response may still be in progress, and say so."""
    return all(choice.own_reason not in _OPEN for choice in answer.choices)


@check("usage.unrequested", WARN, applies_to="chat-stream")
def unrequested(seen: SeenExchange) -> Iterator[Hit]:
    """Send no usage chunk that nobody asked for.

    Rule: without include_usage no chunk has choices [] and a usage object. It counts all the same.
    Why: code that reads choices[0] fails on the last chunk.
    Seen in: Arthur-Ficial/apfel#100; XSpoonAi/spoon-core#179
    """
    for usage in seen.chat_stream.usages if seen.chat_stream and not _is_usage_requested(seen) else ():
        if usage.is_apart:
            yield Hit("a usage chunk came although include_usage was not true", usage.event)


@check("usage.on-content-chunk", INFO, applies_to="chat-stream")
def on_content_chunk(seen: SeenExchange) -> Iterator[Hit]:
    """Send usage in a chunk of its own.

    Rule: usage may ride on a chunk with choices, also on each of them: the numbers are running totals, the last
    ones count, and nothing is added up.
    Why: clients that added them multiplied the bill.
    Seen in: camel-ai/camel#4217; open-webui/open-webui#29064
    """
    for usage in seen.chat_stream.usages if seen.chat_stream else ():
        if not usage.is_apart:
            yield Hit("usage came on a chunk with choices", usage.event)


@check("usage.duplicate-final", WARN, applies_to="chat-stream")
def duplicate_final(seen: SeenExchange) -> Iterator[Hit]:
    """Send the usage chunk once.

    Rule: at most one chunk has choices [] and a usage object. The last one counts.
    Why: tokens are counted twice.
    Seen in: InsForge/InsForge#2015
    """
    apart = [usage for usage in seen.chat_stream.usages if usage.is_apart] if seen.chat_stream else []
    if len(apart) > 1:
        yield Hit(f"{len(apart)} chunks have no choices and a usage object", apart[1].event)


@check("usage.decreasing", ERROR, applies_to="chat-stream")
def decreasing(seen: SeenExchange) -> Iterator[Hit]:
    """Lower no running total.

    Rule: from one usage object to the next neither prompt_tokens nor completion_tokens nor total_tokens goes down.
    Why: clients that take differences get negative numbers.
    Seen in: langchain-ai/langchainjs#8694
    """
    for earlier, later in itertools.pairwise(seen.chat_stream.usages if seen.chat_stream else ()):
        for name in COUNTS:
            before, after = to_token_count(earlier.value.get(name)), to_token_count(later.value.get(name))
            if before is not None and after is not None and after < before:
                yield Hit(f"{name} goes down from {before} to {after}", later.event)


def _iterate_last_usage(seen: SeenExchange) -> Iterator[tuple[UsageObject, CountNames]]:
    """The usage object that counts, with the names of its dialect."""
    for usage in seen.answer.usages[-1:] if seen.answer else ():
        yield usage, COUNT_NAMES[seen.schema]


@check("usage.types", ERROR, applies_to="chat", also=TYPED)
def types(seen: SeenExchange) -> Iterator[Hit]:
    """Send token counts as integers from 0 on.

    Rule: where present, prompt_tokens, completion_tokens and total_tokens (input_tokens, output_tokens and
    total_tokens in Responses and Messages) are JSON integers from 0 on; null is none, but for the input of a
    message_delta. Numeric strings and integral floats are read as numbers, other values not at all.
    Why: a decoder with static types stops at "12", and at null.
    Seen in: openai/openai-python src/openai/types/completion_usage.py
    """
    for usage in seen.answer.usages if seen.answer else ():
        names = COUNT_NAMES[seen.schema]
        for name in names.counts:
            may_be_null = seen.schema == "messages" and usage.is_apart and name == names.prompt
            given = usage.value.get(name)
            if name in usage.value and not is_token_count(given) and not (given is None and may_be_null):
                yield Hit(f"{name} is {render_value(given)}", usage.event)


@check("usage.total", WARN, applies_to="chat", also=("responses",))
def total(seen: SeenExchange) -> Iterator[Hit]:
    """Make the total the sum of its parts.

    Rule: in the last usage object the total is the prompt and the completion together, where all are integers. A
    server may count reasoning beside the completion, as xAI documents it: total = prompt + completion + reasoning
    is told as info, and usage.details is silent.
    Why: budgets disagree, and tokens per second come out too low where the reasoning is left out.
    Seen in: openai/openai-python src/openai/types/completion_usage.py; vercel/ai#12425
    """
    for usage, names in _iterate_last_usage(seen):
        prompt, completion = usage.value.get(names.prompt), usage.value.get(names.completion)
        whole = usage.value.get(names.total or "")
        if not (is_token_count(prompt) and is_token_count(completion) and is_token_count(whole)):
            continue
        if _is_reasoning_apart(usage, names):
            yield Hit(
                f"{names.total} is {whole}: {names.prompt} {prompt} + {names.completion} {completion} + reasoning"
                f" {whole - prompt - completion}, which is counted beside {names.completion}",
                usage.event,
                severity=INFO,
            )
        elif prompt + completion != whole:
            yield Hit(f"{names.total} is {whole}, the parts are {prompt} and {completion}", usage.event)


@check("usage.zero", WARN, applies_to="chat", also=TYPED)
def zero(seen: SeenExchange) -> Iterator[Hit]:
    """Report no zero for what was there.

    Rule: in the last usage object the completion is not 0 where content, reasoning or a tool call came, and the
    prompt is not 0 at all. (The input of Messages is a matter of messages.usage.)
    Why: a gauge of the context window never moves.
    Seen in: routatic/proxy#9
    """
    counts = seen.output.usage
    for usage, names in _iterate_last_usage(seen):
        if counts is not None and counts.prompt_tokens == 0 and seen.schema != "messages":
            yield Hit(f"{names.prompt} is 0", usage.event)
        elif counts is not None and counts.completion_tokens == 0 and _has_output(seen):
            yield Hit(f"{names.completion} is 0, and there is output", usage.event)


def _has_output(seen: SeenExchange) -> bool:
    choices = seen.answer.choices if seen.answer else []
    return any(choice.text or choice.reasoning or choice.calls for choice in choices)


@check("usage.details", WARN, applies_to="chat", also=("responses",))
def details(seen: SeenExchange) -> Iterator[Hit]:
    """Keep the details within their totals.

    Rule: in the last usage object cached_tokens and audio_tokens of the prompt are at most its count, and
    reasoning_tokens and audio_tokens of the completion at most that one's. Not judged where reasoning is counted
    beside the completion, and the total says so (usage.total).
    Why: billed tokens become negative.
    Seen in: sgl-project/sglang#25876
    """
    for usage, names in _iterate_last_usage(seen):
        if _is_reasoning_apart(usage, names):
            continue
        for whole_name, parts, members in (
            (names.prompt, names.prompt_parts, ("cached_tokens", "audio_tokens")),
            (names.completion, names.completion_parts, ("reasoning_tokens", "audio_tokens")),
        ):
            whole = to_token_count(usage.value.get(whole_name))
            for name in members:
                part = _find_detail(usage, parts, name)
                if part is not None and whole is not None and part > whole:
                    yield Hit(f"{name} is {part}, and {whole_name} only {whole}", usage.event)


def _find_detail(usage: UsageObject, parts: str, name: str) -> int | None:
    inner = usage.value.get(parts)
    return to_token_count(inner.get(name)) if isinstance(inner, dict) else None


def _is_reasoning_apart(usage: UsageObject, names: CountNames) -> bool:
    """Whether the total is prompt, completion and reasoning together."""
    parts = [to_token_count(usage.value.get(name)) for name in (names.prompt, names.completion)]
    reasoning = _find_detail(usage, names.completion_parts, "reasoning_tokens")
    whole = to_token_count(usage.value.get(names.total)) if names.total is not None else None
    known = [one for one in (*parts, reasoning) if one is not None]
    return len(known) == 3 and bool(reasoning) and sum(known) == whole
