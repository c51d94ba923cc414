"""What the ladder showed a model to be able to do, each with its evidence; what it did not show stays as declared."""

from collections.abc import Iterator
from typing import Literal

from msgspec.structs import replace

from byok_bench.checks.ladder.report import LadderReport, Rung
from byok_bench.dialects.exchange import Exchange
from byok_bench.endpoints.model import DeclaredCapabilities, EchoRule, Model
from byok_bench.endpoints.model_record import Capability

Proof = Literal["yes", "no"]
REFUSALS = frozenset({"invalid_request", "protocol"})
"""Failure kinds that speak of the request's form, and so of what the server can do."""
_EVIDENCE_CHARACTERS = 200


def prove_capabilities(report: LadderReport, declared: DeclaredCapabilities) -> DeclaredCapabilities:
    """`declared`, with what the rungs prove in its place."""
    return replace(declared, **dict(iterate_proofs(report)))


def note_proofs(model: Model, report: LadderReport) -> Model:
    """The model with all that the ladder showed of it: capabilities, and the rule about reasoning sent back."""
    proved = replace(model, capabilities=prove_capabilities(report, model.capabilities))
    rule = prove_echo_rule(report)
    return proved if rule is None else replace(proved, echo_reasoning=rule[0], echo_evidence=rule[1])


def prove_echo_rule(report: LadderReport) -> tuple[EchoRule, str] | None:
    """Whether reasoning that is sent back is required, accepted or refused, with the evidence; None if none came back.

    The rung asks the same turn twice, with the reasoning and then without it.
    """
    asked = [one for rung in report if rung.name == "turn 2" for one in rung.exchanges]
    at = next((number for number, one in enumerate(asked) if _has_echoed(one)), None)
    if at is None or at + 1 >= len(asked):
        return None
    echoed, left_out = asked[at].error, asked[at + 1].error
    if echoed is not None:
        refused = echoed.kind in REFUSALS and echoed.status is not None and left_out is None
        return ("refused", _cut(f"turn 2: sent back, it gave {echoed.status}: {echoed.message}")) if refused else None
    if left_out is None:
        return "accepted", "turn 2: accepted, and not missed"
    if left_out.kind not in REFUSALS or left_out.status is None:
        return None
    return "required", _cut(f"turn 2: left out, it gave {left_out.status}: {left_out.message}")


def _has_echoed(exchange: Exchange) -> bool:
    body = exchange.request.body
    messages = body.get("messages") if isinstance(body, dict) else None
    return any(isinstance(one, dict) and "reasoning_content" in one for one in messages or ())


def iterate_proofs(report: LadderReport) -> Iterator[tuple[str, Capability]]:
    """(name, capability) of all that was shown, either way."""
    rungs = {rung.name: rung for rung in report}
    exchanges = [one for rung in report for one in rung.exchanges if one.error is None]
    if "stream" in rungs and (state := _judge_streaming(rungs["stream"])):
        yield "streaming", _make_capability(state, rungs["stream"])
    if "tools" in rungs:
        called = any(one.output.tool_calls for one in rungs["tools"].exchanges)
        if called or rungs["tools"].verdict == "fail":
            yield "tools", _make_capability("yes" if called else "no", rungs["tools"])
    if any(len(one.output.tool_calls) > 1 for one in exchanges):
        yield "parallel_tools", Capability(state="yes", evidence="one answer held several calls")
    if any(one.output.reasoning for one in exchanges):
        yield "reasoning", Capability(state="yes", evidence="an answer came with reasoning")


def _judge_streaming(rung: Rung) -> Proof | None:
    """yes or no; None where the failure says nothing of the ability."""
    if rung.verdict in ("pass", "warn"):
        return "yes" if any(one.events for one in rung.exchanges) else "no"
    kinds = {one.error.kind for one in rung.exchanges if one.error is not None}
    return "no" if kinds & REFUSALS else None


def _make_capability(state: Proof, rung: Rung) -> Capability:
    return Capability(state=state, evidence=_cut(f"{rung.name}: {rung.advice}"))


def _cut(evidence: str) -> str:
    long = len(evidence) > _EVIDENCE_CHARACTERS
    return f"{evidence[: _EVIDENCE_CHARACTERS - 1]}…" if long else evidence
