"""Reasoning in answers: where it is sent, and what is left in the content."""

from collections.abc import Iterator

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.marker_search import find_think_tag
from byok_bench.checks.registry import SAID, check
from byok_bench.checks.seen_exchange import SeenExchange, report_fact


@check("reasoning.field", INFO, applies_to="chat-stream")
def field(seen: SeenExchange) -> Iterator[Hit]:
    """Send reasoning as reasoning_content or reasoning.

    Rule: per delta it is read from the first of reasoning_content, reasoning, reasoning_text, thinking and thought
    that is not empty, else from text or summary of reasoning_details. One source a delta, even if two say the same.
    Why: every family of servers has another name for it, and clients lose the trace.
    Seen in: ollama/ollama#12628; vllm-project/vllm#27755
    """
    yield from report_fact(seen.chat_stream, "reasoning_elsewhere", "reasoning comes in a field of another name")


@check("reasoning.type", ERROR, applies_to="chat-stream", also=SAID)
def type_value(seen: SeenExchange) -> Iterator[Hit]:
    """Send reasoning as a string.

    Rule: reasoning_content, reasoning, reasoning_text, thinking and thought are strings or null; in Responses the
    text of a reasoning part is, in Messages thinking of a block. Other values are ignored.
    Why: strict decoders lose the whole round over one member of another type.
    Seen in: Tencent/WeKnora#3570
    """
    yield from report_fact(seen.answer, "reasoning_type", "reasoning is neither string nor null")


@check("reasoning.think-tags", WARN, applies_to="chat-stream", also=SAID)
def think_tags(seen: SeenExchange) -> Iterator[Hit]:
    """Keep think tags out of the content.

    Rule: the content does not begin with the tag of a chain of thought such as <think>, <reasoning> or [THINK] (all
    of them: checks/markers.toml), and has no closing form of one that nothing opened before. Tags quoted in pairs, in
    code or in quotes are no finding, nor is any where the request asks for raw reasoning (reasoning_format raw). The
    text is left as it is.
    Why: people read the chain of thought as the answer, and a JSON parser trips over it.
    Seen in: nbramia/LifeOS#568; ggml-org/llama.cpp#28675; tinyhumansai/openhuman#6184
    """
    for choice in (
        seen.error_free_answer.choices if seen.error_free_answer and not seen.is_raw_reasoning_requested else ()
    ):
        tag = find_think_tag(choice.text)
        if tag is not None:
            yield Hit(f"the content holds {tag}", choice.event)


@check("reasoning.only", WARN, applies_to="chat-stream", also=SAID)
def only(seen: SeenExchange) -> Iterator[Hit]:
    """Answer after reasoning.

    Rule: a choice with reasoning that finishes with stop has content, a refusal, a tool call or output of another
    kind too. Not judged where the request has stop sequences: one may have come in the reasoning.
    Why: a run under LM Studio counted as good although its answer had no text.
    Seen in: lmstudio-ai/lmstudio-bug-tracker#1602
    """
    for choice in seen.error_free_answer.choices if seen.error_free_answer and not seen.has_stop else ():
        is_bare = choice.is_empty and not choice.has_other
        if choice.finish_reason == "stop" and choice.reasoning and is_bare:
            yield Hit("there is reasoning, and no answer after it", choice.finish_event)
