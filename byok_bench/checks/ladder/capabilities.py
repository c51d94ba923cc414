"""What the ladder showed a model to be able to do, each with its evidence; what it did not show stays as declared."""

from collections.abc import Iterator
from typing import Literal

from msgspec.structs import replace

from byok_bench.checks.ladder.report import LadderReport, Rung
from byok_bench.endpoints.model import DeclaredCapabilities
from byok_bench.endpoints.model_record import Capability

Proof = Literal["yes", "no"]
REFUSALS = frozenset({"invalid_request", "protocol"})
"""Failure kinds that speak of the request's form, and so of what the server can do."""
_EVIDENCE_CHARACTERS = 200


def prove_capabilities(report: LadderReport, declared: DeclaredCapabilities) -> DeclaredCapabilities:
    """`declared`, with what the rungs prove in its place."""
    return replace(declared, **dict(iterate_proofs(report)))


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
    evidence = f"{rung.name}: {rung.advice}"
    if len(evidence) > _EVIDENCE_CHARACTERS:
        evidence = f"{evidence[: _EVIDENCE_CHARACTERS - 1]}…"
    return Capability(state=state, evidence=evidence)
