"""The scenario format as JSON Schema, for editors and other programs: made from the structs, shipped beside them.

`scenario.v2.json` is what `make_format_schema` gives; tools/make_docs.py writes it.
"""

import json
from importlib.resources import files
from typing import Any, Final

import msgspec

from byok_bench.scenarios.scenario import Scenario

FILE_NAME: Final = "scenario.v2.json"
_WITH_REQUEST: Final = ("Sample", "UserTurn")
"""Structs whose `request` holds some members of a Request."""


def make_format_schema() -> dict[str, Any]:
    """The schema of a scenario file, read as JSON."""
    schema = msgspec.json.schema(Scenario)
    for name in _WITH_REQUEST:
        schema["$defs"][name]["properties"]["request"] = {"$ref": "#/$defs/Request"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "byok-bench scenario, format version 2",
        **schema,
    }


def load_format_schema() -> dict[str, Any]:
    """The schema as it is shipped."""
    schema: dict[str, Any] = json.loads((files("byok_bench.scenarios") / FILE_NAME).read_text("utf-8"))
    return schema
