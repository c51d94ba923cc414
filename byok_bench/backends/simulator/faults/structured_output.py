"""Faults of structured output."""

from byok_bench.backends.simulator.faults.fault import enter_behaviour, fault, get_ask
from byok_bench.backends.simulator.faults.reply_parts import change_text
from byok_bench.backends.simulator.visit import Visit


@fault("structured.valid-json", "prose follows the JSON", "json_schema")
def valid_json(visit: Visit) -> None:
    change_text(visit, lambda text: text + " I hope this helps!")


@fault("structured.fenced", "the JSON stands in a code fence", "json_schema")
def fenced(visit: Visit) -> None:
    change_text(visit, lambda text: f"```json\n{text}\n```")


@fault("structured.schema", "the JSON does not fit the schema", "json_schema")
def schema(visit: Visit) -> None:
    wanted = get_ask(visit).schema or {}
    change_text(visit, lambda text: "{}" if wanted.get("type") == "array" else "[]")


def drop_format(visit: Visit) -> None:
    """Answer in prose whatever response_format says."""
    if visit.body is not None:
        wanted = visit.body.get("response_format")
        if isinstance(wanted, dict) and wanted.get("type") not in ("text", "json_object", "json_schema"):
            del visit.body["response_format"]


enter_behaviour("structured.unsupported", "an unknown response_format is ignored", before=drop_format)
