"""Plan: all that a run should do, as data, and the keys that name each exchange of it.

A plan holds no secret: a key stands in it as the reference that the user configured. Reading a plan file is in
plan_file.py, the order of the work in blocks.py, how many at once in load_patterns.py.

Plan key = hash of format version, origin and route, model, canonical request body, scenario, sample, repeat and load
stage. Time, key, host name and attempt are not in it. A later turn's body follows from the stored earlier turns, so
its key is the hash of the first turn's key and the turn's number.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from byok_bench.dialects.dialect import find_dialect
from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.extra_fields import Extras, has_key_mark
from byok_bench.endpoints.key_literals import KEY_MARK
from byok_bench.endpoints.keys import KeyRef
from byok_bench.endpoints.model import DeclaredCapabilities, Model
from byok_bench.endpoints.model_requests import find_named_model, find_schema, narrow_endpoint
from byok_bench.errors import PlanError
from byok_bench.redact import redact
from byok_bench.runs.planning.load_patterns import ClosedLoad, Load
from byok_bench.runs.planning.retries import Retries
from byok_bench.runs.planning.seals import seal_extras
from byok_bench.runs.planning.shards import Shard, select_shard
from byok_bench.runs.storage.records import NOT_KEPT
from byok_bench.scenarios.agent import build_opening
from byok_bench.scenarios.scenario import Limits, Scenario, count_most_answers, lay_over
from byok_bench.scenarios.wording.request_members import has_unusual_echo
from byok_bench.wire.egress.verdicts import PROFILES
from byok_bench.wire.limits import Timeouts

PLAN_VERSION: Final = 1


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One endpoint × one model × one dialect: what is compared."""

    endpoint: int
    """Index into Plan.endpoints."""
    label: str
    """Of the endpoint."""
    model: str
    """The id that is asked for."""
    alias: str | None = None
    schema: str
    base_url: str
    url: str
    """Origin and route of the requests."""
    key: str
    """Reference of the key, `env:NAME` and the like; never the key."""
    context_window: int | None = None
    """As declared, tokens."""
    listed_window: int | None = None
    """As the server lists it, tokens; asked for where a prompt is to be longer. Not part of any plan key."""
    lacks: tuple[str, ...] = ()
    """DeclaredCapabilities declared `no`."""
    unverified_tls: bool = False
    """Certificates were not verified, as configured."""
    copy: int = 0
    """Position among targets of the plan that send the same requests to the same place."""

    @property
    def name(self) -> str:
        """As in tables: the model within its endpoint."""
        return f"{self.label} · {self.alias or self.model}"

    @property
    def window(self) -> int | None:
        """The context window to go by: what was declared wins over what is listed."""
        return self.context_window if self.context_window is not None else self.listed_window


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """One sample on one target in one repeat of one load stage: one exchange, or several turns."""

    key: str
    """Plan key of its first turn."""
    target: int
    """Index into Plan.targets."""
    scenario: str
    sample: str
    repeat: int
    """Counted from 1; 0 for warm-up."""
    stage: int
    """Index into Plan.loads."""

    @property
    def is_warmup(self) -> bool:
        """It only warms connections and caches, and stays out of every table."""
        return self.repeat == 0


class PlanSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How often, how fast and under which rules; with endpoints and scenarios it makes a plan."""

    repeats: int = 5
    loads: tuple[Load, ...] = (ClosedLoad(),)
    seed: int = 0
    warmup: int = 1
    """Requests to each target before the first repeat."""
    profile: str = "local"
    timeouts: Timeouts | None = None
    """Overrides those of the endpoints."""
    retries: Retries = Retries()
    shard: Shard | None = None
    """The part that is played; None for all of it."""


class Plan(PlanSettings, frozen=True, kw_only=True):
    """All that a run should do. Stored with the run."""

    version: int = PLAN_VERSION
    endpoints: tuple[Endpoint, ...]
    """As configured, without the values of extra headers and query fields."""
    extras: tuple[str, ...] = ()
    """Beside the endpoints: what tells those values from others (start_conditions.py)."""
    targets: tuple[Target, ...]
    scenarios: tuple[Scenario, ...]
    measured_by: str = ""
    """Another tool, whose results were imported; empty: this one. Such a plan is never played."""

    def get_scenario(self, name: str) -> Scenario:
        """The scenario of that name."""
        return next(scenario for scenario in self.scenarios if scenario.name == name)


def make_plan(endpoints: Sequence[Endpoint], scenarios: Sequence[Scenario], settings: PlanSettings) -> Plan:
    """A plan over every model of every endpoint; PlanError says what is missing."""
    check_counts(settings.repeats, settings.warmup)
    targets = [target for index, endpoint in enumerate(endpoints) for target in iterate_targets(endpoint, index)]
    if not targets:
        raise PlanError("no endpoint was named", code="no_endpoint")
    check_profile(settings.profile)
    names = Counter((target.label, target.model) for target in targets)
    doubled = [name for name, count in names.items() if count > 1]
    if doubled:
        label, model = doubled[0]
        raise PlanError(f"endpoint {label!r} stands twice in the plan with model {model!r}", code="bad_plan")
    return Plan(
        endpoints=tuple(clean_endpoint(endpoint) for endpoint in endpoints),
        extras=tuple(seal_extras(endpoint) for endpoint in endpoints),
        targets=tuple(_mark_copies(targets)),
        scenarios=tuple(scenarios),
        **msgspec.structs.asdict(settings),
    )


def check_counts(repeats: int, warmup: int) -> None:
    """Raise PlanError for numbers that no run can have."""
    if not 1 <= repeats <= 1_000_000:
        raise PlanError("repeats must be from 1 to 1000000", code="bad_plan")
    if not 0 <= warmup <= 1_000:
        raise PlanError("warmup must be from 0 to 1000", code="bad_plan")


def check_profile(profile: str) -> None:
    """Raise PlanError for an egress profile that is none."""
    if profile not in PROFILES:
        raise PlanError(f"profile is {profile!r}; there are {' and '.join(PROFILES)}", code="bad_plan")


def clean_endpoint(endpoint: Endpoint) -> Endpoint:
    """An endpoint as a result file may hold it: references, and no value that could be a secret."""
    return msgspec.structs.replace(
        endpoint,
        base_url=redact(endpoint.base_url),
        headers=_clean_extras(endpoint.headers),
        query=_clean_extras(endpoint.query),
        models=[
            msgspec.structs.replace(model, headers=_clean_extras(model.headers)) if model.headers else model
            for model in endpoint.models
        ],
    )


def _clean_extras(extras: Extras) -> dict[str, str | KeyRef]:
    """Names, and of the values that the key stands in one; a header with a key's name can have no other."""
    return {name: f"{NOT_KEPT} {KEY_MARK}" if has_key_mark(value) else NOT_KEPT for name, value in extras.items()}


def iterate_targets(endpoint: Endpoint, index: int) -> Iterator[Target]:
    """A target for each model of an endpoint; PlanError if it has none, or is incomplete."""
    # Whether a key can be had is asked when a run starts (start_conditions.py).
    missing = [field for field in endpoint.list_missing_fields() if field != "key"]
    if missing:
        raise PlanError(
            f"endpoint {endpoint.label!r} is incomplete: {', '.join(missing)} is missing",
            code="incomplete_endpoint",
        )
    for model in endpoint.models:
        yield Target(
            endpoint=index,
            label=endpoint.label,
            model=model.name,
            alias=model.alias,
            schema=find_schema(endpoint, model.name),
            base_url=redact(endpoint.base_url),
            url=redact(endpoint.base_url).rstrip("/") + find_dialect(find_schema(endpoint, model.name)).route,
            key=str(endpoint.key),
            context_window=model.context_window_tokens,
            lacks=tuple(
                name
                for name in DeclaredCapabilities.__struct_fields__
                if getattr(model.capabilities, name).state == "no"
            ),
            unverified_tls=not endpoint.tls.verify,
        )


def _mark_copies(targets: Sequence[Target]) -> Iterator[Target]:
    seen: Counter[tuple[str, str, str]] = Counter()
    for target in targets:
        same = (target.url, target.model, target.schema)
        yield msgspec.structs.replace(target, copy=seen[same])
        seen[same] += 1


def build_job_body(plan: Plan, job: Job) -> dict[str, Any]:
    """Body of a job's first request, without the model and the endpoint's extra fields."""
    scenario, target = plan.get_scenario(job.scenario), plan.targets[job.target]
    model = find_target_model(plan, job.target)
    return build_opening(scenario, scenario.get_sample(job.sample), target.schema, target.window, model)


def find_target_model(plan: Plan, target: int) -> Model | None:
    """What is configured of a target's model."""
    return find_named_model(plan.endpoints[plan.targets[target].endpoint], plan.targets[target].model)


def get_job_task(plan: Plan, job: Job) -> Scenario:
    """The scenario as the job's sample plays it."""
    scenario = plan.get_scenario(job.scenario)
    return lay_over(scenario, scenario.get_sample(job.sample))


def make_jobs(plan: Plan) -> list[Job]:
    """Every job of a plan, or of the shard that is played of it; unordered."""
    jobs = []
    for index, target in enumerate(plan.targets):
        for scenario in plan.scenarios:
            for sample in scenario.samples:
                model = find_target_model(plan, index)
                body = build_opening(scenario, sample, target.schema, target.context_window, model)
                task = lay_over(scenario, sample)
                course = describe_course(task, target.schema, model)
                digest = compute_body_digest(body, plan.endpoints[target.endpoint], target.model, course)
                jobs += [
                    Job(
                        key=_make_plan_key(target, task, sample.name, digest, repeat, stage, plan.loads[stage]),
                        target=index,
                        scenario=scenario.name,
                        sample=sample.name,
                        repeat=repeat,
                        stage=stage,
                    )
                    for stage in range(len(plan.loads))
                    for repeat in range(1, plan.repeats + 1)
                ]
    return select_shard(jobs, plan.shard)


def make_turn_key(first: str, turn: int) -> str:
    """Plan key of a turn; `first` is that of turn 1."""
    return first if turn == 1 else _compute_digest([first, turn])


def compute_plan_hash(plan: Plan, jobs: Sequence[Job]) -> str:
    """Names a plan: two starts with the same hash would make the same exchanges in the same order."""
    return _compute_digest([sorted(job.key for job in jobs), plan.seed, plan.profile])


def compute_body_digest(body: Mapping[str, Any], endpoint: Endpoint, model: str, course: Sequence[Any] = ()) -> str:
    """Hash of a canonical request body, with what the endpoint and its model add to it, take from it and rename, and
    with what decides the requests that follow.
    """
    asked = find_named_model(endpoint, model)
    altered = [list(asked.drop), dict(asked.rename)] if asked is not None and (asked.drop or asked.rename) else []
    return _compute_digest([body, dict(narrow_endpoint(endpoint, model).body), *altered, *course])


def extract_origin_and_route(url: str) -> str:
    """The part of a URL that is in the key: no userinfo, query or fragment."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _make_plan_key(
    target: Target, scenario: Scenario, sample: str, body: str, repeat: int, stage: int, load: Load
) -> str:
    place = [extract_origin_and_route(target.url), target.model, target.copy]
    what = [scenario.name, sample, msgspec.to_builtins(scenario.spoil), body]
    when = [repeat, stage, msgspec.to_builtins(load)]
    return _compute_digest([PLAN_VERSION, place, what, when])


def describe_course(task: Scenario, schema: str, model: Model | None) -> list[Any]:
    """What decides the later requests of a sample beside the answers, and does not show in the first one."""
    if count_most_answers(task) == 1:
        return []
    course = {
        "turns": task.turns,
        "results": [tool for tool in task.tools if not isinstance(tool, str)],
        "environment": task.environment,
        "order": task.result_order if task.result_order != "as_called" else "",
        "echo": has_unusual_echo(task.request, schema, model),
        "limits": task.limits if task.limits != Limits() else None,
    }
    said = {name: msgspec.to_builtins(value) for name, value in course.items() if value}
    return [said] if said else []


def _compute_digest(value: Any) -> str:
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()[:40]
