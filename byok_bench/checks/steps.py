"""The steps of the check ladder: each does one thing and says in one sentence what to do about it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from byok_bench.checks.advice import advice
from byok_bench.checks.finding import Finding
from byok_bench.checks.probe import Ask, probe_named
from byok_bench.checks.probe_bodies import WEATHER, asking, asking_for_a_call, named
from byok_bench.checks.prober import Prober, ProbeResult, cost_of, tokens_of
from byok_bench.checks.registry import Check, run_checks
from byok_bench.checks.rungs import Rung, RungVerdict
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.models import is_wildcard, listed_models, listed_names, listed_windows
from byok_bench.endpoints.credentials import credentials
from byok_bench.endpoints.readiness import MISSING
from byok_bench.endpoints.send import get_models
from byok_bench.errors import SecretError
from byok_bench.wire.client import Client
from byok_bench.wire.egress import Verdict
from byok_bench.wire.reasons import DNS_REASONS
from byok_bench.wire.resolver import Resolver
from byok_bench.wire.urls import URL_REASONS

HINTS: Final = {
    "hint_missing_v1": "The URL has no path: most servers want /v1 at its end.",
    "route_stripped": "A route at the end of the URL was taken off.",
    "fake_ip_range": "The name resolves to a stand-in address of a proxy client on this machine.",
}


class Climb:
    """What the steps of one climb share."""

    def __init__(
        self,
        *,
        prober: Prober,
        client: Client,
        profile: str,
        policy: Mapping[str, Any] | None,
        refusal: str = "",
    ) -> None:
        """`refusal` says why the workspace does not let the endpoint be used; empty if it does."""
        self.prober = prober
        self.client = client
        self.profile = profile
        self.policy = policy
        self.refusal = refusal
        self.verdict: Verdict | None = None
        self.dns_ms: float | None = None
        self.models: Exchange | None = None
        self.has_answered = False
        """The route of the dialect answered a request."""

    async def judge(self) -> Verdict:
        """The egress verdict, asked for once."""
        if self.verdict is None:
            url = self.prober.endpoint.base_url
            self.verdict, start, end = await Resolver().judge(url, self.profile, self.policy)
            self.dns_ms = (end - start) / 1e6 if start is not None and end is not None else None
        return self.verdict

    async def list_models(self) -> Exchange:
        """GET /models, sent once: its phases are the connect and tls rungs."""
        if self.models is None:
            self.models = await get_models(
                self.prober.endpoint, client=self.client, profile=self.profile, policy=self.policy
            )
            if self.models.error is None:
                self.prober.windows = listed_windows(self.models.reading.body.document)
        return self.models


Step = Callable[[Climb], Awaitable[Rung]]


async def parse(climb: Climb) -> Rung:
    """Is the endpoint complete, its URL one, and its key where it should be?"""
    endpoint = climb.prober.endpoint
    if missing := [
        MISSING[name] for name in endpoint.missing() if name != "models" or not climb.prober.model
    ]:
        return Rung(name="parse", verdict="fail", advice=f"Fill in what is missing: {', '.join(missing)}.")
    verdict = await climb.judge()
    if verdict.reason in URL_REASONS:
        return Rung(name="parse", verdict="fail", advice=verdict.message)
    try:
        await asyncio.to_thread(credentials, endpoint)  # a keyring may ask its user
    except SecretError as error:
        said = str(error)
        return Rung(name="parse", verdict="fail", advice=f"{said[0].upper()}{said[1:]}.")
    hints = [HINTS[note] for note in verdict.notes if note in HINTS]
    base = verdict.base_url or endpoint.base_url
    return Rung(name="parse", verdict="pass", advice=" ".join([f"Requests go to {base}.", *hints]))


async def policy(climb: Climb) -> Rung:
    """May this process call it?"""
    if climb.refusal:
        return Rung(name="policy", verdict="fail", advice=climb.refusal)
    verdict = await climb.judge()
    if verdict.action == "block" and verdict.reason not in DNS_REASONS:
        return Rung(name="policy", verdict="fail", advice=verdict.message)
    return Rung(name="policy", verdict="pass", advice=f"Allowed in profile {climb.profile}.")


async def dns(climb: Climb) -> Rung:
    """Does its name have addresses?"""
    verdict = await climb.judge()
    if verdict.reason in DNS_REASONS:
        return Rung(name="dns", verdict="fail", advice=verdict.message, duration_ms=climb.dns_ms)
    found = ", ".join(verdict.addresses)
    return Rung(name="dns", verdict="pass", advice=f"May be dialled: {found}.", duration_ms=climb.dns_ms)


async def connect(climb: Climb) -> Rung:
    """Does something listen there?"""
    exchange = await climb.list_models()
    timing = exchange.timing.connect
    if exchange.error is not None and exchange.error.phase in ("config", "policy", "dns", "connect"):
        return rung("connect", "fail", advice(exchange.error), climb, [exchange])
    if exchange.raw.peer is None:
        return Rung(name="connect", verdict="skipped", advice="Not dialled: the next rung says why.")
    return Rung(
        name="connect", verdict="pass", advice=f"Connected to {exchange.raw.peer}.", duration_ms=timing
    )


async def tls(climb: Climb) -> Rung:
    """Is its certificate good?"""
    if climb.prober.endpoint.base_url.lower().startswith("http:"):
        return Rung(name="tls", verdict="skipped", advice="Plain http: there is no certificate to check.")
    exchange = await climb.list_models()
    if exchange.error is not None and exchange.error.phase == "tls":
        return rung("tls", "fail", advice(exchange.error), climb, [exchange])
    checked = climb.prober.endpoint.tls.verify
    said = "The certificate is good." if checked else "Certificates are not checked for this endpoint."
    return Rung(
        name="tls", verdict="pass" if checked else "warn", advice=said, duration_ms=exchange.timing.tls
    )


async def models(climb: Climb) -> Rung:
    """What does the server list? Advisory: lists are wrong both ways in the wild."""
    exchange = await climb.list_models()
    if exchange.error is not None:
        return rung("models", "warn", f"No list: {advice(exchange.error, is_list=True)}", climb, [exchange])
    found = run_checks(exchange)
    listed = listed_models(exchange.reading.body.document)
    wildcard = next(
        (name for name in listed_names(exchange.reading.body.document) if is_wildcard(name)), None
    )
    if climb.prober.model in listed:
        said = f"{len(listed)} listed, {climb.prober.model} among them."
    elif wildcard is not None:
        said = f"{wildcard} is listed, whatever that serves; the next rungs tell whether {climb.prober.model} answers."
    else:
        said = f"{climb.prober.model} is not among the {len(listed)} listed; the next rungs tell whether it answers."
    clean = (climb.prober.model in listed or wildcard is not None) and not found
    return rung("models", "pass" if clean else "warn", said, climb, [exchange], found)


async def chat(climb: Climb) -> Rung:
    """Does it answer?"""
    return await answered(climb, "chat", asking("Say hello in one short sentence.", max_tokens=32))


async def stream(climb: Climb) -> Rung:
    """Does it stream, and is the stream correct?"""
    body = asking("Count from one to ten in words.", max_tokens=64, stream=True)
    return await answered(climb, "stream", {**body, "stream_options": {"include_usage": True}})


async def answered(climb: Climb, name: str, body: dict[str, Any]) -> Rung:
    """One request: fails if it failed, warns if a check found something, says how quick it was."""
    exchange = await climb.prober.ask(Ask(body=body))
    found = run_checks(exchange)
    if exchange.error is not None:
        said = advice(exchange.error, route_answered=climb.has_answered)
        return rung(name, "fail", said, climb, [exchange], found)
    climb.has_answered = True
    serious = [one for one in found if one.severity != "info"]
    if serious:
        return rung(name, "warn", f"Answered, but: {told(serious)}", climb, [exchange], found)
    timing = exchange.timing
    quick = f", first token after {timing.ttft:.0f} ms" if timing.ttft is not None else ""
    return rung(name, "pass", f"Answered in {timing.e2e or 0:.0f} ms{quick}.", climb, [exchange], found)


async def tools(climb: Climb) -> Rung:
    """Streamed tool calls: auto, then required, then named, until what the model does is clear."""
    exchanges, called, refused = [], [], []
    for form, choice in (("auto", "auto"), ("required", "required"), ("named", named(WEATHER))):
        body = asking_for_a_call(choice, stream=True)
        exchange = await climb.prober.ask(Ask(body={**body, "stream_options": {"include_usage": True}}))
        exchanges.append(exchange)
        if exchange.error is not None:
            refused.append(f"{form} ({exchange.error.message})")
        elif exchange.output.tool_calls:
            called.append(form)
    found = [
        finding for exchange in exchanges for finding in run_checks(exchange) if finding.severity != "info"
    ]
    if found:
        made = f"Calls are made ({', '.join(called)}), but" if called else "No call came back"
        verdict, said = "warn", f"{made}: {told(found)}"
        if refused:
            said += f" Refused: {'; '.join(refused)}."
    elif len(refused) == len(exchanges):
        verdict, said = "fail", f"Requests with tools are refused: {refused[0]}."
    elif "required" in called or "named" in called:
        verdict, said = (
            ("warn", f"Refused: {'; '.join(refused)}.")
            if refused
            else ("pass", f"Called with {', '.join(called)}.")
        )
    elif called:
        verdict, said = (
            "warn",
            "The model calls tools by itself, but tool_choice required and named do nothing.",
        )
    elif refused:
        verdict, said = (
            "inconclusive",
            f"The model called nothing, and some forms are refused: {'; '.join(refused)}.",
        )
    else:
        verdict, said = "fail", "No call came back, even where tool_choice demanded one."
    return rung("tools", verdict, said, climb, exchanges, found)  # type: ignore[arg-type]


async def turn_two(climb: Climb) -> Rung:
    """A tool result back, and in chat reasoning echoed and not echoed: only there it is a plain member."""
    is_chat = climb.prober.endpoint.schema == "chat"
    names = ("turn.tool-roundtrip", "turn.reasoning-echo") if is_chat else ("turn.tool-roundtrip",)
    results = [await climb.prober.run(probe_named(name)) for name in names]
    return probe_summary("turn 2", climb, results, "Tool results are accepted and the conversation goes on.")


async def probe_rung(climb: Climb, probe: Check) -> Rung:
    """One probe of the catalogue as a rung; what is worth telling stands in place of good news that it may deny."""
    result = await climb.prober.run(probe)
    return probe_summary(probe.id, climb, [result], "" if result.notes else f"{probe.title}: holds.")


def probe_summary(name: str, climb: Climb, results: Sequence[ProbeResult], good: str) -> Rung:
    """The rung that several probes make together: the worst of them decides."""
    exchanges = [exchange for result in results for exchange in result.exchanges]
    found = [finding for result in results for finding in result.findings]
    notes = " ".join(f"{note}." for result in results for note in result.notes)
    if found:
        serious = any(finding.severity == "error" for finding in found)
        return rung(name, "fail" if serious else "warn", told(found, within=name), climb, exchanges, found)
    verdicts = [result.verdict for result in results]
    if all(verdict == "inconclusive" for verdict in verdicts) or results[0].verdict == "inconclusive":
        return rung(name, "inconclusive", f"{results[0].open_points[0]}. {notes}".strip(), climb, exchanges)
    doubtful = any(result.doubts for result in results)
    return rung(name, "warn" if doubtful else "pass", f"{good} {notes}".strip(), climb, exchanges)


def told(found: Sequence[Finding], within: str = "") -> str:
    """The first findings in one sentence, each once; a rung named like the check does not say its name again."""
    said = [one.message if one.check == within else f"{one.check}: {one.message}" for one in found]
    distinct = list(dict.fromkeys(said))
    return "; ".join(distinct[:2]) + (f"; and {len(distinct) - 2} more." if len(distinct) > 2 else ".")


def rung(
    name: str,
    verdict: RungVerdict,
    said: str,
    climb: Climb,
    exchanges: Sequence[Exchange],
    found: Sequence[Finding] = (),
) -> Rung:
    """A rung with what its exchanges took; behind them those in place of which one was sent again."""
    superseded = climb.prober.take_superseded()
    limited = [one for one in superseded if one.error and one.error.kind == "rate_limit"]
    if len(limited) < len(superseded):
        said = f"{said} Before that a kept connection was closed without an answer, and it was asked again."
    if limited:
        asked = sum(one.error.retry_after_s or 0 for one in limited if one.error)
        said = f"{said} Before that it answered 429, and was waited for as it asked ({asked:g} s)."
    exchanges = [*exchanges, *superseded]
    times = [one.timing.e2e for one in exchanges]
    known = [one for one in times if one is not None]
    return Rung(
        name=name,
        verdict=verdict,
        advice=said,
        duration_ms=sum(known) if known else None,
        requests=sum(
            one.raw.phases.written is not None for one in exchanges
        ),  # one that was not sent is none
        tokens=tokens_of(exchanges),
        cost=cost_of(climb.prober.endpoint, climb.prober.model, exchanges),
        findings=tuple(found),
        exchanges=tuple(exchanges),
    )


STEPS: Final[dict[str, Step]] = {
    "parse": parse,
    "policy": policy,
    "dns": dns,
    "connect": connect,
    "tls": tls,
    "models": models,
    "chat": chat,
    "stream": stream,
    "tools": tools,
    "turn 2": turn_two,
}
