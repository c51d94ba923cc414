"""The arguments of run() that a plan is made of, as one value."""

import operator
from collections.abc import Sequence
from typing import Any

from byok_bench.errors import PlanError
from byok_bench.runs.planning.load_patterns import make_loads
from byok_bench.runs.planning.plan import PlanSettings
from byok_bench.runs.planning.retries import Retries
from byok_bench.runs.planning.shards import read_shard
from byok_bench.wire.limits import Timeouts


def make_plan_settings(
    *,
    repeats: int = 5,
    concurrency: int | Sequence[int] = 1,
    seed: int = 0,
    profile: str = "local",
    timeouts: Timeouts | None = None,
    rate: float | Sequence[float] | None = None,
    arrivals: str | None = None,
    ramp_to: float | None = None,
    warmup: int = 1,
    attempts: int = 1,
    shard: str | None = None,
) -> PlanSettings:
    """As run() takes them; what each means is said there. Raises PlanError for what no run can have."""
    at_once = None if concurrency == 1 and rate is not None else concurrency  # 1 is what nobody asked for
    return PlanSettings(
        repeats=read_plan_count(repeats, "repeats"),
        loads=make_loads(at_once, rate, arrivals, ramp_to),
        seed=read_plan_count(seed, "seed"),
        warmup=read_plan_count(warmup, "warmup"),
        profile=profile,
        timeouts=timeouts,
        retries=Retries(attempts=read_plan_count(attempts, "attempts")),
        shard=None if shard is None else read_shard(str(shard)),
    )


def read_plan_count(value: Any, name: str) -> int:
    """A whole number, NumPy's as well. Raises PlanError that calls it by `name`."""
    try:
        return operator.index(value)
    except TypeError:
        raise PlanError(f"{name} must be a whole number, not {value!r}", code="bad_plan") from None
