"""The JSON Schema of a plan file, which ships as plan.v1.json beside this module, and what each of its fields means.

Made from the structs that read the file, so that it cannot say otherwise; `tools/make_docs.py` writes it, and the
table of fields in docs/runs.md with it.
"""

from typing import Any, Final

import msgspec

from byok_bench.endpoints.book_tables import EndpointTable
from byok_bench.runs.planning.plan_file import INLINE_FIELDS, MODEL_FIELDS, PlanFile

SCHEMA_NAME: Final = "plan.v1.json"
FIELD_MEANINGS: Final = {
    "version": "1. Needed.",
    "endpoints": "Labels of endpoints in the book.",
    "endpoint": "Tables of endpoints that only this plan knows, as in the book; a key is a reference, never the key.",
    "scenarios": "Names, sets (`agent`, `errors`, `quick`, `all`), groups (`tools`), tags, globs (`tools/*`), or paths "
    "of TOML files, relative to the plan. Default: `agent`.",
    "repeats": "How often each sample is played, 1 to 1000000. Default: 5.",
    "concurrency": "Samples in flight on one target, 1 to 10000; a list is a ladder of stages. Default: 1.",
    "rate": "Samples started a second, whatever is in flight, up to 100000; a list is stages. In place of concurrency.",
    "arrivals": "Of a rate: `poisson` or `constant`. Default: `poisson`.",
    "ramp_to": "Samples a second to which the rate grows evenly.",
    "seed": "Decides the order of samples and the times of arrivals. Default: 0.",
    "warmup": "Requests to each target beforehand, in no table, 0 to 1000. Default: 1.",
    "attempts": "Requests at most for one answer. Default: 1, nothing is tried again.",
    "processes": "Processes that share the load, 1 to 64. Default: 1.",
    "profile": "Of the egress rules: `local` or `shared`. Default: `local`.",
    "timeouts": "Seconds: `connect`, `first_byte`, `idle`, `total`, for every request. Default: each endpoint's own.",
    "limits": "What is never passed, in one start: `cost`, `tokens`, `requests` (docs/costs.md). Default: none.",
    "shard": "The part of the plan to play, like `3/8`; `--shard` says it for each machine. Default: all of it.",
    "gates": "What the run is judged by (docs/gates.md): `rules`, `rule`, `against`, `undecided`; or the path of a "
    "rules file.",
}  # fmt: skip
"""Field of a plan → what it is, for the schema and the page."""


def build_plan_schema() -> dict[str, Any]:
    """JSON Schema, draft 2020-12, of what a plan file may say."""
    _, components = msgspec.json.schema_components([PlanFile, EndpointTable], ref_template="#/$defs/{name}")
    defs: dict[str, Any] = dict(components)
    plan, endpoint, model = defs.pop("PlanFile"), defs["EndpointTable"], defs["ModelTable"]
    fields = plan["properties"]
    for name, meaning in FIELD_MEANINGS.items():
        fields[name] = {**fields[name], "description": meaning}
    fields["endpoint"]["items"] = {"$ref": "#/$defs/EndpointTable"}
    fields["gates"]["anyOf"].append({"type": "string"})
    _keep_fields(endpoint, INLINE_FIELDS, needed=("label", "base_url", "models"))
    _keep_fields(model, MODEL_FIELDS, needed=("name",))
    endpoint["properties"]["models"]["items"] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/ModelTable"}]}
    for table in defs.values():
        if table.get("type") == "object":
            table["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A plan of byok-bench, version 1",
        **{name: value for name, value in plan.items() if name not in ("title", "description")},
        "$defs": defs,
    }


def _keep_fields(table: dict[str, Any], names: tuple[str, ...], needed: tuple[str, ...]) -> None:
    """Of a table as the book has it, what a plan takes."""
    table["properties"] = {name: table["properties"][name] for name in names}
    table["required"] = list(needed)
