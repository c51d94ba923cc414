"""What is wrong with a call, in the three classes that tables count: an unknown name, no JSON, or not of the schema."""

from collections.abc import Mapping, Sequence
from typing import Final

from byok_bench.dialects.output import ToolCall
from byok_bench.scenarios.schema_fit import decode_json_text, find_misfit
from byok_bench.scenarios.tools import Tool
from byok_bench.wire.bodies.bounded_json import Malformed

CALL_FAULTS: Final = ("invalid_json", "unknown_name", "schema_mismatch")
"""The classes, as columns of the table `tools`."""


def list_call_faults(calls: Sequence[ToolCall], offered: Mapping[str, Tool]) -> tuple[str, ...]:
    """The class of each call that is not valid, in order; the name is looked at first. No arguments are an object."""
    return tuple(fault for call in calls if (fault := _find_fault(call, offered)) is not None)


def _find_fault(call: ToolCall, offered: Mapping[str, Tool]) -> str | None:
    if call.name not in offered:
        return "unknown_name"
    arguments = call.arguments or "{}"
    if isinstance(decode_json_text(arguments), Malformed):
        return "invalid_json"
    return None if find_misfit(arguments, offered[call.name].parameters) is None else "schema_mismatch"
