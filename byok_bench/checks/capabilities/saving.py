"""What is kept of a report: the record of the model in the book, and the coarse capabilities that scenarios go by."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from msgspec.structs import replace

from byok_bench.checks.capabilities.report import CapabilityReport
from byok_bench.endpoints.atomic_files import lock_file, write_atomically
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import ECHO_RULES, DeclaredCapabilities
from byok_bench.endpoints.model_record import Capability
from byok_bench.errors import EndpointError

COARSE: Final[Mapping[str, tuple[str, ...]]] = {
    "streaming": ("streaming",),
    "tools": ("tools.required", "tools.named", "tools.auto"),
    "parallel_tools": ("tools.parallel",),
    "reasoning": ("reasoning.output",),
    "structured_output": ("structured.schema", "structured.strict"),
    "vision": ("vision",),
}
"""Capability that a plan asks for → the features that show it, any of them being enough."""
EVIDENCE_FOLDER: Final = "evidence"
LIMITS: Final = "limits."
"""Names in a record that are not asked for here and stay: runs/limits writes them."""


def save_report(book: EndpointBook, endpoint: Endpoint, report: CapabilityReport) -> Path:
    """Write the record into the model of the book, and the exchanges beside the book; gives the latter's path.

    Raises EndpointError if the endpoint has no such model in the book, and as `EndpointBook.update` does.
    """
    endpoint = book.look_up_again(endpoint)
    model = endpoint.find_model(report.record.model)
    if model is None:
        raise EndpointError(
            f"nothing is saved: {endpoint.label!r} has no model {report.record.model!r} in the book",
            code="model_unknown",
        )
    limits = {name: one for name, one in model.record.found.items() if name.startswith(LIMITS)} if model.record else {}
    measured = replace(
        model,
        record=replace(report.record, found={**report.record.found, **limits}),
        capabilities=merge_capabilities(report, model.capabilities),
        **find_echo_rule(report),
    )
    models = [measured if one.config_key == model.config_key else one for one in endpoint.models]
    book.update(replace(endpoint, models=models))
    path = locate_evidence(book, model.config_key)
    with lock_file(path):
        write_atomically(path, json.dumps(report.to_json(with_bytes=True)))
    return path


def locate_evidence(book: EndpointBook, config_key: str) -> Path:
    """Where the exchanges behind a model's record are, or would be."""
    return book.path.parent / EVIDENCE_FOLDER / f"{config_key}.json"


def merge_capabilities(report: CapabilityReport, known: DeclaredCapabilities) -> DeclaredCapabilities:
    """`known`, with what the report shows in its place: yes if any feature says so, no if all of them do."""
    shown = {}
    for name, features in COARSE.items():
        found = [report[one] for one in features if one in report]
        proof = next((one for one in found if one.state == "yes"), None)
        if proof is None and found and all(one.state == "no" for one in found):
            proof = found[0]
        if proof is not None:
            shown[name] = Capability(state=proof.state, evidence=proof.evidence, exchange_id=proof.exchange_id)
    return replace(known, **shown)


def find_echo_rule(report: CapabilityReport) -> dict[str, Any]:
    """The model's fields on reasoning of earlier turns; empty if nothing was shown of it."""
    found = report.get("reasoning.echo")
    if found is None or found.value not in ECHO_RULES:
        return {}
    return {"echo_reasoning": found.value, "echo_evidence": found.evidence}
