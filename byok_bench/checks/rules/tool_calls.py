"""Tool calls of chat answers: how their fragments come, and what the assembled calls hold."""

from collections import Counter
from collections.abc import Iterator

from byok_bench.checks.call_arguments import describe_name
from byok_bench.checks.finding import ERROR, INFO, WARN, Hit
from byok_bench.checks.json_schema import find_violation
from byok_bench.checks.registry import SAID, TYPED, check
from byok_bench.checks.seen_exchange import SeenExchange, report_fact
from byok_bench.dialects.tool_calls import Call


def _iterate_calls(seen: SeenExchange) -> Iterator[Call]:
    """The calls of all choices, where they are judged at the end: an error leaves them open."""
    for choice in seen.error_free_answer.choices if seen.error_free_answer else ():
        yield from choice.calls


@check("tool.index-missing", ERROR, applies_to="chat-stream")
def index_missing(seen: SeenExchange) -> Iterator[Hit]:
    """Send an integer index with each tool call delta.

    Rule: each element of delta.tool_calls says by an integer which call it belongs to. If it does not, an id
    of its own begins a call, and so does a name where no call is open or the last one is complete; all else
    continues the last call.
    Why: the accumulator of openai-python wants a number there and raises TypeError (Gemini, older Ollama).
    Seen in: openai/openai-python#3246; ollama/ollama#7881; jin-bo/agentao#117
    """
    yield from report_fact(seen.chat_stream, "index_missing", "a tool call delta has no integer index")


@check("tool.index-collision", ERROR, applies_to="chat-stream")
def index_collision(seen: SeenExchange) -> Iterator[Hit]:
    """Give parallel calls indexes of their own.

    Rule: a delta on the index of an open call does not bring another id and a name while the arguments so far are
    complete, or the name differs. It begins a new call; so does a name after complete arguments without any ids.
    Why: Ollama sent index 0 for all calls, and their arguments were glued into invalid JSON.
    Seen in: vercel/ai#14277; huggingface/smolagents#1958
    """
    yield from report_fact(seen.chat_stream, "index_collision", "a new call came on the index of an open one")


@check("tool.index-gap", WARN, applies_to="chat-stream")
def index_gap(seen: SeenExchange) -> Iterator[Hit]:
    """Count tool calls 0, 1, 2.

    Rule: the distinct integer indexes of a choice are 0 to k-1, drifted ones included. A negative one weighs as an
    error.
    Why: clients that put calls into a list raise IndexError, and with a negative index they overwrite another call.
    Seen in: vllm-project/vllm#50782
    """
    for choice in seen.chat_stream.choices if seen.chat_stream and seen.error_free_answer else ():
        indexes = sorted(choice.tools.indexes)
        if indexes and indexes[0] < 0:
            words = f"a tool call has the negative index {indexes[0]}: clients index a list with it"
            yield Hit(words, choice.calls[0].event, severity=ERROR)
        elif indexes != list(range(len(indexes))):
            yield Hit(f"tool call indexes used: {indexes[:20]}", choice.calls[0].event)


@check("tool.index-drift", ERROR, applies_to="chat-stream")
def index_drift(seen: SeenExchange) -> Iterator[Hit]:
    """Continue a call on its own index.

    Rule: a delta without id and name does not come on an index that no call was opened on, while a call is open.
    It is added to the call opened last.
    Why: Nebius and Cerebras gave each piece the next number; clients kept the first piece and lost the tail.
    Seen in: dirac-run/dirac#215
    """
    yield from report_fact(seen.chat_stream, "index_drift", "a call is continued on an index that was never opened")


@check("tool.id-missing", ERROR, applies_to="chat-stream", also=SAID)
def id_missing(seen: SeenExchange) -> Iterator[Hit]:
    """Give each tool call an id.

    Rule: by the end every call has an id that is not empty; function_call has none and is exempt.
    Why: the result cannot be linked to the call; Continue dropped calls of Ollama without an id.
    Seen in: continuedev/continue#13236; openai/codex#7517
    """
    for call in _iterate_calls(seen):
        if not call.id and not call.is_legacy:
            yield Hit(f"the call of {call.name or 'a function without name'} has no id", call.event)


@check("tool.id-changes", ERROR, applies_to="chat-stream")
def id_changes(seen: SeenExchange) -> Iterator[Hit]:
    """Keep the id of a tool call.

    Rule: a later delta of a call has no other id, unless it begins a call of its own. The first id stays.
    Why: servers of Poolside and mlx sent a new id in each chunk, and clients opened a call for each.
    Seen in: poolsideai/pool#9; cubist38/mlx-openai-server#216; JetBrains/koog#2052
    """
    yield from report_fact(seen.chat_stream, "id_changes", "a call gets another id")


@check("tool.id-repeated", INFO, applies_to="chat-stream")
def id_repeated(seen: SeenExchange) -> Iterator[Hit]:
    """Send the id of a tool call once.

    Rule: an id may be sent with every delta of its call, also as an empty string; it is set, never appended, and
    opens no call.
    Why: openai-python's own accumulator joins repeated strings, and koog, opencode and Spring AI saw a new call in
    each.
    Seen in: openai/openai-python src/openai/lib/streaming/_deltas.py; JetBrains/koog#2052;
    anomalyco/opencode#40969; spring-projects/spring-ai#6369
    """
    yield from report_fact(seen.chat_stream, "id_repeated", "the id of a call comes again")


@check("tool.id-unique", ERROR, applies_to="chat-stream", also=SAID)
def id_unique(seen: SeenExchange) -> Iterator[Hit]:
    """Use each tool call id once.

    Rule: no two calls of a choice have the same id. Choices of one answer (n above 1) are alternatives, and may
    share ids.
    Why: a tool's result goes back to the call it does not belong to.
    Seen in: vllm-project/vllm#50295; QwenLM/qwen-code#8382
    """
    for choice in seen.error_free_answer.choices if seen.error_free_answer else ():
        calls = [call for call in choice.calls if call.id]
        for shared, count in Counter(call.id for call in calls).items():
            if count > 1:
                last = next(call for call in reversed(calls) if call.id == shared)
                yield Hit(f"{count} calls have the id {describe_name(shared)}", last.event)


@check("tool.name-missing", ERROR, applies_to="chat-stream", also=SAID)
def name_missing(seen: SeenExchange) -> Iterator[Hit]:
    """Name the function of every call.

    Rule: when the answer ends, no call has an empty function name, or none at all.
    Why: the call cannot be carried out.
    Seen in: openai/openai-python src/openai/types/chat/chat_completion_chunk.py
    """
    for call in _iterate_calls(seen):
        if not call.name:
            yield Hit("a tool call has no function name", call.event)


@check("tool.name-repeated", WARN, applies_to="chat-stream")
def name_repeated(seen: SeenExchange) -> Iterator[Hit]:
    """Send the function name once.

    Rule: no later delta of a call has the name again. It is ignored.
    Why: clients that append made read_fileread_file of it (MiniMax through NIM).
    Seen in: NousResearch/hermes-agent#12230; open-webui/open-webui#22177
    """
    yield from report_fact(seen.chat_stream, "name_repeated", "the function name comes again")


@check("tool.name-split", WARN, applies_to="chat-stream")
def name_split(seen: SeenExchange) -> Iterator[Hit]:
    """Send the function name in one piece.

    Rule: no later delta of a call has another piece of name before the first byte of arguments. It is appended.
    Why: bridges to Gemini split names, and clients that assign keep the tail alone.
    Seen in: continuedev/continue#5849
    """
    yield from report_fact(seen.chat_stream, "name_split", "the function name comes in pieces")


@check("tool.arguments-string", ERROR, applies_to="chat-stream", also=("chat-whole", "responses"))
def arguments_string(seen: SeenExchange) -> Iterator[Hit]:
    """Send arguments as a string of JSON.

    Rule: the arguments of a call are text or null. A JSON value of another type is written as JSON and used; an
    empty object before fragments of text means nothing yet. (In Messages the input is an object:
    messages.tool-json.)
    Why: a version of llama.cpp put an object there, and tools ran with empty arguments.
    Seen in: ggml-org/llama.cpp#20198; mrdushidush/claudette#238
    """
    yield from report_fact(seen.answer, "arguments_not_text", "arguments is not a string")


@check("tool.arguments-json", ERROR, applies_to="chat-stream", also=("chat-whole", "responses"))
def arguments_json(seen: SeenExchange) -> Iterator[Hit]:
    """Complete the JSON of arguments.

    Rule: the joined arguments of a call are one JSON object. Not judged where the answer was cut, by its length,
    by a filter or on the way.
    Why: half a JSON object under finish_reason tool_calls goes into the history, and every later turn is
    refused.
    Seen in: vllm-project/vllm#53269; MiaAI-Lab/DeepSeek-v4-Flash-DSpark-2x-DGX-Spark#55
    """
    for call, verdict in seen.judged_calls:
        if verdict.kind == "broken":
            yield Hit(
                f"the arguments of {describe_name(call.name)} are no JSON object: {verdict.detail}",
                call.event,
            )


@check("tool.arguments-empty", WARN, applies_to="chat-stream", also=("chat-whole", "responses"))
def arguments_empty(seen: SeenExchange) -> Iterator[Hit]:
    """Send {} for a call without arguments.

    Rule: the joined arguments of a call are not blank. They stand for {}. Not judged where the answer was cut.
    Why: parsing the empty string as JSON fails.
    Seen in: 14790897/MiqroForge-Desktop#1100
    """
    for call, verdict in seen.judged_calls:
        if verdict.kind == "blank":
            yield Hit(f"the arguments of {describe_name(call.name)} are blank", call.event)


@check("tool.arguments-double-encoded", ERROR, applies_to="chat-stream", also=("chat-whole", "responses"))
def arguments_double_encoded(seen: SeenExchange) -> Iterator[Hit]:
    """Encode arguments once.

    Rule: the joined arguments of a call are not a JSON string that holds the object. The text is kept as it came.
    Why: strict back ends refuse the call when it is sent back.
    Seen in: quarkiverse/quarkus-langchain4j#2642; JetBrains/koog#2095
    """
    for call, verdict in seen.judged_calls:
        if verdict.kind == "double":
            yield Hit(f"the arguments of {describe_name(call.name)} are JSON within a JSON string", call.event)


@check("tool.arguments-repeated", ERROR, applies_to="chat-stream")
def arguments_repeated(seen: SeenExchange) -> Iterator[Hit]:
    """Send the arguments once.

    Rule: no fragment equals all arguments before it when these are a complete object. It is dropped.
    Why: arguments that are sent whole at the end make two objects in a row.
    Seen in: open-webui/open-webui#22235
    """
    yield from report_fact(seen.chat_stream, "arguments_repeated", "complete arguments come again")


@check("tool.type", WARN, applies_to="chat-stream", also=("chat-whole",))
def type_value(seen: SeenExchange) -> Iterator[Hit]:
    """Use the type function.

    Rule: every call of a whole answer has a type, and where type of a tool call is given and not null it is
    function. (The specification requires it in a message, and not in a chunk.)
    Why: decoders of unions refuse unknown types, and those with static types refuse a call without one.
    Seen in: openai/openai-python src/openai/types/chat/chat_completion_message_function_tool_call.py;
    pydantic/pydantic-ai tests/models/cassettes/test_mistral
    """
    yield from report_fact(seen.answer, "call_type", "the type of a tool call is not function")
    for call in _iterate_calls(seen) if seen.answer and seen.answer.shape == "document" else ():
        if not call.has_type and not call.is_legacy:
            yield Hit(f"the call of {describe_name(call.name)} has no type", call.event)


@check("tool.not-offered", ERROR, applies_to="chat", also=TYPED)
def not_offered(seen: SeenExchange) -> Iterator[Hit]:
    """Call what was offered.

    Rule: where the request has tools, the name of every call is exactly that of one of them.
    Why: gpt-oss wrote the channel behind the name, and a router of tools looked for a function of that name.
    Seen in: vllm-project/vllm#32587
    """
    for call in _iterate_calls(seen) if seen.has_tools else ():
        if call.name and call.name not in seen.offered_tools:
            yield Hit(f"{describe_name(call.name)} was not offered", call.event)


@check("tool.schema", WARN, applies_to="chat", also=TYPED)
def schema(seen: SeenExchange) -> Iterator[Hit]:
    """Match the schema of the tool.

    Rule: arguments that are an object satisfy the tool's parameters, as far as type, required, enum, properties,
    items and additionalProperties: false go.
    Why: of the vendors who serve Kimi K2, some obey the schema over ten points less often than others.
    Seen in: MoonshotAI/K2-Vendor-Verifier README
    """
    for call, verdict in seen.judged_calls:
        if verdict.kind == "object" and call.name in seen.offered_tools:
            broken = find_violation(verdict.value, seen.find_tool_schema(call.name))
            if broken is not None:
                yield Hit(f"the arguments of {describe_name(call.name)} break its schema: {broken}", call.event)


@check("tool.leaked-markup", ERROR, applies_to="chat-stream", also=SAID)
def leaked_markup(seen: SeenExchange) -> Iterator[Hit]:
    """Return tool calls as tool_calls, not as text.

    Rule: where the request has tools, the content holds none of the markers that models write around a call, such
    as <tool_call>, <function=, [TOOL_CALLS] or <|python_tag|> (all of them: checks/markers.toml), and neither does
    the reasoning where there is neither content nor call. One in a fenced block, in code marks or in quotes is talk
    about markup. The text is left as it is.
    Why: no tool is run, and what the model wrote to the parser is shown to people.
    Seen in: waybarrios/vllm-mlx#107; mudler/LocalAI#10346; vllm-project/vllm#44522
    """
    for choice in seen.answer.choices if seen.answer else ():
        marker = seen.find_leaked_call(choice)
        if marker is not None:
            where = "reasoning" if choice.is_empty else "content"
            yield Hit(f"the {where} holds {marker}", choice.event)


@check("tool.legacy-function-call", WARN, applies_to="chat-stream", also=("chat-whole",))
def legacy_function_call(seen: SeenExchange) -> Iterator[Hit]:
    """Answer tools with tool_calls.

    Rule: where the request has tools, no delta has function_call. It is read as one call without id.
    Why: current SDKs ignore function_call.
    Seen in: openai/openai-python src/openai/types/chat/chat_completion_chunk.py
    """
    if seen.has_tools:
        yield from report_fact(seen.answer, "function_call", "the call came as function_call")
