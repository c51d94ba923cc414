"""finish_reason of chat answers."""

from collections.abc import Iterator

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.registry import check
from byok_bench.checks.seen import Seen, noted
from byok_bench.dialects.answer import AnswerReading, Choice


def _judged(seen: Seen) -> AnswerReading | None:
    """The answer, where finish reasons are judged: not in one document that came in place of a stream."""
    return seen.answer if seen.answer is not None and seen.answer.shape != "ignored" else None


def _ended(seen: Seen) -> list[Choice]:
    """The choices, where they are judged at the end: not after an error in the stream."""
    answer = _judged(seen)
    return answer.choices if answer is not None and answer.closing != "error" else []


def _names_a_function(seen: Seen) -> bool:
    """Whether the request forces one function, for which stop is right."""
    for member in ("tool_choice", "function_call"):
        choice = seen.request.get(member)
        if isinstance(choice, dict) and (choice.get("name") or choice.get("function")):
            return True
    return False


@check("finish.missing", ERROR, applies_to="chat-stream")
def missing(seen: Seen) -> Iterator[Hit]:
    """Send a finish_reason for every choice.

    Rule: by [DONE] every choice that was started has a finish_reason that is not null in any form. Without [DONE]
    the stream counts as truncated instead.
    Why: strict clients take every turn for aborted.
    Seen in: anomalyco/opencode#43882; vaadin/flow-components#9195
    """
    stream = seen.stream
    for choice in stream.choices if stream and stream.closing == "done" else ():
        if choice.finish_reason is None:
            yield Hit(f"choice {choice.index} has no finish_reason", choice.event)


@check("finish.value", ERROR, applies_to="chat")
def value(seen: Seen) -> Iterator[Hit]:
    """Use a known finish_reason.

    Rule: the reason is one of five: stop, length, tool_calls, content_filter, or the old function_call.
    Others are passed on as they are; null written as a string is another finding.
    Why: enumerations refuse eos_token, end_turn, cancel.
    Seen in: openai/openai-python src/openai/types/chat/chat_completion_chunk.py; ROCm/FastFlowLM#500
    """
    yield from noted(_judged(seen), "finish_unknown", "the finish_reason is not a known one")


@check("finish.null-form", ERROR, applies_to="chat-stream")
def null_form(seen: Seen) -> Iterator[Hit]:
    """Write an open finish_reason as null.

    Rule: finish_reason is neither an empty string nor the string null. Both are read as null.
    Why: clients test for truth or decode an enumeration; SGLang and KoboldCpp broke those in C# and Go.
    Seen in: sgl-project/sglang#3912; PowerShell/AIShell#350; looplj/axonhub#2073
    """
    yield from noted(_judged(seen), "finish_null_form", "an open finish_reason is a string")


@check("finish.tool-calls-reason", ERROR, applies_to="chat")
def tool_calls_reason(seen: Seen) -> Iterator[Hit]:
    """End tool calls with tool_calls.

    Rule: a choice with a call does not finish with stop, unless tool_choice of the request names a function.
    Why: an agent that looks at the reason first returns without having run the tool.
    Seen in: vllm-project/vllm#25054; BerriAI/litellm#12862; leookun/cursor-byok#391
    """
    for choice in _ended(seen) if not _names_a_function(seen) else ():
        if choice.calls and choice.finish_reason == "stop":
            yield Hit("finish_reason is stop, although a tool call came", choice.finish_event)


@check("finish.tool-calls-empty", ERROR, applies_to="chat")
def tool_calls_empty(seen: Seen) -> Iterator[Hit]:
    """Say tool_calls only with a call.

    Rule: a choice that finishes with tool_calls has a call.
    Why: the agent's loop goes on to wait for a result, and there is nothing to run.
    Seen in: vllm-project/vllm#53363
    """
    for choice in _ended(seen):
        if choice.finish_reason == "tool_calls" and not choice.calls:
            yield Hit("finish_reason is tool_calls, and no tool call came", choice.finish_event)


@check("finish.content-after", ERROR, applies_to="chat-stream")
def content_after(seen: Seen) -> Iterator[Hit]:
    """Send no content after finish_reason.

    Rule: no later chunk of the choice has content, reasoning or tool calls that are not empty. They are appended.
    Why: clients ignore them or raise, and answers lose their tail.
    Seen in: ranxianglei/billion-context#429
    """
    yield from noted(seen.stream, "content_after_finish", "output comes after finish_reason")


@check("finish.on-content", INFO, applies_to="chat-stream")
def on_content(seen: Seen) -> Iterator[Hit]:
    """Send finish_reason in a chunk of its own.

    Rule: finish_reason may come with a delta that is not empty; the delta is read first.
    Why: clients that stop at finish_reason lose the last token.
    Seen in: vllm-project/vllm#36944; linagora/openrag#462
    """
    yield from noted(seen.stream, "finish_on_content", "finish_reason comes with output")


@check("finish.duplicate", WARN, applies_to="chat-stream")
def duplicate(seen: Seen) -> Iterator[Hit]:
    """Send finish_reason once.

    Rule: a choice ends once: a second chunk with a finish_reason other than null is one too many. The first
    one counts.
    Why: at the second one qwen-code began its parser anew, and the call that it had read was gone.
    Seen in: QwenLM/qwen-code#2402
    """
    yield from noted(seen.stream, "finish_repeated", "another finish_reason comes")
