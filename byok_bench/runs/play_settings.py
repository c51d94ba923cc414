"""With what a run is played: how many processes, on which machines, by which rules, within which limits."""

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import Any, Literal

import msgspec

from byok_bench.errors import PlanError
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.measuring.work import Transport
from byok_bench.runs.planning.budgets import Limits
from byok_bench.runs.results import Run


class PlaySettings(msgspec.Struct, frozen=True, kw_only=True):
    """With what a run is played; none of it is part of the plan."""

    processes: int = 1
    process: bool | Literal["auto"] = "auto"
    policy: Mapping[str, Any] | None = None
    transport: Transport = "own"
    limits: Limits = Limits()
    """Of this start."""
    until: Callable[[Run], bool] | None = None
    """Asked after each repeat: whether the run so far is enough."""
    stop: StopSwitch | None = None
    """Pressed, it lets what is in flight finish, and nothing new begins."""
    cluster: Any = None
    """Address of a Dask scheduler, or a client of one."""

    def __post_init__(self) -> None:
        if self.cluster is not None and find_spec("distributed") is None:
            raise PlanError("a cluster needs Dask: pip install 'byok-bench[dask]'", code="no_dask")
        if not 1 <= self.processes <= 64:
            raise PlanError("processes must be from 1 to 64", code="bad_plan")
