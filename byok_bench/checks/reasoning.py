"""Reasoning in chat answers: where it is sent, and what is left in the content."""

from collections.abc import Iterator

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.seen import Seen, noted
from byok_bench.checks.texts import think_tag
from byok_bench.dialects.answer import Choice


def _ended(seen: Seen) -> list[Choice]:
    """The choices, where they are judged at the end: not after an error in the stream."""
    return seen.answer.choices if seen.answer is not None and seen.answer.closing != "error" else []


@check("reasoning.field", INFO, applies_to="chat-stream")
def field(seen: Seen) -> Iterator[Hit]:
    """Send reasoning as reasoning_content or reasoning.

    Rule: per delta it is read from the first of reasoning_content, reasoning, reasoning_text, thinking and thought
    that is not empty, else from text or summary of reasoning_details. One source a delta, even if two say the same.
    Why: every family of servers has another name for it, and clients lose the trace.
    Seen in: ollama/ollama#12628; vllm-project/vllm#27755
    """
    yield from noted(seen.stream, "reasoning_elsewhere", "reasoning comes in a field of another name")


@check("reasoning.type", ERROR, applies_to="chat-stream")
def type_value(seen: Seen) -> Iterator[Hit]:
    """Send reasoning as a string.

    Rule: reasoning_content, reasoning, reasoning_text, thinking and thought are strings or null. Other values are
    ignored.
    Why: strict decoders lose the whole round over one member of another type.
    Seen in: Tencent/WeKnora#3570
    """
    yield from noted(seen.answer, "reasoning_type", "reasoning is neither string nor null")


@check("reasoning.think-tags", WARN, applies_to="chat-stream")
def think_tags(seen: Seen) -> Iterator[Hit]:
    """Keep think tags out of the content.

    Rule: the content does not begin with <think>, <thinking>, <thought> or <reasoning>, and has no closing form of
    one that nothing opened before. Tags quoted in pairs are no finding, and the text is left as it is.
    Why: people read the chain of thought as the answer, and a JSON parser trips over it.
    Seen in: nbramia/LifeOS#568; ggml-org/llama.cpp#28675; tinyhumansai/openhuman#6184
    """
    for choice in _ended(seen):
        tag = think_tag(choice.text)
        if tag is not None:
            yield Hit(f"the content holds {tag}", choice.event)


@check("reasoning.only", WARN, applies_to="chat-stream")
def only(seen: Seen) -> Iterator[Hit]:
    """Answer after reasoning.

    Rule: a choice with reasoning that finishes with stop has content, a refusal or a tool call too.
    Why: a run under LM Studio counted as good although its answer had no text.
    Seen in: lmstudio-ai/lmstudio-bug-tracker#1602
    """
    for choice in _ended(seen):
        if choice.finish_reason == "stop" and choice.reasoning and choice.is_empty:
            yield Hit("there is reasoning, and no answer after it", choice.finish_event)
