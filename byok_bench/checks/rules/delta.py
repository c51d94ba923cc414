"""Chunks and deltas of chat streams: labels, choices, roles, content."""

from collections.abc import Iterator
from typing import Final

from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.marker_search import find_control_token
from byok_bench.checks.registry import SAID, TYPED_STREAMS, check
from byok_bench.checks.seen_exchange import SeenExchange, report_fact

_EMPTY_ANSWER: Final = "the answer has ended, and there is neither text nor refusal nor tool call"


@check("delta.object", WARN, applies_to="chat-stream")
def object_label(seen: SeenExchange) -> Iterator[Hit]:
    """Label chunks chat.completion.chunk.

    Rule: object of a chunk with choices or counts, and of any other chunk that has one, is chat.completion.chunk.
    Why: typed clients choose their decoder by it; openai-python passes over a usage chunk with another label.
    Seen in: openai/openai-python src/openai/types/chat/chat_completion_chunk.py; jingyaogong/minimind#738
    """
    yield from report_fact(seen.chat_stream, "object", "object is not chat.completion.chunk")


@check("delta.id-present", WARN, applies_to="chat-stream")
def id_present(seen: SeenExchange) -> Iterator[Hit]:
    """Give every chunk an id.

    Rule: id of a chunk with choices is a string that is not empty.
    Why: typed clients refuse chunks without it.
    Seen in: jingyaogong/minimind#738
    """
    yield from report_fact(seen.chat_stream, "id_absent", "id is not a non-empty string")


@check("delta.id-stable", WARN, applies_to="chat-stream")
def id_stable(seen: SeenExchange) -> Iterator[Hit]:
    """Keep one id for the whole stream.

    Rule: chunks with choices that have an id have the same one.
    Why: the Go SDK refused a stream of Foundry Local with a new id in every chunk.
    Seen in: microsoft/foundry-local#144; microsoft/foundry-local#221
    """
    yield from report_fact(seen.chat_stream, "id_changed", "the id changes")


@check("delta.created", WARN, applies_to="chat-stream")
def created(seen: SeenExchange) -> Iterator[Hit]:
    """Send created as whole seconds.

    Rule: where present, created is a JSON integer below 100000000000: no float, no string, no milliseconds.
    Why: statically typed clients cannot decode anything else.
    Seen in: openai/openai-python src/openai/types/chat/chat_completion_chunk.py
    """
    yield from report_fact(seen.chat_stream, "created", "created is no integer of seconds")


@check("delta.choices-array", ERROR, applies_to="chat-stream")
def choices_array(seen: SeenExchange) -> Iterator[Hit]:
    """Send a choices array in every chunk.

    Rule: every JSON object event but an error has choices as an array, be it empty. Anything else is read as [].
    Why: the Python SDK failed on usage chunks that left it out.
    Seen in: ROCm/ATOM#1711; langchain-ai/langchain#35236
    """
    yield from report_fact(seen.chat_stream, "choices_missing", "choices is not an array")


@check("delta.choice-index", ERROR, applies_to="chat-stream")
def choice_index(seen: SeenExchange) -> Iterator[Hit]:
    """Number choices from 0.

    Rule: each choice has an integer index from 0 on, and exactly 0 unless the request asks for n above 1. One
    that has not is read as choice 0.
    Why: Foundry Local counted the index up with every token, and SDKs built hundreds of choices.
    Seen in: microsoft/foundry-local#144
    """
    yield from report_fact(seen.chat_stream, "choice_index", "the index of a choice is wrong")


@check("delta.delta-object", ERROR, applies_to="chat-stream")
def delta_object(seen: SeenExchange) -> Iterator[Hit]:
    """Send a delta object in every choice.

    Rule: delta of a choice is an object, be it empty. Anything else is read as {}; a message in its place is
    another finding.
    Why: content filter chunks of Azure with delta null ended whole streams.
    Seen in: QwenLM/qwen-code#1448; microsoft/agent-framework#5734; bagofwords1/bagofwords#742
    """
    yield from report_fact(seen.chat_stream, "delta_missing", "delta is not an object")


@check("delta.message-instead", ERROR, applies_to="chat-stream")
def message_instead(seen: SeenExchange) -> Iterator[Hit]:
    """Stream deltas, not messages.

    Rule: a choice of a chunk has no message in place of its delta. The message is read as the delta; beside a
    delta it is ignored.
    Why: to clients that read delta, faked streaming is an empty turn.
    Seen in: Tencent/WeKnora#3570
    """
    yield from report_fact(seen.chat_stream, "message_instead", "a choice has message in place of delta")


@check("delta.role-first", WARN, applies_to="chat-stream")
def role_first(seen: SeenExchange) -> Iterator[Hit]:
    """Announce the role in the first delta.

    Rule: the first delta of a choice with any member that is not null has the role assistant. A wrong role there
    is delta.role-value alone.
    Why: LangChain.js drops tool calls of a message whose role it never saw, and n8n agents returned nothing.
    Seen in: agentgateway/agentgateway#3005; langchain-ai/langchainjs#11157; diegosouzapw/OmniRoute#3911
    """
    yield from report_fact(seen.chat_stream, "role_not_first", "the first delta has no role")


@check("delta.role-repeat", INFO, applies_to="chat-stream")
def role_repeat(seen: SeenExchange) -> Iterator[Hit]:
    """Send the role once.

    Rule: the role may come again in later deltas; it is set, never appended.
    Why: accumulators that append made assistantassistant of it.
    Seen in: BerriAI/litellm#9986; openai/openai-python src/openai/lib/streaming/_deltas.py
    """
    yield from report_fact(seen.chat_stream, "role_repeated", "the role comes again")


@check("delta.role-value", ERROR, applies_to="chat-stream")
def role_value(seen: SeenExchange) -> Iterator[Hit]:
    """Use the role assistant only.

    Rule: where role of a delta is given and not null it is the string assistant; an empty string breaks the rule.
    Why: with an empty role LangChain.js dropped tool calls, and the AI SDK failed its validation.
    Seen in: langchain-ai/langchainjs#11470; sozercan/vekil#357
    """
    yield from report_fact(seen.chat_stream, "role_value", "the role is not assistant")


@check("delta.content-type", ERROR, applies_to="chat-stream")
def content_type(seen: SeenExchange) -> Iterator[Hit]:
    """Send content as a string or null.

    Rule: content of a delta is a string, null or absent. Of an array text parts are read as text, thinking parts
    as reasoning; an object is read as its JSON text where a JSON answer was asked for; of other values nothing.
    Why: strict decoders lose the whole turn over an array.
    Seen in: Tencent/WeKnora#3570
    """
    yield from report_fact(seen.chat_stream, "content_type", "content is neither string nor null")


@check("delta.cumulative", ERROR, applies_to="chat-stream", also=TYPED_STREAMS)
def cumulative(seen: SeenExchange) -> Iterator[Hit]:
    """Send what is new, not all the text so far.

    Rule: it is not so that a choice (an item of Responses, a block of Messages) has 4 or more content deltas that
    are not empty, each of which begins with all of the one before and is longer. If it is so, the last one is the
    text.
    Why: some paths to DashScope repeat the text in every chunk, and the answer is shown many times over.
    Seen in: QwenLM/qwen-code#3896; tashfeenahmed/freellmapi#1007
    """
    for choice in seen.event_stream.choices if seen.event_stream else ():
        if choice.is_cumulative:
            yield Hit("each content delta repeats all the text before it", choice.event)


@check("delta.special-tokens", WARN, applies_to="chat-stream", also=SAID)
def special_tokens(seen: SeenExchange) -> Iterator[Hit]:
    """Keep control tokens out of the content.

    Rule: the assembled content has no control token of a chat template such as <|im_end|>, <|eot_id|> or
    <|channel|> (all of them: checks/markers.toml) and no token in fullwidth bars, and does not end with </s>. Tokens
    that count as leaked tool markup do not count again, and those in a fenced block, in code marks or in quotes not
    at all.
    Why: they show in user interfaces and get into tool names.
    Seen in: vllm-project/vllm#32587; vllm-project/vllm-ascend#9767
    """
    for choice in seen.answer.choices if seen.answer else ():
        token = find_control_token(choice.text, leaked=seen.find_leaked_call(choice))
        if token is not None:
            yield Hit(f"the content holds the control token {token}", choice.event)


@check("delta.replacement-char", WARN, applies_to="chat-stream", also=SAID)
def replacement_char(seen: SeenExchange) -> Iterator[Hit]:
    """Split no character over two tokens.

    Rule: content and reasoning hold no U+FFFD that the server itself wrote, as bytes or as an escape.
    Why: an emoji or a CJK character that is spread over two tokens is lost when each token is turned into
    text alone.
    Seen in: mattn/tensai#110; mrpulor-gh/nuphus#41
    """
    yield from report_fact(seen.answer, "replacement_character", "the server sent U+FFFD")


@check("delta.no-output", WARN, applies_to="chat-stream", also=SAID)
def no_output(seen: SeenExchange) -> Iterator[Hit]:
    """Answer with text, a refusal or a tool call.

    Rule: a choice that finishes with stop has content, reasoning, a refusal, a tool call or output of another kind
    (an image, a search). Not judged where the request has stop sequences: these may end an answer anywhere.
    Why: agents take the empty turn for the end, or loop.
    Seen in: vaadin/flow-components#9195
    """
    for choice in seen.error_free_answer.choices if seen.error_free_answer and not seen.has_stop else ():
        said = choice.reasoning or choice.has_other or not choice.is_empty
        if choice.finish_reason == "stop" and choice.is_opened and not said:
            yield Hit(_EMPTY_ANSWER, choice.finish_event)
