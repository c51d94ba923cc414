"""Streaming and tools: what is streamed, and which forms of tool_choice are obeyed."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from byok_bench.checks.capabilities.feature import Asks, Feature, Subject, is_cut, judge_failure, make_capability
from byok_bench.checks.probes.bodies import CLOCK, WEATHER, build_call_request, build_question, make_named_choice
from byok_bench.checks.probes.probe import ProbeRequest
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model_record import Capability

STREAM: Final[dict[str, Any]] = {"stream": True, "stream_options": {"include_usage": True}}
BOTH: Final = "What is the temperature in Paris and in Oslo now? Call the tool for both cities at once."
NAMED: Final = CLOCK["function"]["name"]


def ask_stream(subject: Subject) -> Asks:
    """One streamed answer."""
    yield ProbeRequest(body={**build_question("Count from one to ten in words.", max_tokens=64), **STREAM})


def judge_stream(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """Events that come are a stream."""
    (answer,) = exchanges
    if refused := judge_failure(answer):
        return refused
    deltas = len({mark[2] for mark in answer.reading.marks})
    if not answer.events:
        return make_capability("no", "one whole answer came where a stream was asked for", answer)
    if deltas < 2:
        return make_capability("partly", "the stream held its whole answer in one event", answer, "one event")
    return make_capability("yes", f"the answer came in {deltas} events", answer)


def make_call_asker(
    choice: Any, tools: Sequence[dict[str, Any]] = (WEATHER,), **extra: Any
) -> Callable[[Subject], Asks]:
    """What asks one question that a tool answers, with this tool_choice."""

    def ask_for_call(subject: Subject) -> Asks:
        yield ProbeRequest(body={**build_call_request(choice, tools=tools), **extra})

    return ask_for_call


def judge_free_call(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """A call is a yes; none proves nothing, for the model was free to choose."""
    (answer,) = exchanges
    if refused := judge_failure(answer):
        return refused
    called = list_names(answer)
    if called:
        return make_capability("yes", f"called {', '.join(called)} by itself", answer)
    return make_capability("unknown", "tools were accepted; the model chose to call none", answer)


def judge_forced_call(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """A call that was demanded has to come."""
    (answer,) = exchanges
    if shown := judge_failure(answer) or find_cut(answer):
        return shown
    called = list_names(answer)
    if called:
        return make_capability("yes", f"called {', '.join(called)} as demanded", answer)
    return make_capability("no", "no call came, though tool_choice demanded one", answer, "ignored")


def judge_named_call(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """The function that was named is called, and no other."""
    (answer,) = exchanges
    if shown := judge_failure(answer) or find_cut(answer):
        return shown
    called = list_names(answer)
    if set(called) == {NAMED}:
        return make_capability("yes", f"called {NAMED} as named", answer)
    return make_capability("no", f"{NAMED} was named; called: {', '.join(called) or 'nothing'}", answer, "ignored")


def judge_forbidden_call(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """No call comes where none may."""
    (answer,) = exchanges
    if refused := judge_failure(answer):
        return refused
    called = list_names(answer)
    if called:
        return make_capability("no", f"called {', '.join(called)} though none was allowed", answer, "ignored")
    return make_capability("yes", "no call came", answer)


def ask_both(subject: Subject) -> Asks:
    """Two calls in one answer."""
    extra = {"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": True}
    yield ProbeRequest(body=build_question(BOTH, max_tokens=200, **extra))


def judge_both(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """Two calls in one answer are a yes; one may be the model's choice."""
    (answer,) = exchanges
    if refused := judge_failure(answer):
        return refused
    called = list_names(answer)
    if len(called) > 1:
        return make_capability("yes", f"{len(called)} calls came in one answer", answer)
    came = "one call" if called else "no call"
    return make_capability("unknown", f"{came} came where two were asked for; the model may have chosen so", answer)


def judge_fragments(subject: Subject, exchanges: Sequence[Exchange]) -> Capability:
    """Arguments of a streamed call come in pieces."""
    (answer,) = exchanges
    if refused := judge_failure(answer):
        return refused
    if not list_names(answer):
        return find_cut(answer) or make_capability("unknown", "no call came", answer)
    pieces = len({event for _, kind, event in answer.reading.marks if kind == "tool"})
    if not answer.events:
        return make_capability("no", "the call came as one whole answer, though a stream was asked for", answer)
    if pieces < 2:
        return make_capability("partly", "the arguments came whole, in one event", answer, "one event")
    return make_capability("yes", f"the arguments came in {pieces} events", answer)


def list_names(exchange: Exchange) -> list[str]:
    """Functions that were called, in order."""
    return [one.name for one in exchange.output.tool_calls]


def find_cut(exchange: Exchange) -> Capability | None:
    """Why an answer without a call proves nothing: it was cut before there could be one."""
    if list_names(exchange) or not is_cut(exchange):
        return None
    return make_capability("unknown", "max_tokens cut the answer before a call could come", exchange)


CALL_FEATURES: Final = (
    Feature(
        name="streaming",
        about="does an answer come as a stream of events?",
        ask=ask_stream, judge=judge_stream, requests=1, tokens=100,
    ),
    Feature(
        name="tools.auto",
        about="does the model call a tool that fits the question by itself?",
        ask=make_call_asker("auto"), judge=judge_free_call, requests=1, tokens=300,
    ),
    Feature(
        name="tools.required",
        about="does tool_choice required make it call one?",
        ask=make_call_asker("required"), judge=judge_forced_call, requests=1, tokens=300,
    ),
    Feature(
        name="tools.named",
        about="does a tool_choice that names a function make it call that one?",
        ask=make_call_asker(make_named_choice(CLOCK), (WEATHER, CLOCK)), judge=judge_named_call, requests=1, tokens=400,
    ),
    Feature(
        name="tools.none",
        about="does tool_choice none keep it from calling?",
        ask=make_call_asker("none"), judge=judge_forbidden_call, requests=1, tokens=300,
    ),
    Feature(
        name="tools.parallel",
        about="do several calls come in one answer?",
        ask=ask_both, judge=judge_both, requests=1, tokens=400,
    ),
    Feature(
        name="tools.streamed_arguments",
        about="do the arguments of a streamed call come in pieces?",
        ask=make_call_asker("required", **STREAM), judge=judge_fragments, requests=1, tokens=300,
    ),
)  # fmt: skip
