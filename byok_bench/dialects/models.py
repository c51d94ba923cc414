"""The list of models (GET /models), read as one JSON document. What is in it is judged in checks/models.py."""

from collections.abc import Mapping
from typing import Any, Final

from byok_bench.dialects.base import Reading, Terminator
from byok_bench.dialects.body import Body
from byok_bench.dialects.classify import failure_of_answer, failure_of_page
from byok_bench.dialects.error_body import holds_error
from byok_bench.wire.failures import Failure, failure
from byok_bench.wire.raw import RawExchange


class ModelsDialect:
    """The list of models."""

    name: str = "models"
    route: str = "/models"
    terminator: Terminator = "none"

    def build(self, body: Mapping[str, Any], model: str | None, extra: Mapping[str, Any]) -> dict[str, Any]:
        """A GET has no body."""
        return {}

    def read(self, raw: RawExchange) -> Reading:
        """What the record says."""
        body = Body(raw)
        return Reading(body=body, failure=_failure(raw, body))


DIALECT: Final = ModelsDialect()


def _failure(raw: RawExchange, body: Body) -> Failure | None:
    if raw.head is None:
        return raw.failure or failure("network", "headers", "no response")
    if not 200 <= raw.head.status < 300:
        return failure_of_answer(raw.head, body.data, url=raw.request.url)
    if body.problem is not None:
        return failure("protocol", "body", body.problem)
    if body.is_html:
        return failure_of_page(raw.head, body.data)
    listed = isinstance(body.document, dict) and not holds_error(body.document)
    return raw.failure if listed or raw.failure is not None else failure_of_answer(raw.head, body.data)


def listed_models(document: object) -> list[str]:
    """Ids in a list of models, in order; empty for anything else."""
    data = document.get("data") if isinstance(document, dict) else None
    entries = data if isinstance(data, list) else []
    return [entry["id"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
