"""find_silences(): after how long a silence whatever stands between here and a simulator cuts an answer.

What is behind the endpoint has to be `byok-bench serve`, which is silent on request. Four answers are asked for at
once, each with one silence as long as may be; when each was cut is the timeout.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Final, Literal

import msgspec

from byok_bench.checks.ladder.climb import choose_model_id
from byok_bench.checks.probes.bodies import build_question
from byok_bench.checks.probes.body_translation import translate_body
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model_requests import find_schema
from byok_bench.endpoints.permission import find_rules
from byok_bench.endpoints.send import send
from byok_bench.errors import EndpointError
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.wire.client import Client
from byok_bench.wire.limits import Timeouts

LONGEST_S: Final = 120.0
PROOF_S: Final = 0.3
"""A silence that shows whether what is behind the endpoint obeys."""
COMMENTS: Final = 20
"""Comments in a silence that has them."""
SAME: Final = 0.2
"""Two hops that are cut at the same time, to this share, are cut by the inner one."""
SPARE_S: Final = 30.0
"""How much longer than the silence this side waits."""
PLACES: Final[Mapping[str, str]] = {
    "first_byte": "before the first byte",
    "first_token": "before the first token",
    "between_tokens": "between two tokens",
    "with_comments": "between two tokens",
}
"""Cell of the map → where the answer is silent; `with_comments` has comment lines in it."""
State = Literal["cut", "held", "unknown"]
MAP_VERSION: Final = 2


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """One cell: what became of one silence."""

    name: str
    """Of PLACES."""
    state: State
    """`held`: the answer came whole."""
    seconds: float | None
    """Of silence until the cut, or that was held; None if unknown."""
    sentence: str
    exchange: Exchange | None
    """None if the search was stopped before it was over."""


class SilenceMap(msgspec.Struct, frozen=True, kw_only=True):
    """Of one endpoint."""

    label: str
    longest_s: float
    cuts: tuple[Cut, ...]

    def __getitem__(self, name: str) -> Cut:
        return next(cut for cut in self.cuts if cut.name == name)

    def to_json(self, *, with_bytes: bool = False) -> dict[str, Any]:
        """Plain data, version 2."""
        cells = {
            cut.name: {
                "state": cut.state,
                "seconds": cut.seconds,
                "sentence": cut.sentence,
                "exchange_ids": [one.id for one in (cut.exchange,) if one is not None],
            }
            for cut in self.cuts
        }
        exchanges = [cut.exchange.to_json(with_bytes=with_bytes) for cut in self.cuts if cut.exchange is not None]
        return {
            "version": MAP_VERSION,
            "label": self.label,
            "longest_s": self.longest_s,
            "silences": cells,
            "exchanges": exchanges,
        }

    def list_lines(self) -> list[str]:
        """The map as plain lines."""
        return [f"{cut.name:<18} {cut.state:<12} {cut.sentence}" for cut in self.cuts]

    def __str__(self) -> str:
        return "\n".join([self.label, *(f"  {line}" for line in self.list_lines())])


async def find_silences(
    endpoint: Endpoint,
    *,
    model: str | None = None,
    longest_s: float = LONGEST_S,
    profile: str = "local",
    policy: Mapping[str, Any] | None = None,
    client: Client | None = None,
    stop: StopSwitch | None = None,
) -> SilenceMap:
    """Ask for four answers with a silence of `longest_s` each; five requests, and as many seconds and a little more.

    `stop`, pressed while its caller has it enabled, ends it at once: what was cut until then is known, the rest is not.
    Raises EndpointError if what is behind the endpoint is not silent on request.
    """
    chosen = choose_model_id(endpoint, model) or endpoint.get_model().name
    profile, policy = find_rules(profile, policy)
    async with AsyncExitStack() as stack:
        if client is None:
            client = await stack.enter_async_context(Client())
        asking = _Asking(endpoint, chosen, profile, policy, client)
        await asking.check_obedience()
        looking = {name: asyncio.ensure_future(asking.find_cut(name, longest_s)) for name in PLACES}
        if stop is not None:
            stack.enter_context(stop.relay(lambda: [one.cancel() for one in looking.values()]))
        try:
            await asyncio.wait(looking.values())
        finally:
            for one in looking.values():
                one.cancel()
    cuts = tuple(_make_unknown(name) if one.cancelled() else one.result() for name, one in looking.items())
    return SilenceMap(label=endpoint.label, longest_s=longest_s, cuts=cuts)


def _make_unknown(name: str) -> Cut:
    said = "stopped before it was over"
    return Cut(name=name, state="unknown", seconds=None, sentence=said, exchange=None)


class _Asking:
    """Asks one endpoint for silences."""

    def __init__(
        self, endpoint: Endpoint, model: str, profile: str, policy: Mapping[str, Any] | None, client: Client
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._profile = profile
        self._policy = policy
        self._client = client

    async def check_obedience(self) -> None:
        """Raise EndpointError unless a short silence is kept, and an answer comes behind it."""
        exchange = await self._send("first_token", PROOF_S)
        if exchange.error is not None:
            raise EndpointError(f"no answer to begin with: {exchange.error.message}", code="no_answer")
        if (exchange.timing.ttft or 0.0) < PROOF_S * 1000:
            raise EndpointError(
                f"what is behind {self._endpoint.label!r} is not silent on request: put byok-bench serve behind the "
                "hop, and name the hop's address",
                code="not_silent",
            )

    async def find_cut(self, name: str, seconds: float) -> Cut:
        """What became of one silence."""
        exchange = await self._send(name, seconds)
        return judge_silence(name, seconds, exchange)

    async def _send(self, name: str, seconds: float) -> Exchange:
        comments = f", but a comment every {seconds / COMMENTS:.6g} s" if name == "with_comments" else ""
        text = f"Say nothing for {seconds:g} s {PLACES[name]}{comments}."
        body = translate_body(
            build_question(text, max_tokens=16, stream=True), find_schema(self._endpoint, self._model)
        )
        patience = min(seconds + SPARE_S, 86_400.0)
        timeouts = Timeouts(first_byte=patience, idle=patience, total=patience + SPARE_S)
        return await send(
            self._endpoint,
            body,
            model=self._model,
            timeouts=timeouts,
            profile=self._profile,
            policy=self._policy,
            client=self._client,
        )


def judge_silence(name: str, seconds: float, exchange: Exchange) -> Cut:
    """What one recorded answer shows."""
    comments = sum(chunk.startswith(b":") for _, chunk in exchange.raw.chunks)
    heard = f", {comments} of {COMMENTS} comments came" if name == "with_comments" else ""
    if exchange.error is None:
        held = f"held for {seconds:g} s{heard}"
        return Cut(name=name, state="held", seconds=seconds, sentence=held, exchange=exchange)
    silent_s = _measure_silence(exchange, is_commented=name == "with_comments")
    if silent_s is None:
        said = f"not asked: {exchange.error.message}"
        return Cut(name=name, state="unknown", seconds=None, sentence=said, exchange=exchange)
    said = f"cut after {silent_s:.3g} s: {_describe_end(exchange)}{heard}"
    return Cut(name=name, state="cut", seconds=silent_s, sentence=said, exchange=exchange)


def _measure_silence(exchange: Exchange, *, is_commented: bool) -> float | None:
    """Seconds from the last thing that was said until the cut; comments say nothing. None if nothing was sent."""
    phases, head = exchange.raw.phases, exchange.raw.head
    if phases.written is None or phases.end is None:
        return None
    said = [stamp for stamp, chunk in exchange.raw.chunks if not chunk.startswith(b":")]
    is_refusal = head is not None and head.status >= 300
    since = phases.written if is_refusal else (said or [phases.written])[-1]
    return ((phases.head if is_refusal and phases.head else phases.end) - since) / 1e9


def _describe_end(exchange: Exchange) -> str:
    """How it ended, and who says so."""
    head = exchange.raw.head
    if head is not None and head.status >= 300:
        server = head.get_header("server")
        return f"status {head.status}{f' by {server}' if server else ''}"
    words = exchange.error.message if exchange.error is not None else ""
    return f"{exchange.raw.end}, {words}" if head is not None else f"no answer, {words}"


def iterate_cutters(hops: Sequence[SilenceMap]) -> Iterator[str]:
    """Which hop cuts, a sentence a cell: of hops from the outermost inwards, the innermost that is cut as soon."""
    for name in PLACES:
        cuts = [hop[name] for hop in hops]
        if cuts[0].state != "cut" or cuts[0].seconds is None:
            continue
        cutter, after_s = hops[0].label, cuts[0].seconds
        for hop, cut in zip(hops[1:], cuts[1:], strict=True):
            if cut.state != "cut" or cut.seconds is None or cut.seconds > after_s * (1 + SAME):
                break
            cutter = hop.label
        yield f"{name}: {cutter} cuts after {after_s:.3g} s"
