"""Probes of error answers and of how an answer is delivered."""

from collections.abc import Generator, Iterator, Sequence
from typing import Any, Final

from byok_bench.checks.finding import ERROR, WARN, Hit
from byok_bench.checks.probe import Ask, Inconclusive, Note, Shown, Target, unusable
from byok_bench.checks.probe_bodies import asking
from byok_bench.checks.registry import probe
from byok_bench.dialects.exchange import Exchange

Asks = Generator[Ask, Exchange, None]
UNKNOWN_MODEL: Final = "byok-bench-no-such-model-7f3a"
HELLO: Final[dict[str, Any]] = {"messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 8}
MISTAKES: Final = (
    "messages missing",
    "malformed JSON",
    "messages of the wrong type",
    "a tool message without its call",
)
WORDS_PER_WINDOW: Final = 1.25
"""Words sent for each token of the window: one word is at least one token."""
BUFFERED_TOKENS: Final = 150
LATE_SHARE: Final = 0.8
LAST_PART: Final = 0.1


def status_of(answer: Exchange) -> int | None:
    """HTTP status of the answer; None if none came."""
    return answer.response.status if answer.response else None


@probe("error.unknown-model", ERROR, applies_to="chat", cost=1)
class UnknownModel:
    """Answer 404 or 400 for an unknown model

    Rule: a model name that cannot exist gives 404 (or 400) and an error that names it. A server with one model
    that ignores the name is told, not blamed.
    Why: a typo runs on another model, or looks like a broken server.
    Seen in: netease-youdao/QAnything#555
    """

    @staticmethod
    def requests(target: Target) -> Asks:
        yield Ask(body={**HELLO, "model": UNKNOWN_MODEL})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Shown]:
        (answer,) = exchanges
        status = status_of(answer)
        if answer.error is None:
            yield Note(
                f"any model name is accepted: {UNKNOWN_MODEL!r} was answered by {answer.output.served_model!r}"
            )
        elif status in (400, 404):
            if UNKNOWN_MODEL not in answer.error.message:
                yield Hit(f"the {status} answer does not name the model: {answer.error.message}")
        elif status is None or status in (401, 403, 429):
            yield Inconclusive(f"the request failed before the model mattered ({answer.error.kind})")
        else:
            yield Hit(f"an unknown model was answered with {status}: {answer.error.message}")


@probe("error.bad-key", ERROR, applies_to="any", cost=1)
class BadKey:
    """Answer 401 for a wrong key

    Rule: a wrong bearer token gives 401 with an error body; servers without authentication are exempt.
    Why: 403, 500 or 200 leave a user looking for the mistake everywhere but at the key.
    Seen in: https://openrouter.ai/docs/api/reference/errors-and-debugging
    """

    @staticmethod
    def requests(target: Target) -> Asks:
        if target.has_key:
            yield Ask(body=HELLO, wrong_key=True)

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Shown]:
        if not exchanges:
            yield Inconclusive("no key is configured: the server may need none")
            return
        answer = exchanges[0]
        status = status_of(answer)
        if status is None:
            yield unusable(answer) or Inconclusive("no answer")
        elif status != 401:
            yield Hit(f"a wrong key was answered with {status}")
        elif answer.error is None or answer.error.message == "HTTP 401":
            yield Hit("the 401 answer has no error body")


@probe("error.client-5xx", ERROR, applies_to="chat", cost=4)
class Client5xx:
    """Answer client mistakes with 4xx

    Rule: missing messages, malformed JSON, wrong types and an orphan tool message give 400 or 422, never 5xx and
    never 200.
    Why: routers fail over on 5xx and send the bad request again, to everyone.
    Seen in: vllm-project/vllm#35438; ikawrakow/ik_llama.cpp#2420
    """

    @staticmethod
    def requests(target: Target) -> Asks:
        yield Ask(body={"max_tokens": 8})
        yield Ask(body={}, raw=b'{"messages": [{"role": "user", "content": "hi"}')
        yield Ask(body={**HELLO, "messages": "hello"})
        orphan = {"role": "tool", "tool_call_id": "call_nobody_made", "content": "41.7"}
        yield Ask(body={**HELLO, "messages": [{"role": "user", "content": "hi"}, orphan]})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Shown]:
        for mistake, answer in zip(MISTAKES, exchanges, strict=False):
            status = status_of(answer)
            if status is None:
                yield unusable(answer) or Inconclusive(f"{mistake}: no answer")
            elif status in (401, 403, 429):
                yield Inconclusive(f"{mistake}: the request failed before it mattered ({status})")
            elif status < 400 or status >= 500:
                yield Hit(f"{mistake}: answered with {status}")


@probe("error.context-length", ERROR, applies_to="chat", cost=1)
class ContextLength:
    """Answer over-long prompts with a clear 400

    Rule: a prompt beyond the context window gives 400 or 413 that reads as context_length, not 5xx and no silent cut.
    Why: an agent cannot trim its history when the cause is hidden.
    Seen in: ggml-org/llama.cpp#19774; fedora-copr/logdetective-website#193
    """

    @staticmethod
    def requests(target: Target) -> Asks:
        if target.context_window:
            words = " apple" * int(target.context_window * WORDS_PER_WINDOW)
            yield Ask(body={**HELLO, "messages": [{"role": "user", "content": f"Count these:{words}"}]})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Shown]:
        if not exchanges:
            yield Inconclusive("the context window is not known: declare it for the model")
            return
        answer = exchanges[0]
        status = status_of(answer)
        if answer.error is None:
            yield Hit("a prompt longer than the context window was answered: it must have been cut silently")
        elif status is None or status in (401, 403, 429):
            yield unusable(answer) or Inconclusive("no answer")
        elif status not in (400, 413) or answer.error.kind != "context_length":
            yield Hit(f"answered with {status}, read as {answer.error.kind}: {answer.error.message}")


@probe("http.stream-default", ERROR, applies_to="chat", cost=2)
class StreamDefault:
    """Treat a missing stream field as false

    Rule: without stream, and with stream false, the answer is one JSON document.
    Why: clients that did not ask for a stream fail to parse one.
    Seen in: decolua/9router#3301; decolua/9router#3492
    """

    @staticmethod
    def requests(target: Target) -> Asks:
        yield Ask(body=HELLO)
        yield Ask(body={**HELLO, "stream": False})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Shown]:
        for what, answer in zip(("without stream", "with stream false"), exchanges, strict=False):
            if answer.response is None or answer.response.status >= 300:
                yield unusable(answer) or Inconclusive(f"{what}: no answer")
            elif any(data.lstrip().startswith(b"data:") for _, data in answer.chunks[:1]):
                yield Hit(f"{what}: the answer is an event stream")
            elif problem := unusable(answer):
                yield problem


@probe("http.buffered", WARN, applies_to="chat-stream", cost=1)
class Buffered:
    """Deliver tokens as they are made

    Rule: of a generation of at least 150 tokens, less than 80 percent of the events arrive in the last 10 percent
    of the total time.
    Why: a proxy that collects the stream hides every token until the end.
    Seen in: mostlygeek/llama-swap#236; nginx/nginx#1505
    """

    @staticmethod
    def requests(target: Target) -> Asks:
        story = "Write a long story about a lighthouse keeper, in at least 300 words."
        yield Ask(body={**asking(story, stream=True), "max_tokens": 256})

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Shown]:
        (answer,) = exchanges
        if problem := unusable(answer):
            yield problem
            return
        stamps = [mark[0] for mark in answer.reading.marks]
        usage = answer.output.usage
        tokens = usage.completion_tokens if usage and usage.completion_tokens is not None else len(stamps)
        if tokens < BUFFERED_TOKENS or not stamps:
            yield Inconclusive(f"only {tokens} tokens came; {BUFFERED_TOKENS} are needed to tell")
            return
        phases = answer.raw.phases
        start, end = phases.written or phases.start, phases.done or phases.end or stamps[-1]
        late = sum(stamp > end - (end - start) * LAST_PART for stamp in stamps) / len(stamps)
        if late >= LATE_SHARE:
            yield Hit(
                f"{late:.0%} of the events arrived in the last {LAST_PART:.0%} of {(end - start) / 1e6:.0f} ms"
            )
