"""Token counts of chat answers."""

import itertools
from collections.abc import Iterator
from typing import Any

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.seen import Seen
from byok_bench.dialects.fragments import brief
from byok_bench.dialects.usage import COUNTS, count, is_count


def _wants_usage(seen: Seen) -> bool:
    options = seen.request.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True


def _detail(value: dict[str, Any], parts: str, name: str) -> object:
    inner = value.get(parts)
    return inner.get(name) if isinstance(inner, dict) else None


@check("usage.missing", WARN, applies_to="chat-stream")
def missing(seen: Seen) -> Iterator[Hit]:
    """Send usage when it was asked for.

    Rule: with include_usage a stream that finished, by [DONE] or at a clean end with all choices finished, has a
    usage object before [DONE].
    Why: costs and context gauges stay at zero.
    Seen in: openai/openai-openapi#240; janhq/cortex.llamacpp#265
    """
    stream = seen.stream
    if stream and _wants_usage(seen) and not stream.usages:
        ended = stream.closing == "done" or (stream.closing == "eof" and stream.finished)
        if ended:
            yield Hit("include_usage is true, and no chunk has a usage object")


@check("usage.unrequested", WARN, applies_to="chat-stream")
def unrequested(seen: Seen) -> Iterator[Hit]:
    """Send no usage chunk that nobody asked for.

    Rule: without include_usage no chunk has choices [] and a usage object. It counts all the same.
    Why: code that reads choices[0] fails on the last chunk.
    Seen in: Arthur-Ficial/apfel#100; XSpoonAi/spoon-core#179
    """
    for usage in seen.stream.usages if seen.stream and not _wants_usage(seen) else ():
        if usage.apart:
            yield Hit("a usage chunk came although include_usage was not true", usage.event)


@check("usage.on-content-chunk", INFO, applies_to="chat-stream")
def on_content_chunk(seen: Seen) -> Iterator[Hit]:
    """Send usage in a chunk of its own.

    Rule: usage may ride on a chunk with choices, also on each of them: the numbers are running totals, the last
    ones count, and nothing is added up.
    Why: clients that added them multiplied the bill.
    Seen in: camel-ai/camel#4217; open-webui/open-webui#29064
    """
    for usage in seen.stream.usages if seen.stream else ():
        if not usage.apart:
            yield Hit("usage came on a chunk with choices", usage.event)


@check("usage.duplicate-final", WARN, applies_to="chat-stream")
def duplicate_final(seen: Seen) -> Iterator[Hit]:
    """Send the usage chunk once.

    Rule: at most one chunk has choices [] and a usage object. The last one counts.
    Why: tokens are counted twice.
    Seen in: InsForge/InsForge#2015
    """
    apart = [usage for usage in seen.stream.usages if usage.apart] if seen.stream else []
    if len(apart) > 1:
        yield Hit(f"{len(apart)} chunks have no choices and a usage object", apart[1].event)


@check("usage.decreasing", ERROR, applies_to="chat-stream")
def decreasing(seen: Seen) -> Iterator[Hit]:
    """Lower no running total.

    Rule: from one usage object to the next neither prompt_tokens nor completion_tokens nor total_tokens goes down.
    Why: clients that take differences get negative numbers.
    Seen in: langchain-ai/langchainjs#8694
    """
    for earlier, later in itertools.pairwise(seen.stream.usages if seen.stream else ()):
        for name in COUNTS:
            before, after = count(earlier.value.get(name)), count(later.value.get(name))
            if before is not None and after is not None and after < before:
                yield Hit(f"{name} goes down from {before} to {after}", later.event)


@check("usage.types", ERROR, applies_to="chat")
def types(seen: Seen) -> Iterator[Hit]:
    """Send token counts as integers from 0 on.

    Rule: where present, prompt_tokens, completion_tokens and total_tokens are JSON integers from 0 on; null is
    none. Numeric strings and integral floats are read as numbers, other values not at all.
    Why: a decoder with static types stops at "12", and at null.
    Seen in: openai/openai-python src/openai/types/completion_usage.py
    """
    for usage in seen.answer.usages if seen.answer else ():
        for name in COUNTS:
            if name in usage.value and not is_count(usage.value[name]):
                yield Hit(f"{name} is {brief(usage.value[name])}", usage.event)


@check("usage.total", WARN, applies_to="chat")
def total(seen: Seen) -> Iterator[Hit]:
    """Make the total the sum of its parts.

    Rule: in the last usage object total_tokens is prompt_tokens + completion_tokens, where all are integers.
    Why: budgets disagree.
    Seen in: openai/openai-python src/openai/types/completion_usage.py
    """
    for usage in seen.answer.usages[-1:] if seen.answer else ():
        prompt, completion, whole = (usage.value.get(name) for name in COUNTS)
        if is_count(prompt) and is_count(completion) and is_count(whole) and prompt + completion != whole:
            yield Hit(f"total_tokens is {whole}, the parts are {prompt} and {completion}", usage.event)


@check("usage.zero", WARN, applies_to="chat")
def zero(seen: Seen) -> Iterator[Hit]:
    """Report no zero for what was there.

    Rule: in the last usage object completion_tokens is not 0 where content, reasoning or a tool call came, and
    prompt_tokens is not 0 at all.
    Why: a gauge of the context window never moves.
    Seen in: routatic/proxy#9
    """
    for usage in seen.answer.usages[-1:] if seen.answer else ():
        if count(usage.value.get("prompt_tokens")) == 0:
            yield Hit("prompt_tokens is 0", usage.event)
        elif count(usage.value.get("completion_tokens")) == 0 and _has_output(seen):
            yield Hit("completion_tokens is 0, and there is output", usage.event)


def _has_output(seen: Seen) -> bool:
    choices = seen.answer.choices if seen.answer else []
    return any(choice.text or choice.reasoning or choice.calls for choice in choices)


@check("usage.details", WARN, applies_to="chat")
def details(seen: Seen) -> Iterator[Hit]:
    """Keep the details within their totals.

    Rule: in the last usage object cached_tokens is at most prompt_tokens, and reasoning_tokens at most
    completion_tokens.
    Why: billed tokens become negative.
    Seen in: sgl-project/sglang#25876
    """
    for usage in seen.answer.usages[-1:] if seen.answer else ():
        for whole_name, parts, name in (
            ("prompt_tokens", "prompt_tokens_details", "cached_tokens"),
            ("completion_tokens", "completion_tokens_details", "reasoning_tokens"),
        ):
            part, whole = count(_detail(usage.value, parts, name)), count(usage.value.get(whole_name))
            if part is not None and whole is not None and part > whole:
                yield Hit(f"{name} is {part}, and {whole_name} only {whole}", usage.event)
