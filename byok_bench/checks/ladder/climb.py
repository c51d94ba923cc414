"""The check ladder: parse → policy → dns → connect → tls → models → chat → stream → tools → turn 2.

A rung that fails stops only what depends on it. "Inconclusive" is a verdict of its own: a model that chose
not to call a tool proves nothing. Each rung keeps the exchanges behind it; rungs.py has them.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any

from byok_bench.checks.ladder.report import HOPELESS, NEEDS, RUNGS, LadderReport, Rung
from byok_bench.checks.ladder.rungs import CLIMBERS, Climb, climb_probe
from byok_bench.checks.probes.probe import list_dialect_probes
from byok_bench.checks.probes.prober import Prober
from byok_bench.endpoints.endpoint import Endpoint, refuse_other_than_endpoint
from byok_bench.endpoints.permission import find_refusal, find_rules
from byok_bench.redact import redact
from byok_bench.wire.client import Client

OnRung = Callable[[Rung], None]


async def ladder(
    endpoint: Endpoint,
    *,
    model: str | None = None,
    profile: str = "local",
    policy: Mapping[str, Any] | None = None,
    deep: bool = False,
    on_rung: OnRung | None = None,
    client: Client | None = None,
) -> LadderReport:
    """Climb the ladder with one endpoint, in its dialect; with `deep`, every probe about that too.

    `on_rung` is called with each rung as it ends. Without `deep` at most twelve requests are sent, and one
    more behind a 429 that names a delay, which is waited for (a minute at most, all together).
    Raises nothing for what a server does.
    """
    chosen = choose_model_id(endpoint, model)
    refusal = find_refusal(endpoint) or ""
    profile, policy = find_rules(profile, policy)
    rungs: list[Rung] = []
    async with AsyncExitStack() as stack:
        if client is None:
            client = await stack.enter_async_context(Client())
        prober = Prober(endpoint, chosen, client=client, profile=profile, policy=policy)
        climb = Climb(prober=prober, client=client, profile=profile, policy=policy, refusal=refusal)
        async for rung in climb_rungs(climb, deep=deep):
            rungs.append(rung)
            if on_rung is not None:
                on_rung(rung)
    return LadderReport(
        label=endpoint.label,
        base_url=redact(endpoint.base_url, ()),
        model=chosen,
        rungs=tuple(rungs),
        currency=find_currency(endpoint, chosen),
    )


def choose_model_id(endpoint: Endpoint, model: str | None) -> str:
    """The id that is asked for: of the model with this name, alias or config_key, else as given."""
    refuse_other_than_endpoint(endpoint)
    if model is None:
        return endpoint.models[0].name if endpoint.models else ""
    known = endpoint.find_model(model)
    return known.name if known else model


def find_currency(endpoint: Endpoint, model: str) -> str:
    """Of the declared price; USD where there is none."""
    return next((one.price.currency for one in endpoint.models if one.name == model and one.price), "USD")


def is_hopeless(rung: Rung) -> bool:
    """Whether every other request would fail like this one: by its key, its address, its model."""
    return any(one.error is not None and one.error.kind in HOPELESS for one in rung.exchanges)


async def climb_rungs(climb: Climb, *, deep: bool) -> AsyncIterator[Rung]:
    """Each rung as it ends; a rung whose need failed is skipped and says which."""
    stopped: dict[str, str] = {}
    for name in RUNGS:
        if cause := next((stopped[need] for need in NEEDS[name] if need in stopped), None):
            stopped[name] = cause
            yield Rung(name=name, verdict="skipped", advice=f"Not tried: {cause} failed.")
            continue
        rung = await CLIMBERS[name](climb)
        if rung.verdict == "fail":
            stopped[name] = name
            if name == "chat" and is_hopeless(rung):
                stopped["connect"] = name  # what needs a connection needs what this request lacked
        yield rung
    if deep and not {"connect", "tls"} & stopped.keys():
        for probe in list_dialect_probes(climb.prober.schema):
            yield await climb_probe(climb, probe)
