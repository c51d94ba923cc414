"""run(): endpoints × scenarios × repeats → a stored Run.

What the caller gave is checked and made into a plan here; run_start.py plays it, and the records are judged after the
last stamp (judging.py).
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.permission import find_rules, refuse_unless_allowed
from byok_bench.errors import PlanError
from byok_bench.runs.measuring.stop_switch import StopSwitch
from byok_bench.runs.measuring.work import Transport
from byok_bench.runs.planning.budgets import Limits, check_limits
from byok_bench.runs.planning.plan import check_profile, make_plan
from byok_bench.runs.planning.plan_arguments import make_plan_settings, read_plan_count
from byok_bench.runs.play_settings import PlaySettings
from byok_bench.runs.progress import (
    Listener,
    warn_in_log,
)
from byok_bench.runs.results import Run
from byok_bench.runs.resumption import (
    list_waiting_endpoints,
    make_intent,
)
from byok_bench.runs.run_start import RunStart
from byok_bench.runs.start_conditions import check_not_moved, check_values_kept, describe_obstacle, find_obstacles
from byok_bench.runs.storage import ledger, run_rows
from byok_bench.runs.storage.result_file import open_reader
from byok_bench.runs.storage.result_path import locate_store
from byok_bench.runs.storage.run_rows import RunLabels
from byok_bench.scenarios.scenario import Scenario
from byok_bench.scenarios.selection import find_scenarios
from byok_bench.wire.limits import Timeouts

__all__ = ["Run", "resume", "run"]


async def run(
    endpoints: Endpoint | Sequence[Endpoint],
    scenarios: str | Path | Scenario | Sequence[str | Path | Scenario],
    repeats: int = 5,
    concurrency: int | Sequence[int] = 1,
    store: str | os.PathLike[str] | None = None,
    on_progress: Listener | None = None,
    *,
    seed: int = 0,
    profile: str = "local",
    timeouts: Timeouts | None = None,
    rate: float | Sequence[float] | None = None,
    arrivals: str | None = None,
    ramp_to: float | None = None,
    warmup: int = 1,
    attempts: int = 1,
    resume: str | bool = True,
    processes: int = 1,
    process: bool | Literal["auto"] = "auto",
    policy: Mapping[str, Any] | None = None,
    transport: Transport = "own",
    note: str = "",
    plan_file: str | os.PathLike[str] = "",
    shard: str | None = None,
    max_cost: float | None = None,
    max_tokens: int | None = None,
    max_requests: int | None = None,
    until: Callable[[Run], bool] | None = None,
    cluster: Any = None,
    stop: StopSwitch | None = None,
) -> Run:
    """Play every scenario on every model of every endpoint, and keep what came back.

    * `endpoints`: one or several. One that cannot be used (no key, an address that may not be called, a proxy that is
      no URL) has no rows and is told.
    * `scenarios`: names, sets (`agent`, `errors`, `quick`, `all`), folder globs (`tools/*`), TOML files, or Scenarios.
    * `repeats`: how often each sample is played, 1 to 1000000.
    * `concurrency`: samples in flight on one target, 1 to 10000; several numbers are stages, one after the other.
    * `store`: the result file; None: `bench.sqlite` in $BYOK_BENCH_HOME or the platform's data folder.
    * `on_progress`: called with each event of the run; None: only warnings, into the log.
    * `seed`: decides the order of samples and the times of arrivals; the same seed, the same ones.
    * `profile`: of the egress rules, `local` or `shared`.
    * `timeouts`: seconds, for every request; None: each endpoint's own.
    * `rate`: samples started a second, whatever is in flight, more than 0 to 100000; several numbers are stages. In
      place of `concurrency`; None: no rate.
    * `arrivals`: of a rate: `poisson` or `constant`; None: `poisson`.
    * `ramp_to`: samples a second to which a rate grows evenly; None: it stays.
    * `warmup`: requests to each target beforehand, in no table, 0 to 1000.
    * `attempts`: requests at most for one answer; 1: nothing is tried again.
    * `resume`: True goes on with the newest unfinished run of the same plan and the same endpoints that began less
      than a day ago, False starts a new run, an id goes on with that run.
    * `processes`: how many share the load, 1 to 64.
    * `process`: whether to measure beside this process; "auto": in a notebook's kernel.
    * `policy`: egress lists such as `{"allow_hosts": […]}`; None: the workspace's.
    * `transport`: `own` (timed, HTTP/1.1) or `httpx` (the stock one, for comparison); an endpoint's field wins.
    * `note`: what the run is to be called; `bb.Run.open` finds it by that.
    * `plan_file`: where the plan was read, kept with the run.
    * `shard`: the part of the plan to play, such as `3/8`; `byok-bench runs merge` joins the parts. None: all of it.
    * `max_cost`: in the currency of the declared prices, of this start. No request is sent that could pass a limit, its
      asked output counted as if used; then the run is interrupted, and can be gone on with.
    * `max_tokens`: of prompts and answers together, in the same way.
    * `max_requests`: of this start, warm-up and retries included.
    * `until`: asked after each repeat with the run so far; once it says True the rest of the agent prompts is left out.
    * `cluster`: the address of a Dask scheduler, or a `distributed.Client`: its workers play (docs/scale.md); None:
      this machine does.
    * `stop`: a `bb.StopSwitch`: once it is pressed nothing new is sent, what is in flight finishes, and the run is
      interrupted; None: only a cancel ends it early, at once.

    Raises EndpointError if no endpoint can be used (it names each, and no run is made) or the workspace forbids one,
    PlanError for scenarios and numbers that no run can have, BookError for a workspace policy that cannot be read,
    StoreError for a result file that cannot be used. What servers do is in the rows. A cancelled run is marked
    interrupted and keeps what was measured.
    """
    chosen = list(endpoints) if isinstance(endpoints, Iterable) else [endpoints]
    for endpoint in chosen:
        refuse_unless_allowed(endpoint)  # another kind of thing, too
    profile, policy = find_rules(profile, policy)
    found = find_scenarios(scenarios)
    settings = make_plan_settings(
        repeats=repeats,
        concurrency=concurrency,
        seed=seed,
        profile=profile,
        timeouts=timeouts,
        rate=rate,
        arrivals=arrivals,
        ramp_to=ramp_to,
        warmup=warmup,
        attempts=attempts,
        shard=shard,
    )
    limits = Limits(cost=max_cost, tokens=max_tokens, requests=max_requests)
    means = PlaySettings(
        processes=read_plan_count(processes, "processes"),
        process=process,
        policy=policy,
        transport=transport,
        limits=limits,
        until=until,
        cluster=cluster,
        stop=stop,
    )
    check_limits(limits, chosen)
    labels = RunLabels(note=note, plan_file=os.fspath(plan_file))
    check_profile(profile)
    obstacles = await find_obstacles(dict(enumerate(chosen)), profile, policy)
    usable = [one for index, one in enumerate(chosen) if index not in obstacles]
    intents = [make_intent(make_plan(usable, found, settings), usable)]
    if obstacles and all(set(one.list_missing_fields()) <= {"key"} for one in chosen):
        # A run that was begun with all of them can be gone on with by those that are left.
        intents.insert(0, make_intent(make_plan(chosen, found, settings), chosen, obstacles))
    lines = [describe_obstacle(chosen[index], why) for index, why in obstacles.items()]
    start = RunStart(intents, lines, locate_store(store), on_progress or warn_in_log, means)
    return await start.run(resume, labels)


async def resume(
    wanted: str = "last",
    store: str | os.PathLike[str] | None = None,
    on_progress: Listener | None = None,
    *,
    endpoints: Sequence[Endpoint] = (),
    means: PlaySettings | None = None,
) -> Run:
    """Go on with a stored run by its own plan. Endpoints are those given, by label, else as the run stored them.

    Raises PlanError for an endpoint whose extra headers were not kept (name it again), that was moved since;
    EndpointError if none of those that have something left to do can be used: then nothing is
    marked.
    """
    means = means or PlaySettings()
    path = locate_store(store)
    with open_reader(path) as db:
        row = run_rows.find_run(db, wanted)
        plan = run_rows.read_stored_plan(db, row.id)
        states = {state.key: state for state in ledger.list_states(db, row.id)}
    if plan.measured_by:
        raise PlanError(
            f"run {row.id} was measured by {plan.measured_by}: there is nothing to go on with", code="foreign"
        )
    check_not_moved(row.id, plan, endpoints)
    given = {endpoint.label: endpoint for endpoint in endpoints}
    chosen = [given.get(endpoint.label, endpoint) for endpoint in plan.endpoints]
    for endpoint in chosen:
        refuse_unless_allowed(endpoint)
        check_values_kept(endpoint)
    check_limits(means.limits, chosen)
    whole = make_intent(plan, chosen)
    waiting = list_waiting_endpoints(plan, whole.jobs, states)
    obstacles = await find_obstacles({index: chosen[index] for index in waiting}, plan.profile, means.policy)
    intent = msgspec.structs.replace(whole, idle=frozenset(obstacles))
    lines = [describe_obstacle(chosen[index], why) for index, why in obstacles.items()]
    return await RunStart([intent], lines, path, on_progress or warn_in_log, means).run(row.id, RunLabels())
