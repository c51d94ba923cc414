"""Which endpoints of a plan can be used now, and which run of an earlier start is one of the same plan and endpoints.

A run is refused before it burns: what can be known without sending is asked before the first sample. An endpoint that
cannot be used leaves the others alone and has no rows; where none is left, no run is made.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.extra_fields import list_extra_values
from byok_bench.endpoints.obstacles import find_obstacle
from byok_bench.errors import EndpointError, PlanError
from byok_bench.runs.planning.plan import Plan, clean_endpoint
from byok_bench.runs.planning.seals import find_key_source, seal_extras
from byok_bench.runs.storage.records import NOT_KEPT

OLDEST_RESUMED: Final = timedelta(hours=24)
"""An unfinished run that began before is gone on with only if it is named: what it measured is another day's."""


async def find_obstacles(
    endpoints: Mapping[int, Endpoint], profile: str, policy: Mapping[str, Any] | None
) -> dict[int, str]:
    """Index → what keeps that endpoint from being called. Raises EndpointError, naming each, if none is left."""
    found = {
        index: why
        for index, endpoint in endpoints.items()
        if (why := await asyncio.to_thread(find_obstacle, endpoint, profile, policy))
    }
    if found and len(found) == len(endpoints):
        each = "; ".join(describe_obstacle(endpoints[index], why) for index, why in found.items())
        raise EndpointError(f"nothing was sent: {each}", code="no_usable_endpoint")
    return found


def describe_obstacle(endpoint: Endpoint, why: str) -> str:
    """One line for a person."""
    return f"endpoint {endpoint.label!r} cannot be used: {why}"


def find_difference(before: Plan, endpoints: Sequence[Endpoint]) -> str:
    """How the endpoints of a stored plan differ from these, which make the same requests; empty if they do not."""
    if len(before.endpoints) != len(endpoints):
        return f"it has {len(before.endpoints)} endpoints, not {len(endpoints)}"
    for index, (old, new) in enumerate(zip(before.endpoints, endpoints, strict=True)):
        if old.label != new.label:
            return f"its endpoint is {old.label!r}, not {new.label!r}"
        sealed = before.extras[index] if index < len(before.extras) else ""
        if seal_extras(new, sealed.partition(":")[0]) != sealed:
            return f"the extra headers or query fields of {new.label!r} are others"
        if changed := _describe_changes(old, new, _COMPARED):
            return f"{changed} of {new.label!r}"
    return ""


def find_move(before: Endpoint, now: Endpoint) -> str:
    """How the requests of a stored endpoint would go elsewhere than before; empty if they would not."""
    return _describe_changes(before, now, ("address", "schema", "model"))


def check_not_moved(run_id: str, plan: Plan, endpoints: Sequence[Endpoint]) -> None:
    """Raise PlanError for an endpoint that a stored run had at another place; others of the book are nobody's."""
    known = {endpoint.label: endpoint for endpoint in plan.endpoints}
    for endpoint in endpoints:
        before = known.get(endpoint.label)
        if before is not None and (moved := find_move(before, endpoint)):
            raise PlanError(
                f"endpoint {endpoint.label!r} is not as it was in run {run_id}: {moved}. Start a new run with --new",
                code="other_endpoint",
            )


def check_values_kept(endpoint: Endpoint) -> None:
    """Raise PlanError for an endpoint of a stored plan whose extra values are not in the result file."""
    if any(NOT_KEPT in str(value) for value in list_extra_values(*endpoint.extras)):
        raise PlanError(
            f"endpoint {endpoint.label!r} has extra headers or query fields, which results do not keep: name it",
            code="endpoint_not_kept",
        )


def _describe_changes(old: Endpoint, new: Endpoint, names: Iterable[str]) -> str:
    changed = [name for name in names if _COMPARED[name](old) != _COMPARED[name](clean_endpoint(new))]
    return f"another {' and '.join(changed)}" if changed else ""


def is_too_old(created: str) -> bool:
    """Whether a run began too long ago to be gone on with unasked."""
    return datetime.now(UTC) - datetime.fromisoformat(created) >= OLDEST_RESUMED


_COMPARED: Final[Mapping[str, Callable[[Endpoint], Any]]] = {
    "address": lambda one: one.base_url,
    "schema": lambda one: one.schema,
    "model": lambda one: [model.name for model in one.models],
    "proxy": lambda one: (one.proxy, one.no_proxy),
    "source of the key": lambda one: (find_key_source(one.key), one.key_style, one.key_header),
    "certificate check": lambda one: one.tls,
    "accepted coding": lambda one: one.accept_encoding,
    "transport": lambda one: one.transport,
}
"""What decides where requests go and as whose; headers are compared by their seal, bodies by the plan's keys."""
