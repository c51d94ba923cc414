"""Listed context windows: a run with over-long or generated prompts asks each server once how much its models take.

Only where the window was not declared, and only for what is still to do; the answer is kept with the plan, so that a
run that goes on sends the same prompts. A server that lists nothing is no failure of anything.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from byok_bench.dialects.model_list import read_context_windows
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.send import list_models
from byok_bench.errors import EndpointError, SecretError
from byok_bench.runs.planning.exclusions import find_job_exclusion, is_window_needed
from byok_bench.runs.planning.plan import Job, Plan, get_job_task
from byok_bench.wire.limits import Timeouts

PATIENCE: Final = Timeouts(connect=5.0, first_byte=10.0, idle=10.0, total=15.0)


def take_over_windows(plan: Plan, stored: Plan) -> Plan:
    """The plan with the windows that an earlier start of its run was told."""
    told = {(t.endpoint, t.model): t.listed_window for t in stored.targets}
    targets = (
        msgspec.structs.replace(t, listed_window=told.get((t.endpoint, t.model), t.listed_window)) for t in plan.targets
    )
    return msgspec.structs.replace(plan, targets=tuple(targets))


async def ask_windows(
    plan: Plan, endpoints: Sequence[Endpoint], todo: Sequence[Job], policy: Mapping[str, Any] | None
) -> Plan:
    """The plan with the windows that the servers list, where a job needs one. `endpoints` stand beside its targets."""
    wanted = {job.target for job in todo if _is_window_needed(plan, job)}
    by_endpoint = {plan.targets[index].endpoint: endpoints[index] for index in wanted}
    lists = await asyncio.gather(
        *(_fetch_listed_windows(endpoint, plan.profile, policy) for endpoint in by_endpoint.values())
    )
    found = dict(zip(by_endpoint, lists, strict=True))
    targets = (
        msgspec.structs.replace(target, listed_window=found[target.endpoint].get(target.model))
        if index in wanted
        else target
        for index, target in enumerate(plan.targets)
    )
    return msgspec.structs.replace(plan, targets=tuple(targets))


def _is_window_needed(plan: Plan, job: Job) -> bool:
    if plan.targets[job.target].window is not None:
        return False
    task = get_job_task(plan, job)
    # A long fill may be left out just because no window is known yet.
    return is_window_needed(task) or (task.has_overlong_prompt and find_job_exclusion(plan, job) is None)


async def _fetch_listed_windows(endpoint: Endpoint, profile: str, policy: Mapping[str, Any] | None) -> dict[str, int]:
    try:
        exchange = await list_models(endpoint, PATIENCE, profile, policy=policy)
    except (EndpointError, SecretError):
        return {}  # the rows of its samples will say why
    return {} if exchange.error is not None else read_context_windows(exchange.reading.body.document)
