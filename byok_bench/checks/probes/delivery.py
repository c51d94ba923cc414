"""Probes of how an answer is delivered: whether what lies between lets tokens through as they are made."""

from collections.abc import Generator, Iterator, Sequence
from typing import Final

from byok_bench.checks.finding import WARN, Hit
from byok_bench.checks.probes.arrivals import measure_arrivals
from byok_bench.checks.probes.bodies import build_question
from byok_bench.checks.probes.probe import (
    Inconclusive,
    Observation,
    ProbeRequest,
    ProbeTarget,
    find_unrelated_failure,
)
from byok_bench.checks.registry import TYPED, probe
from byok_bench.dialects.exchange import Exchange
from byok_bench.wire.recording.loop_lag import STALLED_FLAG as STALLED

ProbeRequests = Generator[ProbeRequest, Exchange, None]
ENOUGH_TOKENS: Final = 150
FORMS: Final = (("identity", ""), ("gzip, deflate", "for clients that accept gzip, as SDKs do: "))
"""What is accepted, and how a finding about it begins."""
CURES: Final = (
    "a proxy in between collects the stream (nginx: proxy_buffering off)",
    "a proxy compresses the stream and collects it meanwhile (nginx: no gzip for text/event-stream)",
)
CORKED: Final = "small writes are collected on the way (HAProxy: option http-no-delay), or the server sends in batches"


@probe("http.buffered", WARN, applies_to="chat-stream", also=TYPED, cost=2)
class Buffered:
    """Deliver tokens as they are made

    Rule: of the events of an answer of 150 tokens or more, fewer than four in five come at once in the last tenth of
    its time, and they do not come in bursts: four or more together, with silences of 100 ms or longer that make up
    four fifths of the time. Asked twice: without a content coding, and as SDKs ask, with gzip.
    Why: a proxy that collects the stream hides every token until the end; some do so only while they compress, or
    cork small writes.
    Seen in: mostlygeek/llama-swap#236; nginx/nginx#1505; haproxy/haproxy doc/configuration.txt (option http-no-delay)
    """

    @staticmethod
    def build_requests(target: ProbeTarget) -> ProbeRequests:
        story = "Write a long story about a lighthouse keeper, in at least 300 words."
        for accepted, _ in FORMS:
            yield ProbeRequest(body={**build_question(story, stream=True), "max_tokens": 256}, accept_encoding=accepted)

    @staticmethod
    def judge(exchanges: Sequence[Exchange]) -> Iterator[Observation]:
        was_held_back = False
        for (_, opening), cure, answer in zip(FORMS, CURES, exchanges, strict=False):
            shown = judge_delivery(answer, opening, cure)
            if isinstance(shown, Hit) and was_held_back:
                return  # whoever collects every stream needs no second word
            was_held_back = isinstance(shown, Hit)
            if shown is not None:
                yield shown


def judge_delivery(answer: Exchange, opening: str, cure: str) -> Hit | Inconclusive | None:
    """What one answer shows, in words that begin with `opening`; None if it was let through."""
    if problem := find_unrelated_failure(answer):
        return problem
    arrivals, usage = measure_arrivals(answer), answer.output.usage
    known = usage.completion_tokens if usage is not None else None
    tokens = known if known is not None else 0 if arrivals is None else arrivals.events
    if arrivals is None or tokens < ENOUGH_TOKENS:
        return Inconclusive(f"only {tokens} tokens came; {ENOUGH_TOKENS} are needed to tell")
    if arrivals.is_held_back:
        return Hit(f"{opening}{arrivals}: {cure}")
    if not arrivals.is_bursty:
        return None
    if STALLED in answer.raw.flags:
        return Inconclusive("this process was too busy to tell when the events came")
    return Hit(f"{opening}{arrivals}: {CORKED}")
