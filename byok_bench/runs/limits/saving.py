"""Limits in the book: they stand in the record of the model beside its capabilities, named `limits.*`."""

import json
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from byok_bench.checks.capabilities.saving import LIMITS, locate_evidence
from byok_bench.endpoints.atomic_files import lock_file, write_atomically
from byok_bench.endpoints.book import EndpointBook
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model_record import Capability, ModelRecord
from byok_bench.errors import EndpointError
from byok_bench.runs.limits.limits_map import LimitsMap, Verdict

STATES: Final = {"found": "yes", "true": "yes", "false": "no", "absent": "no", "not_reached": "partly"}
"""State of a verdict → that of a capability; all else is unknown."""


def save_limits(book: EndpointBook, endpoint: Endpoint, found: LimitsMap) -> Path:
    """Write the verdicts into the record of the model in the book, the exchanges beside it; gives the latter's path.

    What else was measured of the model stays.

    Raises EndpointError if the endpoint has no such model in the book, and as `EndpointBook.update` does.
    """
    endpoint = book.look_up_again(endpoint)
    model = endpoint.find_model(found.model)
    if model is None:
        raise EndpointError(
            f"nothing is saved: {endpoint.label!r} has no model {found.model!r} in the book", code="model_unknown"
        )
    record = model.record or ModelRecord(at=found.at, origin=found.origin, schema=found.schema, model=found.model)
    limits = {f"{LIMITS}{one.name}": _to_capability(one, found) for one in found.verdicts}
    measured = replace(model, record=replace(record, found={**record.found, **limits}))
    models = [measured if one.config_key == model.config_key else one for one in endpoint.models]
    book.update(replace(endpoint, models=models))
    path = locate_evidence(book, model.config_key).with_suffix(".limits.json")
    document = msgspec.to_builtins(found.to_json(with_bytes=True))
    with lock_file(path):
        write_atomically(path, json.dumps(document))
    return path


def _to_capability(verdict: Verdict, found: LimitsMap) -> Capability:
    state = STATES.get(verdict.state, "unknown")
    shown = verdict.exchange_ids[-1] if verdict.exchange_ids else None
    said = f"{verdict.sentence} ({found.at:%Y-%m-%d})"
    return Capability(state=state, evidence=said, value=verdict.state, exchange_id=shown)  # type: ignore[arg-type]
