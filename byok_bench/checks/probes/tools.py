"""Probes of tool choice, finish reasons and structured output."""

import re
from collections.abc import Generator, Iterator, Sequence

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.probes.bodies import (
    CLOCK,
    WEATHER,
    build_call_request,
    build_question,
    make_named_choice,
)
from byok_bench.checks.probes.probe import (
    TROUBLE,
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
from byok_bench.wire.bodies import bounded_json

ProbeRequests = Generator[ProbeRequest, Exchange, None]
SMALL_BUDGET = 8
SENTENCE_END = re.compile(r"[.!?…。！？।؟][\"')\]}*_`’”»）」]*\s*\Z")
"""A full stop, in the scripts that have one, and what may close behind it."""


def list_called_names(exchange: Exchange) -> list[str]:
    """Functions that were called, in order."""
    return [one.name for one in exchange.output.tool_calls]


def has_complete_calls(exchange: Exchange) -> bool:
    """Whether calls came, and the arguments of each are one JSON object."""
    calls = exchange.output.tool_calls
    return bool(calls) and all(isinstance(bounded_json.decode_json(one.arguments), dict) for one in calls)


def explain_missing_call(exchange: Exchange) -> Inconclusive | None:
    """Why an answer without a call proves nothing: it was cut before there could be one."""
    if list_called_names(exchange) or exchange.output.finish_reason != "length":
        return None
    return Inconclusive("max_tokens cut the answer before a call could come")


@probe("tool.choice-required", ERROR, applies_to="chat", also=TYPED, cost=1)
class ChoiceRequired:
    """Obey tool_choice required

    Rule: a request with tool_choice "required" gets at least one call, or is refused with 400.
    Why: a forced call that is silently ignored leaves an agent with prose in place of an action.
    Seen in: vllm-project/vllm#53363; vectorize-io/hindsight#1877
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        yield ProbeRequest(body=build_call_request("required"))

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        (answer,) = exchanges
        if is_request_refused(answer):
            return
        if problem := find_unrelated_failure(answer) or explain_missing_call(answer):
            yield problem
        elif not list_called_names(answer):
            yield Hit('no call came back although tool_choice was "required"')


@probe("tool.choice-named", ERROR, applies_to="chat", also=TYPED, cost=1)
class ChoiceNamed:
    """Obey a named tool_choice

    Rule: a named function is the one, and the only one, that is called, whether the answer then ends with
    stop or with tool_calls. A server that refuses to be told proves nothing.
    Why: parsers that drop the name let the model pick, and the agent runs another tool.
    Seen in: vllm-project/vllm#50477
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        yield ProbeRequest(body=build_call_request(make_named_choice(CLOCK), tools=(WEATHER, CLOCK)))

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        (answer,) = exchanges
        wanted = CLOCK["function"]["name"]
        if problem := find_unrelated_failure(answer) or explain_missing_call(answer):
            yield problem
        elif set(list_called_names(answer)) != {wanted}:
            yield Hit(f"tool_choice named {wanted}; called: {', '.join(list_called_names(answer)) or 'nothing'}")
        elif answer.output.finish_reason not in ("stop", "tool_calls", "length"):
            yield Hit(f"finish_reason is {answer.output.finish_reason!r}, neither stop nor tool_calls")


@probe("tool.choice-none", ERROR, applies_to="chat", also=TYPED, cost=1)
class ChoiceNone:
    """Obey tool_choice none

    Rule: with tool_choice "none" no call comes back and finish_reason is not tool_calls.
    Why: an agent that asked for prose finds a call it never allowed, or tool markup in the text.
    Seen in: vllm-project/vllm#54808; vllm-project/vllm#9426
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        yield ProbeRequest(body=build_call_request("none"))

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        (answer,) = exchanges
        if problem := find_unrelated_failure(answer):
            yield problem
        elif list_called_names(answer):
            yield Hit(f'called {", ".join(list_called_names(answer))} although tool_choice was "none"')
        elif answer.output.finish_reason == "tool_calls":
            yield Hit('finish_reason is tool_calls although tool_choice was "none"')


@probe("tool.stream-parity", ERROR, applies_to="chat", also=TYPED, cost=2)
class StreamParity:
    """Agree with and without stream

    Rule: at temperature 0 a forced call names the same function and ends with the same finish_reason, streamed
    or not. Answers that max_tokens cut prove nothing.
    Why: the two paths are often two pieces of server code; an agent tested on one breaks on the other.
    Seen in: googleapis/python-genai#2868
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        yield ProbeRequest(body=build_call_request("required", stream=True))
        yield ProbeRequest(body=build_call_request("required", stream=False))

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        streamed, whole = exchanges
        if (
            problem := find_unrelated_failure(streamed)
            or find_unrelated_failure(whole)
            or explain_missing_call(streamed)
            or explain_missing_call(whole)
        ):
            yield problem
            return
        if not list_called_names(streamed) and not list_called_names(whole):
            yield Inconclusive("the model called nothing either way")
            return
        if set(list_called_names(streamed)) != set(list_called_names(whole)):
            yield Hit(
                f"streamed: {list_called_names(streamed) or 'no call'}; whole: {list_called_names(whole) or 'no call'}"
            )
        reasons = streamed.output.finish_reason, whole.output.finish_reason
        if reasons[0] != reasons[1]:
            said = f"finish_reason is {reasons[0]!r} streamed and {reasons[1]!r} whole"
            cut = not (has_complete_calls(streamed) and has_complete_calls(whole))
            yield (Inconclusive(f"{said}: max_tokens cut one of them") if cut and "length" in reasons else Hit(said))


@probe("finish.length", ERROR, applies_to="chat", also=TYPED, cost=2)
class FinishLength:
    """Report length when max_tokens cuts the answer

    Rule: a long task under a small max_tokens ends with finish_reason length; so does a tool call that was cut. An
    answer that ends as a sentence does may have ended by itself, and proves nothing.
    Why: a cut answer that looks finished is used as it is, and a cut call has arguments that are no JSON.
    Seen in: vllm-project/vllm#47963
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        task = "Count from 1 to 300 in words, without leaving out a number."
        yield ProbeRequest(body=build_question(task, max_tokens=SMALL_BUDGET))
        yield ProbeRequest(body={**build_call_request("required"), "max_tokens": SMALL_BUDGET})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        shown = [judge_small_budget(answer) for answer in exchanges]
        yield from (one for one in shown if isinstance(one, Hit))
        open_points = [one for one in shown if isinstance(one, Inconclusive)]
        proved = len(open_points) < len(shown)
        yield from (Note(one.message) if proved else one for one in open_points)


def judge_small_budget(answer: Exchange) -> Hit | Inconclusive | None:
    """What an answer under a small budget shows; None if it says that it was cut.

    A word is one token at least, so more words than tokens allowed prove that the budget was ignored, whatever usage
    says. An answer that spends the budget to the last token may have ended by itself: its last sign tells.
    """
    output = answer.output
    if problem := find_unrelated_failure(answer):
        return problem
    if output.finish_reason == "length":
        return None
    what = "the tool call" if output.tool_calls else "the answer"
    if has_complete_calls(answer):
        return Inconclusive(f"{what} was complete within max_tokens={SMALL_BUDGET}")
    spent = output.usage.completion_tokens if output.usage else None
    words = len(f"{output.reasoning} {output.text}".split())
    ending = f"finish_reason is {output.finish_reason!r}"
    if max(spent or 0, words) > SMALL_BUDGET:
        counted = f"{spent} tokens" if spent is not None and spent >= words else f"{words} words"
        return Hit(f"max_tokens={SMALL_BUDGET} was ignored: {what} has {counted}; {ending}")
    if output.tool_calls and (spent is None or spent == SMALL_BUDGET):
        return Hit(f"{what} was cut at max_tokens={SMALL_BUDGET}; {ending}")
    if SENTENCE_END.search(output.text):
        return Inconclusive(f"{what} ends as a sentence does, within max_tokens={SMALL_BUDGET}")
    if spent is None and words < SMALL_BUDGET // 2:
        return Inconclusive(f"{what} ended by itself after {words} words")
    if spent is not None and spent < SMALL_BUDGET:
        return Inconclusive(f"{what} ended by itself after {spent} tokens")
    return Hit(f"{what} was cut at max_tokens={SMALL_BUDGET}; {ending}")


@probe("structured.unsupported", WARN, applies_to="chat", cost=1)
class StructuredUnsupported:
    """Refuse response_format that is not supported

    Rule: a response_format of a type that does not exist is a client's mistake: the answer is 400; it is
    neither ignored nor answered with 5xx.
    Why: a format that is silently dropped gives prose where a parser waits for JSON.
    Seen in: vllm-project/vllm#35438
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        yield ProbeRequest(body=build_question("Say hello.", response_format={"type": "byok_bench_unknown_format"}))

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        (answer,) = exchanges
        if is_request_refused(answer):
            return
        error = answer.error
        if error is None:
            yield Hit("an unknown response_format type was ignored: the answer is 200")
        elif error.kind not in TROUBLE and error.status is not None and error.status >= 500:
            yield Hit(f"an unknown response_format type was answered with {error.status}: {error.message}")
        elif problem := find_unrelated_failure(answer):
            yield problem
