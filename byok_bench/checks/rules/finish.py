"""Why an answer ended: finish_reason of chat, stop_reason of a message, status of a response."""

from collections.abc import Iterator
from typing import Final

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.native_reasons import load_reason_meanings
from byok_bench.checks.registry import TYPED, check
from byok_bench.checks.seen_exchange import SeenExchange, report_fact
from byok_bench.dialects.answer import AnswerReading, Choice
from byok_bench.dialects.fragments import render_value
from byok_bench.dialects.messages.output import OWN_REASONS
from byok_bench.dialects.responses.output import INCOMPLETE_REASONS, STATUSES

_MEMBERS: Final = {"chat": "finish_reason", "responses": "status", "messages": "stop_reason"}
"""Dialect → the member that says why an answer ended."""
_OWN_REASONS: Final = {"responses": (*STATUSES, *INCOMPLETE_REASONS), "messages": OWN_REASONS}
"""Words of the typed dialects."""
_COMPARED: Final = ("stop", "length", "tool_calls", "content_filter")


def _find_judged_answer(seen: SeenExchange) -> AnswerReading | None:
    """The answer, where finish reasons are judged: not in one document that came in place of a stream."""
    return seen.answer if seen.answer is not None and seen.answer.shape != "ignored" else None


def _list_ended_choices(seen: SeenExchange) -> list[Choice]:
    """The choices, where they are judged at the end: not after an error."""
    answer = _find_judged_answer(seen)
    return answer.choices if answer is not None and not answer.has_failed else []


@check("finish.missing", ERROR, applies_to="chat-stream", also=("chat-whole", "responses", "messages-whole"))
def missing(seen: SeenExchange) -> Iterator[Hit]:
    """Send a finish_reason for every choice.

    Rule: by the end every choice that was started says why it ended: in chat by a finish_reason that is not null in
    any form, in a whole message by a stop_reason (in a stream: messages.lifecycle), in Responses by a status. The end
    of a stream is [DONE], or the last event of Responses; without it the stream counts as truncated instead.
    Why: strict clients take every turn for aborted.
    Seen in: anomalyco/opencode#43882; vaadin/flow-components#9195
    """
    answer = _find_judged_answer(seen)
    if answer is None or not answer.is_complete or answer.closing not in ("done", None):
        return
    for choice in answer.choices:
        if choice.own_reason is None and (choice.is_opened or answer.closing is not None):
            yield Hit(f"choice {choice.index} has no {_MEMBERS[seen.schema]}", choice.event)


@check("finish.value", ERROR, applies_to="chat", also=TYPED)
def value(seen: SeenExchange) -> Iterator[Hit]:
    """Use a known finish_reason.

    Rule: the reason is one of five: stop, length, tool_calls, content_filter, or the old function_call; in Messages
    one of the stop reasons of its API, in Responses one of its statuses and of its reasons for being incomplete.
    Others are passed on as they are; null written as a string is another finding, and error is no reason but a
    failure (error.in-stream, error.status-200).
    Why: enumerations refuse eos_token, end_turn, cancel.
    Seen in: openai/openai-python src/openai/types/chat/chat_completion_chunk.py; ROCm/FastFlowLM#500
    """
    yield from report_fact(_find_judged_answer(seen), "finish_unknown", "the finish_reason is not a known one")
    known = _OWN_REASONS.get(seen.schema, ())
    for choice in _list_ended_choices(seen) if known else ():
        if choice.own_reason is not None and choice.own_reason not in known:
            yield Hit(
                f"{render_value(choice.own_reason)} is no {_MEMBERS[seen.schema]} of the API",
                choice.finish_event,
            )


@check("finish.null-form", ERROR, applies_to="chat-stream", also=("chat-whole",))
def null_form(seen: SeenExchange) -> Iterator[Hit]:
    """Write an open finish_reason as null.

    Rule: finish_reason is neither an empty string nor the string null. Both are read as null.
    Why: clients test for truth or decode an enumeration; SGLang and KoboldCpp broke those in C# and Go.
    Seen in: sgl-project/sglang#3912; PowerShell/AIShell#350; looplj/axonhub#2073
    """
    yield from report_fact(_find_judged_answer(seen), "finish_null_form", "an open finish_reason is a string")


@check("finish.tool-calls-reason", ERROR, applies_to="chat", also=("messages",))
def tool_calls_reason(seen: SeenExchange) -> Iterator[Hit]:
    """End tool calls with tool_calls.

    Rule: a choice with a call does not finish with stop (in Messages with end_turn or stop_sequence), unless
    tool_choice of the request names a function. Where it requires a call of any, an end with stop is told as info:
    older models of OpenAI end so.
    Why: an agent that looks at the reason first returns without having run the tool.
    Seen in: vllm-project/vllm#25054; BerriAI/litellm#12862; leookun/cursor-byok#391
    """
    weight = INFO if seen.forced_call == "required" and seen.schema == "chat" else None
    for choice in _list_ended_choices(seen) if seen.forced_call != "named" or seen.schema != "chat" else ():
        if choice.calls and choice.finish_reason == "stop":
            words = f"{_MEMBERS[seen.schema]} is {choice.own_reason}, although a tool call came"
            yield Hit(words, choice.finish_event, severity=weight)


@check("finish.tool-calls-empty", ERROR, applies_to="chat", also=("messages",))
def tool_calls_empty(seen: SeenExchange) -> Iterator[Hit]:
    """Say tool_calls only with a call.

    Rule: a choice that finishes with tool_calls (in Messages: tool_use) has a call.
    Why: the agent's loop goes on to wait for a result, and there is nothing to run.
    Seen in: vllm-project/vllm#53363
    """
    for choice in _list_ended_choices(seen):
        if choice.finish_reason == "tool_calls" and not choice.calls:
            words = f"{_MEMBERS[seen.schema]} is {choice.own_reason}, and no tool call came"
            yield Hit(words, choice.finish_event)


@check("finish.content-after", ERROR, applies_to="chat-stream")
def content_after(seen: SeenExchange) -> Iterator[Hit]:
    """Send no content after finish_reason.

    Rule: no later chunk of the choice has content, reasoning or tool calls that are not empty. They are appended.
    Why: clients ignore them or raise, and answers lose their tail.
    Seen in: ranxianglei/billion-context#429
    """
    yield from report_fact(seen.chat_stream, "content_after_finish", "output comes after finish_reason")


@check("finish.on-content", INFO, applies_to="chat-stream")
def on_content(seen: SeenExchange) -> Iterator[Hit]:
    """Send finish_reason in a chunk of its own.

    Rule: finish_reason may come with a delta that is not empty; the delta is read first.
    Why: clients that stop at finish_reason lose the last token.
    Seen in: vllm-project/vllm#36944; linagora/openrag#462
    """
    yield from report_fact(seen.chat_stream, "finish_on_content", "finish_reason comes with output")


@check("finish.duplicate", WARN, applies_to="chat-stream")
def duplicate(seen: SeenExchange) -> Iterator[Hit]:
    """Send finish_reason once.

    Rule: a choice ends once: a second chunk with a finish_reason other than null is one too many. The first
    one counts. A usage chunk that repeats the choice with the same reason and no output (OpenRouter since April
    2026) is told apart from an end with another value, or with output.
    Why: LangChain made stopstop of the two, and at the second one qwen-code began its parser anew, and the call
    that it had read was gone.
    Seen in: langchain-ai/langchain#38226; QwenLM/qwen-code#2402
    """
    yield from report_fact(seen.chat_stream, "finish_repeated", "another finish_reason comes")
    yield from report_fact(seen.chat_stream, "finish_echoed", "the usage chunk repeats the finish_reason of its choice")


@check("finish.native-contradicts", WARN, applies_to="chat")
def native_contradicts(seen: SeenExchange) -> Iterator[Hit]:
    """Agree with the model's own reason.

    Rule: where a choice has a native_finish_reason beside its finish_reason, the two do not contradict: a model that
    ran into its limit has not finished with stop or tool_calls, nor has one that a filter stopped. Tool calls may
    stand beside a native stop. Words that are not known (checks/native_reasons.toml) are not judged.
    Why: a call that max_tokens cut off looks finished, and clients run it with half of its arguments.
    Seen in: 0xPlaygrounds/rig tests/cassettes/openrouter/tool_truncation_contract_matrix
    """
    for choice in _list_ended_choices(seen):
        meant = load_reason_meanings().get((choice.native_reason or "").lower())
        said = choice.finish_reason if choice.finish_reason in _COMPARED else None
        agree = {"stop": ("stop", "tool_calls"), "tool_calls": ("tool_calls",)}.get(meant or "", (meant,))
        if meant is not None and said is not None and said not in agree:
            words = f"finish_reason is {said}, and native_finish_reason {render_value(choice.native_reason)}"
            yield Hit(words, choice.finish_event)
