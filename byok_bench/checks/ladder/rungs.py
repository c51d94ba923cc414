"""The steps of the check ladder: each does one thing and says in one sentence what to do about it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from byok_bench.checks.advice import describe_failure, has_sent_key
from byok_bench.checks.finding import Finding
from byok_bench.checks.ladder.report import Rung, RungVerdict
from byok_bench.checks.probes.bodies import WEATHER, build_call_request, build_question, make_named_choice
from byok_bench.checks.probes.probe import ProbeRequest, find_probe
from byok_bench.checks.probes.prober import Prober, ProbeResult, compute_exchanges_cost, sum_reported_tokens
from byok_bench.checks.registry import Check, run_checks
from byok_bench.checks.remedies import find_exchange_remedy
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.model_list import (
    is_wildcard,
    list_model_names,
    list_usable_models,
    read_context_windows,
)
from byok_bench.endpoints.credentials import resolve_credentials
from byok_bench.endpoints.readiness import MISSING
from byok_bench.endpoints.send import list_models
from byok_bench.errors import SecretError
from byok_bench.wire.client import Client
from byok_bench.wire.egress.base_urls import URL_REASONS
from byok_bench.wire.egress.reasons import DNS_REASONS
from byok_bench.wire.egress.resolver import Resolver
from byok_bench.wire.egress.verdicts import Verdict

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
            self.models = await list_models(
                self.prober.endpoint, client=self.client, profile=self.profile, policy=self.policy
            )
            if self.models.error is None:
                self.prober.windows = read_context_windows(self.models.reading.body.document)
        return self.models


Climber = Callable[[Climb], Awaitable[Rung]]


async def climb_parse(climb: Climb) -> Rung:
    """Is the endpoint complete, its URL one, and its key where it should be?"""
    endpoint = climb.prober.endpoint
    if missing := [
        MISSING[name] for name in endpoint.list_missing_fields() if name != "models" or not climb.prober.model
    ]:
        return Rung(name="parse", verdict="fail", advice=f"Fill in what is missing: {', '.join(missing)}.")
    verdict = await climb.judge()
    if verdict.reason in URL_REASONS:
        return Rung(name="parse", verdict="fail", advice=verdict.message)
    try:
        await asyncio.to_thread(resolve_credentials, endpoint)  # a keyring may ask its user
    except SecretError as error:
        said = str(error)
        return Rung(name="parse", verdict="fail", advice=f"{said[0].upper()}{said[1:]}.")
    hints = [HINTS[note] for note in verdict.notes if note in HINTS]
    base = verdict.base_url or endpoint.base_url
    return Rung(name="parse", verdict="pass", advice=" ".join([f"Requests go to {base}.", *hints]))


async def climb_policy(climb: Climb) -> Rung:
    """May this process call it?"""
    if climb.refusal:
        return Rung(name="policy", verdict="fail", advice=climb.refusal)
    verdict = await climb.judge()
    if verdict.action == "block" and verdict.reason not in DNS_REASONS:
        return Rung(name="policy", verdict="fail", advice=verdict.message)
    return Rung(name="policy", verdict="pass", advice=f"Allowed in profile {climb.profile}.")


async def climb_dns(climb: Climb) -> Rung:
    """Does its name have addresses?"""
    verdict = await climb.judge()
    if verdict.reason in DNS_REASONS:
        return Rung(name="dns", verdict="fail", advice=verdict.message, duration_ms=climb.dns_ms)
    found = ", ".join(verdict.addresses)
    return Rung(name="dns", verdict="pass", advice=f"May be dialled: {found}.", duration_ms=climb.dns_ms)


async def climb_connect(climb: Climb) -> Rung:
    """Does something listen there?"""
    exchange = await climb.list_models()
    timing = exchange.timing.connect
    if exchange.error is not None and exchange.error.phase in ("config", "policy", "dns", "connect"):
        return make_rung(
            "connect",
            "fail",
            describe_failure(exchange.error, key_sent=has_sent_key(exchange)),
            climb,
            [exchange],
        )
    if exchange.raw.peer is None:
        return Rung(name="connect", verdict="skipped", advice="Not dialled: the next rung says why.")
    return Rung(name="connect", verdict="pass", advice=f"Connected to {exchange.raw.peer}.", duration_ms=timing)


async def climb_tls(climb: Climb) -> Rung:
    """Is its certificate good?"""
    if climb.prober.endpoint.base_url.lower().startswith("http:"):
        return Rung(name="tls", verdict="skipped", advice="Plain http: there is no certificate to check.")
    exchange = await climb.list_models()
    if exchange.error is not None and exchange.error.phase == "tls":
        return make_rung(
            "tls",
            "fail",
            describe_failure(exchange.error, key_sent=has_sent_key(exchange)),
            climb,
            [exchange],
        )
    checked = climb.prober.endpoint.tls.verify
    said = "The certificate is good." if checked else "Certificates are not checked for this endpoint."
    return Rung(name="tls", verdict="pass" if checked else "warn", advice=said, duration_ms=exchange.timing.tls)


async def climb_models(climb: Climb) -> Rung:
    """What does the server list? Advisory: lists are wrong both ways in the wild."""
    exchange = await climb.list_models()
    if exchange.error is not None:
        return make_rung(
            "models",
            "warn",
            f"No list: {describe_failure(exchange.error, is_list=True, key_sent=has_sent_key(exchange))}",
            climb,
            [exchange],
        )
    found = run_checks(exchange)
    listed = list_usable_models(exchange.reading.body.document)
    wildcard = next((name for name in list_model_names(exchange.reading.body.document) if is_wildcard(name)), None)
    if climb.prober.model in listed:
        said = f"{len(listed)} listed, {climb.prober.model} among them."
    elif wildcard is not None:
        said = f"{wildcard} is listed, whatever that serves; the next rungs tell whether {climb.prober.model} answers."
    else:
        said = f"{climb.prober.model} is not among the {len(listed)} listed; the next rungs tell whether it answers."
    if unsaid := [one for one in found if one.check != "models.contains"]:
        said += f" But: {describe_findings(unsaid)}"
    clean = (climb.prober.model in listed or wildcard is not None) and not found
    return make_rung("models", "pass" if clean else "warn", said, climb, [exchange], found)


async def climb_chat(climb: Climb) -> Rung:
    """Does it answer?"""
    return await ask_once(climb, "chat", build_question("Say hello in one short sentence.", max_tokens=32))


async def climb_stream(climb: Climb) -> Rung:
    """Does it stream, and is the stream correct?"""
    body = build_question("Count from one to ten in words.", max_tokens=64, stream=True)
    return await ask_once(climb, "stream", {**body, "stream_options": {"include_usage": True}})


async def ask_once(climb: Climb, name: str, body: dict[str, Any]) -> Rung:
    """One request: fails if it failed, warns if a check found something, says how quick it was."""
    exchange = await climb.prober.ask(ProbeRequest(body=body))
    found = run_checks(exchange)
    if exchange.error is not None:
        said = describe_failure(exchange.error, route_answered=climb.has_answered, key_sent=has_sent_key(exchange))
        return make_rung(name, "fail", said, climb, [exchange], found)
    climb.has_answered = True
    serious = [one for one in found if one.severity != "info"]
    if serious:
        return make_rung(name, "warn", f"Answered, but: {describe_findings(serious)}", climb, [exchange], found)
    timing = exchange.timing
    quick = f", first token after {timing.ttft:.0f} ms" if timing.ttft is not None else ""
    return make_rung(name, "pass", f"Answered in {timing.e2e or 0:.0f} ms{quick}.", climb, [exchange], found)


TOOL_FORMS: Final[Mapping[str, Any]] = {
    "auto": "auto",
    "required": "required",
    "named": make_named_choice(WEATHER),
}
"""By its name in a rung, the forms of `tool_choice` that `climb_tools` asks with."""


async def climb_tools(climb: Climb) -> Rung:
    """Streamed tool calls: auto, then required, then named, until what the model does is clear."""
    exchanges, called, refused = [], [], []
    for form, choice in TOOL_FORMS.items():
        body = build_call_request(choice, stream=True)
        exchange = await climb.prober.ask(ProbeRequest(body={**body, "stream_options": {"include_usage": True}}))
        exchanges.append(exchange)
        if exchange.error is not None:
            refused.append(f"{form} ({exchange.error.message})")
        elif exchange.output.tool_calls:
            called.append(form)
    found = [finding for exchange in exchanges for finding in run_checks(exchange) if finding.severity != "info"]
    verdict, said = judge_tool_forms(called, refused, found)
    return make_rung("tools", verdict, said, climb, exchanges, found)


def judge_tool_forms(
    called: Sequence[str], refused: Sequence[str], found: Sequence[Finding]
) -> tuple[RungVerdict, str]:
    """What the forms of `tool_choice` came to. `called`: those that made a call; `refused`: with the server's words."""
    refusals = "; ".join(refused)
    if found:
        made = f"Calls are made ({', '.join(called)}), but" if called else "No call came back"
        also = f" Refused: {refusals}." if refused else ""
        return "warn", f"{made}: {describe_findings(found)}{also}"
    if len(refused) == len(TOOL_FORMS):
        return "fail", f"Requests with tools are refused: {refused[0]}."
    if "required" in called or "named" in called:
        return ("warn", f"Refused: {refusals}.") if refused else ("pass", f"Called with {', '.join(called)}.")
    if called:
        return "warn", "The model calls tools by itself, but tool_choice required and named do nothing."
    if refused:
        return "inconclusive", f"The model called nothing, and some forms are refused: {refusals}."
    return "fail", "No call came back, even where tool_choice demanded one."


async def climb_turn_two(climb: Climb) -> Rung:
    """A tool result back, and in chat reasoning echoed and not echoed: only there it is a plain member."""
    is_chat = climb.prober.schema == "chat"
    names = ("turn.tool-roundtrip", "turn.reasoning-echo") if is_chat else ("turn.tool-roundtrip",)
    results = [await climb.prober.run(find_probe(name)) for name in names]
    return summarize_probes("turn 2", climb, results, "Tool results are accepted and the conversation goes on.")


async def climb_probe(climb: Climb, probe: Check) -> Rung:
    """One probe of the catalogue as a rung; what is worth telling stands in place of good news that it may deny."""
    result = await climb.prober.run(probe)
    return summarize_probes(probe.id, climb, [result], "" if result.notes else f"{probe.title}: holds.")


def summarize_probes(name: str, climb: Climb, results: Sequence[ProbeResult], good: str) -> Rung:
    """The rung that several probes make together: the worst of them decides."""
    exchanges = [exchange for result in results for exchange in result.exchanges]
    found = [finding for result in results for finding in result.findings]
    notes = " ".join(f"{note}." for result in results for note in result.notes)
    if found:
        serious = any(finding.severity == "error" for finding in found)
        return make_rung(
            name,
            "fail" if serious else "warn",
            describe_findings(found, within=name),
            climb,
            exchanges,
            found,
        )
    verdicts = [result.verdict for result in results]
    if all(verdict == "inconclusive" for verdict in verdicts) or results[0].verdict == "inconclusive":
        return make_rung(name, "inconclusive", f"{results[0].open_points[0]}. {notes}".strip(), climb, exchanges)
    doubtful = any(result.doubts for result in results)
    return make_rung(name, "warn" if doubtful else "pass", f"{good} {notes}".strip(), climb, exchanges)


def describe_findings(found: Sequence[Finding], within: str = "") -> str:
    """The first findings in one sentence, each once; a rung named like the check does not say its name again."""
    said = [one.message if one.check == within else f"{one.check}: {one.message}" for one in found]
    distinct = list(dict.fromkeys(said))
    return "; ".join(distinct[:2]) + (f"; and {len(distinct) - 2} more." if len(distinct) > 2 else ".")


def make_rung(
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
    remedies = [find_exchange_remedy(one, climb.prober.endpoint) for one in exchanges]
    remedy = next(filter(None, remedies), None)
    if remedy is not None:
        said = f"{said} {remedy.words}"
    exchanges = [*exchanges, *superseded]
    times = [one.timing.e2e for one in exchanges]
    known = [one for one in times if one is not None]
    return Rung(
        name=name,
        verdict=verdict,
        advice=said,
        duration_ms=sum(known) if known else None,
        requests=sum(one.raw.phases.written is not None for one in exchanges),  # one that was not sent is none
        tokens=sum_reported_tokens(exchanges),
        cost=compute_exchanges_cost(climb.prober.endpoint, climb.prober.model, exchanges),
        findings=tuple(found),
        exchanges=tuple(exchanges),
        remedy=remedy,
    )


CLIMBERS: Final[dict[str, Climber]] = {
    "parse": climb_parse,
    "policy": climb_policy,
    "dns": climb_dns,
    "connect": climb_connect,
    "tls": climb_tls,
    "models": climb_models,
    "chat": climb_chat,
    "stream": climb_stream,
    "tools": climb_tools,
    "turn 2": climb_turn_two,
}
