"""Probes of error answers, and of an answer that was to be no stream."""

import re
from collections.abc import Generator, Iterator, Sequence
from typing import Any, Final

from byok_bench.checks.finding import ERROR, Hit
from byok_bench.checks.probes.probe import (
    TROUBLE,
    Inconclusive,
    Note,
    Observation,
    ProbeRequest,
    ProbeTarget,
    find_unrelated_failure,
)
from byok_bench.checks.registry import TYPED, probe
from byok_bench.dialects.body import EVENT_STREAM
from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.bodies.bounded_json import Malformed

ProbeRequests = Generator[ProbeRequest, Exchange, None]
UNKNOWN_MODEL: Final = "byok-bench-no-such-model-7f3a"
HELLO: Final[dict[str, Any]] = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}
MISTAKES: Final = (
    "messages missing",
    "malformed JSON",
    "messages of the wrong type",
    "a tool message without its call",
)
EVENT_FIELD: Final = re.compile(rb"\s*(?:data|event|id|retry)?:")
"""How an event stream starts: with a field, or with a comment."""
FILLER: Final = " apple"
WORDS_PER_WINDOW: Final = 1.25
"""Words sent for each token of the window: one word is at least one token."""


def is_event_stream(answer: Exchange) -> bool:
    """Whether a good answer is events, by its label or by how it starts, and not one JSON document."""
    body, status = answer.reading.body, find_answer_status(answer) or 0
    looks_so = body.media_type == EVENT_STREAM or EVENT_FIELD.match(body.data) is not None
    return 200 <= status < 300 and looks_so and isinstance(body.document, Malformed)


def find_answer_status(answer: Exchange) -> int | None:
    """HTTP status of the answer; None if none came."""
    return answer.response.status if answer.response else None


@probe("error.unknown-model", ERROR, applies_to="chat", also=TYPED, cost=1)
class UnknownModel:
    """Answer 404 or 400 for an unknown model

    Rule: a model name that cannot exist is refused with 404 or with 400, and the error says which name it
    was. A server with one model that ignores the name is told, not blamed.
    Why: a typo runs on another model, or looks like a broken server.
    Seen in: netease-youdao/QAnything#555
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        yield ProbeRequest(body={**HELLO, "model": UNKNOWN_MODEL})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        (answer,) = exchanges
        status, error = find_answer_status(answer), answer.error
        if error is None:
            yield Note(
                f"any model name is accepted: {UNKNOWN_MODEL!r} was answered by {answer.output.served_model!r}",
                is_doubt=True,
            )
            return
        is_named = UNKNOWN_MODEL in error.message.lower()
        ignored = TROUBLE - {"not_found_route"} - ({"overloaded"} if is_named else set())
        if error.kind in ignored:
            yield Inconclusive(f"the request failed before the model mattered ({error.kind}): {error.message}")
        elif status not in (400, 404):
            yield Hit(f"an unknown model was answered with {status}: {error.message}")
        elif not is_named:
            yield Hit(f"the {status} answer does not name the model: {error.message}")


@probe("error.bad-key", ERROR, applies_to="any", cost=2)
class BadKey:
    """Answer 401 for a wrong key

    Rule: whoever sends another key than the right one is told so by 401 and an error body. Servers without
    authentication, which answer without a key too, are exempt.
    Why: 403, 500 or 200 leave a user looking for the mistake everywhere but at the key.
    Seen in: https://openrouter.ai/docs/api/reference/errors-and-debugging
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        if target.has_key:
            answer = yield ProbeRequest(body=HELLO, wrong_key=True)
            if answer.error is None:
                yield ProbeRequest(body=HELLO, without_key=True)

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        if not exchanges:
            yield Inconclusive("no key is configured: the server may need none")
            return
        (answer, *without) = exchanges
        status, error = find_answer_status(answer), answer.error
        if error is None and any(one.error is None for one in without):
            yield Note("the server asks for no key: it answers without one")
        elif error is not None and status == 401:
            if error.message == "HTTP 401":
                yield Hit("the 401 answer has no error body")
        elif error is not None and error.kind in TROUBLE - {"auth", "permission"}:
            yield Inconclusive(f"the request failed before the key mattered ({error.kind}): {error.message}")
        else:
            yield Hit(f"a wrong key was answered with {status}")


@probe("error.client-5xx", ERROR, applies_to="chat", also=("messages",), cost=4)
class Client5xx:
    """Answer client mistakes with 4xx

    Rule: a request without messages, with malformed JSON, with a wrong type or with the result of a call that
    was never made is refused with 400 or 422; a 5xx and a 200 are both wrong.
    Why: to a router 5xx means another server may do better, so it sends the bad request to each of them.
    Seen in: vllm-project/vllm#35438; ikawrakow/ik_llama.cpp#2420
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        yield ProbeRequest(body={"max_tokens": 8})
        yield ProbeRequest(body={}, raw=b'{"messages": [{"role": "user", "content": "hi"}')
        yield ProbeRequest(body={**HELLO, "messages": "hello"})
        orphan = {"role": "tool", "tool_call_id": "call_nobody_made", "content": "41.7"}
        yield ProbeRequest(body={**HELLO, "messages": [{"role": "user", "content": "hi"}, orphan]})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        for mistake, answer in zip(MISTAKES, exchanges, strict=False):
            status, error = find_answer_status(answer) or 0, answer.error
            if error is not None and error.kind in TROUBLE:
                yield Inconclusive(f"{mistake}: the request failed before it mattered ({error.kind})")
            elif status < 400 or status >= 500:
                yield Hit(f"{mistake}: answered with {status}")


@probe("error.context-length", ERROR, applies_to="chat", also=TYPED, cost=1)
class ContextLength:
    """Answer over-long prompts with a clear 400

    Rule: a prompt beyond the context window gives 400 or 413 that reads as context_length, not 5xx and no silent cut.
    Why: an agent that is not told that the prompt was too long cannot shorten its history.
    Seen in: ggml-org/llama.cpp#19774; fedora-copr/logdetective-website#193
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        if target.context_window:
            words = FILLER * int(target.context_window * WORDS_PER_WINDOW)
            yield ProbeRequest(body={**HELLO, "messages": [{"role": "user", "content": f"Count these:{words}"}]})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        if not exchanges:
            yield Inconclusive("the context window is neither declared nor listed: declare it for the model")
            return
        answer = exchanges[0]
        status, error = find_answer_status(answer), answer.error
        if error is None:
            yield from judge_overlong_answer(answer)
        elif error.kind in TROUBLE:
            yield Inconclusive(f"the request failed before its length mattered ({error.kind}): {error.message}")
        elif status not in (400, 413) or error.kind != "context_length":
            yield Hit(f"answered with {status}, read as {error.kind}: {error.message}")


def judge_overlong_answer(answer: Exchange) -> Iterator[Observation]:
    """What the answer to a prompt beyond the declared window shows: a silent cut, unless all of it was read."""
    sent = answer.raw.request.body.count(FILLER.strip().encode())
    read = answer.output.usage.prompt_tokens if answer.output.usage else None
    if sent and read is not None and read >= sent:
        yield Inconclusive(f"the whole prompt was read ({read} tokens): the window is larger than declared")
    else:
        yield Hit("a prompt longer than the context window was answered: it must have been cut silently")


@probe("http.stream-default", ERROR, applies_to="chat", also=TYPED, cost=2)
class StreamDefault:
    """Treat a missing stream field as false

    Rule: one JSON document comes back unless the request says stream true: for false, and for a request that
    does not mention it.
    Why: clients that did not ask for a stream fail to parse one.
    Seen in: decolua/9router#3301; decolua/9router#3492
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        yield ProbeRequest(body=HELLO)
        yield ProbeRequest(body={**HELLO, "stream": False})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        for what, answer in zip(("without stream", "with stream false"), exchanges, strict=False):
            if is_event_stream(answer):
                yield Hit(f"{what}: the answer is an event stream")
            elif problem := find_unrelated_failure(answer):
                yield problem
