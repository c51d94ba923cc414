"""Probes of the second turn: histories with calls, results and reasoning."""

from collections.abc import Generator, Iterator, Sequence
from typing import Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.probes.bodies import (
    CALL_IDS,
    RESULT,
    WEATHER,
    build_call_request,
    build_history,
    build_question,
    make_echo,
    make_history_call,
    make_tool_result,
)
from byok_bench.checks.probes.probe import (
    Inconclusive,
    Note,
    Observation,
    ProbeRequest,
    ProbeTarget,
    find_unrelated_failure,
    is_request_refused,
)
from byok_bench.checks.registry import TYPED, probe
from byok_bench.dialects.exchange import Exchange

ProbeRequests = Generator[ProbeRequest, Exchange, None]
CONTENT_FORMS: Final = ("null", "absent", "empty")
FOREIGN_IDS: Final = ("aB3xYz90Q", "functions.get_temperature:0", "toolu_01-" + "Ab3." * 13 + "xyz")
"""9, 27 and 64 characters: Mistral's form, Kimi's, and the longest that others send."""


def judge_refusal(answer: Exchange, what: str) -> Iterator[Observation]:
    """A hit if the server turned `what` down; inconclusive if it failed otherwise."""
    if is_request_refused(answer) and answer.error is not None:
        yield Hit(f"{what} refused with {answer.error.status}: {answer.error.message}")
    elif problem := find_unrelated_failure(answer):
        yield problem


@probe("turn.tool-roundtrip", ERROR, applies_to="chat", also=TYPED, cost=3)
class ToolRoundtrip:
    """Accept tool results and go on

    Rule: a history in which an assistant message with tool_calls is followed by one tool message for each id,
    in any order, is accepted, and what the tools returned is used in the answer.
    Why: an agent needs this at every step.
    Seen in: openclaw/openclaw#96717; JetBrains/koog#2095
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        first = build_call_request("required")
        answer = yield ProbeRequest(body=first)
        if answer.error is None and answer.output.tool_calls:
            results = [make_tool_result(one.id or "") for one in answer.output.tool_calls]
            messages = [*first["messages"], make_echo(answer.output), *results]
            yield ProbeRequest(body={"messages": messages, "tools": [WEATHER], "temperature": 0, "max_tokens": 80})
        paris, oslo = CALL_IDS
        calls = [make_history_call(paris, "Paris"), make_history_call(oslo, "Oslo")]
        yield ProbeRequest(body=build_history(calls, [make_tool_result(oslo, "-3.2"), make_tool_result(paris)]))

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        first, *turns = exchanges
        if len(turns) < 2:
            yield find_unrelated_failure(first) or Inconclusive(
                "the model called nothing, so there was no result to send back"
            )
        else:
            yield from judge_after_result(turns[0], "the result of its own call")
        yield from judge_refusal(turns[-1], "two calls with results in another order:")


def judge_after_result(answer: Exchange, what: str) -> Iterator[Observation]:
    """What the answer to a tool result shows."""
    yield from judge_refusal(answer, f"{what}:")
    if answer.error is not None:
        return
    if not answer.output.text.strip() and not answer.output.tool_calls:
        cut = answer.output.finish_reason == "length"
        said = f"the answer to {what} is empty"
        yield Inconclusive(f"{said}: max_tokens cut it before any text") if cut else Hit(said)
    elif RESULT not in answer.output.text.replace(",", "."):
        yield Inconclusive(f"the answer to {what} does not repeat it ({RESULT}); the model may have chosen so")


@probe("turn.reasoning-echo", ERROR, applies_to="chat", cost=3)
class ReasoningEcho:
    """Accept echoed reasoning_content

    Rule: a second turn that carries the reasoning_content of the first is accepted; whether leaving it out gives
    400 is told apart.
    Why: in the thinking modes of DeepSeek and Kimi the next turn is a 400 unless it comes back.
    Seen in: QwenLM/qwen-code#3724; MoonshotAI/kimi-agent-sdk#169
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        first = build_question("Is 91 a prime number? Answer in one sentence.", max_tokens=400)
        answer = yield ProbeRequest(body=first)
        if answer.error is not None or not answer.output.reasoning:
            return
        more = {"role": "user", "content": "And 97?"}
        with_it = make_echo(answer.output, reasoning_content=answer.output.reasoning)
        for message in (with_it, make_echo(answer.output)):
            yield ProbeRequest(body={**first, "messages": [*first["messages"], message, more]})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        first, *turns = exchanges
        if len(turns) < 2:
            yield find_unrelated_failure(first) or Inconclusive("the model sent no reasoning to echo")
            return
        echoed, left_out = turns
        yield from judge_refusal(echoed, "its own reasoning_content, sent back:")
        if is_request_refused(left_out):
            yield Note("turn two without reasoning_content is refused: send it back")


@probe("turn.reasoning-foreign", WARN, applies_to="chat", cost=1)
class ReasoningForeign:
    """Tolerate reasoning fields in history

    Rule: reasoning_content in the history does not make a model that has none of its own answer with 400 or
    422.
    Why: with Groq, Cerebras and Mistral it does, so a history cannot move from one provider to another.
    Seen in: tashfeenahmed/freellmapi#1070; OpenMinis/OpenMinis#87; Kilo-Org/kilocode#10375
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        body = build_question("Is 91 a prime number?")
        thought = {
            "role": "assistant",
            "content": "No, it is 7 times 13.",
            "reasoning_content": "91 = 7 * 13.",
        }
        yield ProbeRequest(
            body={**body, "messages": [*body["messages"], thought, {"role": "user", "content": "And 97?"}]}
        )

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        (answer,) = exchanges
        yield from judge_refusal(answer, "reasoning_content in the history:")


@probe("turn.null-content", ERROR, applies_to="chat", cost=3)
class NullContent:
    """Accept null content beside tool_calls

    Rule: an assistant message with tool_calls is accepted with content null, absent or "".
    Why: echoing the server's own message fails otherwise.
    Seen in: openai/openai-python src/openai/types/chat/chat_completion_chunk.py
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        body = build_history([make_history_call(CALL_IDS[0])], [make_tool_result(CALL_IDS[0])])
        question, message, *rest = body["messages"]
        bare = {key: value for key, value in message.items() if key != "content"}
        for form in ({**bare, "content": None}, bare, {**bare, "content": ""}):
            yield ProbeRequest(body={**body, "messages": [question, form, *rest]})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        for form, answer in zip(CONTENT_FORMS, exchanges, strict=False):
            yield from judge_refusal(answer, f"content {form} beside tool_calls:")


@probe("turn.foreign-tool-id", WARN, applies_to="chat", also=TYPED, cost=3)
class ForeignToolId:
    """Accept tool call ids made elsewhere

    Rule: the history may hold ids that another server made: 9 to 64 of the characters [A-Za-z0-9_:.-].
    Why: Mistral takes nine letters or digits and nothing else, so a conversation cannot change its provider.
    Seen in: langchain-ai/langchain#24668; openclaw/openclaw#57672
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        for identity in FOREIGN_IDS:
            yield ProbeRequest(body=build_history([make_history_call(identity)], [make_tool_result(identity)]))

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        for identity, answer in zip(FOREIGN_IDS, exchanges, strict=False):
            yield from judge_refusal(answer, f"tool call id {identity!r} in the history:")


@probe("turn.ids-unique", WARN, applies_to="chat", also=TYPED, cost=2)
class IdsUnique:
    """Use new tool call ids every turn

    Rule: the second answer gives its calls ids that the first answer did not use.
    Why: Kimi's parsers start again at 0, and sessions that match results by id stall.
    Seen in: fw-ai/fireconnect#16; sgl-project/sglang#33343
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        first = build_call_request("required")
        answer = yield ProbeRequest(body=first)
        if answer.error is not None or not answer.output.tool_calls:
            return
        results = [make_tool_result(one.id or "") for one in answer.output.tool_calls]
        more = {"role": "user", "content": "And in Oslo? Use the tool again."}
        yield ProbeRequest(body={**first, "messages": [*first["messages"], make_echo(answer.output), *results, more]})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        if problem := find_unrelated_failure(exchanges[-1]):
            yield problem
            return
        first, second = exchanges[0].output.tool_calls, exchanges[-1].output.tool_calls
        if len(exchanges) < 2 or not second:
            yield Inconclusive("the model did not call a tool in both turns")
            return
        again = sorted({one.id for one in first if one.id} & {one.id for one in second if one.id})
        if again:
            yield Hit(f"ids of turn one came again in turn two: {', '.join(again)}")
