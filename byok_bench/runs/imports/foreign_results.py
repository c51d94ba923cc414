"""What was read of another tool's file, in our terms; what it does not say is None."""

import re
from typing import Any, Final

import msgspec

from byok_bench.dialects.failures.classification import classify_error_answer
from byok_bench.errors import PlanError
from byok_bench.runs.planning.load_patterns import ForeignLoad, Load
from byok_bench.wire.raw_exchange import RawHead

_STATUS: Final = re.compile(r"\b([45]\d\d)\b")
_TIMEOUT: Final = ("timeout", "timed out")
UNKNOWN_MODEL: Final = "unknown"


class ForeignExchange(msgspec.Struct, frozen=True, kw_only=True):
    """One request of another tool."""

    sample: str
    """What it was asked: names its place among the exchanges."""
    repeat: int = 1
    """0 for warm-up."""
    stage: int = 0
    """Index into the loads."""
    left_out: str = ""
    """Why it counts for nothing; empty if it counts."""
    fields: dict[str, Any]
    """Members of `Row`, without those of its place."""


class ForeignResults(msgspec.Struct, frozen=True, kw_only=True):
    """A file of another tool."""

    tool: str
    version: str = ""
    base_url: str = ""
    model: str = UNKNOWN_MODEL
    loads: tuple[Load, ...] = (ForeignLoad(),)
    exchanges: tuple[ForeignExchange, ...]
    tools: tuple[str, ...] = ()
    """Names of the tools that were offered, as far as it says."""


def read_failure(message: str, status: int | None = None) -> dict[str, Any]:
    """Members of the row of a failure, by the status if it is known or stands in the message, else by its words."""
    found = _STATUS.search(message)
    code = status if status is not None else int(found[1]) if found else None
    if code is not None and 400 <= code <= 599:
        head = RawHead(status=code, http="1.1", headers=())
        kind = classify_error_answer(head, message.encode("utf-8", "replace")).kind
        return {"kind": kind, "phase": "body", "message": message, "http_status": code, "outcome": "failed"}
    kind = "timeout" if any(word in message.lower() for word in _TIMEOUT) else "network"
    return {"kind": kind, "message": message, "outcome": "failed"}


def take_number(value: Any, scale: float = 1.0) -> float | None:
    """A finite number of theirs, scaled; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        return None
    return value * scale


def take_count(value: Any) -> int | None:
    """A count of theirs; None for anything else."""
    number = take_number(value)
    return None if number is None else int(number)


def take_member(value: Any, *path: str) -> Any:
    """A member within members; None where one of them is missing."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def take_text(value: Any) -> str | None:
    """A text of theirs; None for anything else."""
    return value if isinstance(value, str) else None


def take_list(value: Any) -> list[Any]:
    """A list of theirs; empty for anything else."""
    return value if isinstance(value, list) else []


def refuse_file(what: str, tool: str) -> PlanError:
    """The error for a file that is not of that tool."""
    return PlanError(f"{what}; expected is what {tool} writes (docs/imports.md)", code="bad_import")
