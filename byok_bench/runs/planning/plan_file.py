"""A plan as a TOML file: the arguments of run(), by name.

`endpoints` names endpoints of the book; `[[endpoint]]` tables stand for themselves, with keys as references. What a
plan means is in plan.py. A field that is unknown, or that the others leave without a use, is refused by name and line.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec

from byok_bench.endpoints.book_format import read_endpoint_table
from byok_bench.endpoints.book_tables import EndpointTable, ModelTable
from byok_bench.endpoints.endpoint import Endpoint, Tls
from byok_bench.errors import EndpointError, PlanError
from byok_bench.runs.planning.budgets import Limits, check_limits
from byok_bench.runs.planning.load_patterns import make_loads
from byok_bench.runs.planning.plan import check_counts, check_profile
from byok_bench.runs.planning.retries import Retries
from byok_bench.runs.planning.shards import read_shard
from byok_bench.runs.planning.toml_lines import Place, find_line
from byok_bench.scenarios.selection import find_scenarios
from byok_bench.wire.limits import Timeouts

FILE_VERSION: Final = 1


InlineTable = Mapping[str, Any]
"""An endpoint that only this plan knows: a table as in the book, where a model may be a name alone."""
INLINE_FIELDS: Final = tuple(
    name for name in EndpointTable.__struct_fields__ if name not in ("config_key", "key_origin", "key_set_at")
)
MODEL_FIELDS: Final = tuple(name for name in ModelTable.__struct_fields__ if name != "config_key")


class GatesTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the run is to be judged by; what rules mean is known where they are judged (report/gates)."""

    rules: str | None = None
    """Path of a rules file, relative to the plan file, or the name of a preset."""
    rule: list[dict[str, Any]] = []
    """Rules that stand in the plan."""
    against: str | None = None
    """Baseline: its name, or its file, relative to the plan file."""
    undecided: Literal["pass", "fail"] | None = None
    """What undecided rules count as."""


class PlanFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a plan file may say."""

    version: int
    endpoints: list[str] = []
    """Labels in the book."""
    endpoint: list[dict[str, Any]] = []
    scenarios: Annotated[list[str], msgspec.Meta(min_length=1)] = []
    """Names, sets, or paths of TOML files, relative to the plan file."""
    repeats: int | None = None
    concurrency: int | list[int] | None = None
    rate: float | list[float] | None = None
    arrivals: str | None = None
    ramp_to: float | None = None
    seed: int | None = None
    warmup: int | None = None
    attempts: int | None = None
    processes: int | None = None
    profile: str | None = None
    timeouts: Timeouts | None = None
    shard: str | None = None
    """The part to play, such as 3/8."""
    limits: Limits | None = None
    """What one start may ask for."""
    gates: GatesTable | None = None
    """Rules that the run is judged by; a text is the path of a rules file."""


FIELDS: Final[Mapping[Place, tuple[str, ...]]] = {
    (): PlanFile.__struct_fields__,
    ("timeouts",): Timeouts.__struct_fields__,
    ("endpoint",): INLINE_FIELDS,
    ("endpoint", "models"): MODEL_FIELDS,
    ("endpoint", "tls"): Tls.__struct_fields__,
    ("endpoint", "timeouts"): Timeouts.__struct_fields__,
    ("gates",): GatesTable.__struct_fields__,
    ("limits",): Limits.__struct_fields__,
}
"""Table of a plan → the fields that it may have."""
_NEEDED: Final = ("label", "base_url", "models")
"""What an endpoint of a plan cannot do without."""
HINTS: Final = {
    "scenarios": "name one at least, or leave scenarios out, which means the set agent",
    "models": 'the models of a plan are a list, like models = ["small", { name = "m", drop = ["seed"] }]',
}
"""Field → how it is written, for one that is written otherwise."""


def read_plan(path: Path) -> PlanFile:
    """Read a plan file; PlanError names file, line and field."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        document = tomllib.loads(text)
    except OSError as error:
        raise PlanError(f"cannot read plan {path}: {error.strerror}", code="unreadable") from None
    except UnicodeDecodeError:
        raise PlanError(f"{path}: a plan is TOML in UTF-8, and this is not UTF-8", code="bad_plan") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise PlanError(f"{path}: this is not TOML: {error}", code="bad_plan") from None
    if isinstance(path_of_rules := document.get("gates"), str):
        document["gates"] = {"rules": path_of_rules}
    problem, place = _find_problem(document)
    if problem:
        raise PlanError(f"{path}, line {find_line(text, place)}: {problem}", code="bad_plan")
    plan = msgspec.convert(document, PlanFile)
    if plan.version != FILE_VERSION:
        raise PlanError(f"{path}: version {plan.version} of the plan format is not {FILE_VERSION}", code="bad_version")
    return plan


def _find_problem(document: Mapping[str, Any]) -> tuple[str, Place]:
    """What is wrong with a plan, and where; empty if nothing is."""
    for place, table in _iterate_tables(document):
        kind = tuple(part for part in place if isinstance(part, str))
        for name in table:
            if name not in FIELDS[kind]:
                return _describe_unknown(name, kind, FIELDS[kind]), (*place, name)
    if "version" not in document:
        return f"a plan begins with the line `version = {FILE_VERSION}`", ()
    try:
        plan = msgspec.convert(document, PlanFile)
    except msgspec.ValidationError as error:
        place = _extract_place(str(error))
        hint = next((f"; {HINTS[name]}" for name in place if name in HINTS), "")
        return f"{error}{hint}", place
    try:
        _check_values(plan)
    except PlanError as error:
        named = (name for name in document if re.search(rf"\b{re.escape(name)}\b", str(error)))
        return str(error), tuple(named)[:1]
    for number, name in enumerate(plan.scenarios):
        try:
            if not name.endswith(".toml"):
                find_scenarios(name)
        except PlanError as error:
            return str(error), ("scenarios", number)
    for number, entry in enumerate(plan.endpoint):
        try:
            read_inline_endpoint(entry)
        except PlanError as error:
            return str(error), ("endpoint", number, *_extract_place(f"`$.{_find_named_field(str(error))}`"))
    return "", ()


def _find_named_field(problem: str) -> str:
    """The field that a refusal of an endpoint begins with, behind the endpoint's label."""
    at = re.search(r" of the plan: ([\w.\[\]-]+): ", problem)
    return at[1] if at else ""


def _iterate_tables(document: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    """The tables of a plan that have fields of their own; what is no table where one belongs is found later."""
    yield (), document
    for name in ("timeouts", "gates", "limits"):
        if isinstance(inner := document.get(name), dict):
            yield (name,), inner
    entries = document.get("endpoint")
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        if isinstance(entry, dict):
            yield ("endpoint", number), entry
            yield from _iterate_inner_tables(("endpoint", number), entry)


def _iterate_inner_tables(place: Place, entry: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for name in ("tls", "timeouts"):
        if isinstance(table := entry.get(name), dict):
            yield (*place, name), table
    models = entry.get("models")
    for number, model in enumerate(models if isinstance(models, list) else ()):
        if isinstance(model, dict):
            yield (*place, "models", number), model


def _describe_unknown(name: str, table: Place, known: tuple[str, ...]) -> str:
    where = f"[{'.'.join(map(str, table))}] of a plan" if table else "a plan"
    near = get_close_matches(name, known, n=1)
    meant = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(known)}"
    return f"{where} has no field {name!r}; {meant}"


def _extract_place(message: str) -> Place:
    """The place at the end of one of msgspec's messages, like `$.endpoint[0].models`."""
    at = re.search(r"`\$\.?([^`]*)`$", message)
    parts = re.findall(r"[^.\[\]]+", at[1]) if at else []
    return tuple(int(part) if part.isdigit() else part for part in parts)


def _check_values(plan: PlanFile) -> None:
    """What run() would refuse. Raises PlanError."""
    check_counts(repeats=1 if plan.repeats is None else plan.repeats, warmup=0 if plan.warmup is None else plan.warmup)
    make_loads(plan.concurrency, plan.rate, plan.arrivals, plan.ramp_to)
    if plan.attempts is not None:
        Retries(attempts=plan.attempts)
    if plan.processes is not None and not 1 <= plan.processes <= 64:
        raise PlanError("processes must be from 1 to 64", code="bad_plan")
    check_profile(plan.profile or "local")
    if plan.shard is not None:
        read_shard(plan.shard)
    check_limits(plan.limits or Limits(), ())
    if plan.gates is not None and plan.gates.rules is None and not plan.gates.rule:
        raise PlanError("gates name no rules: give rules = FILE, or [[gates.rule]]", code="bad_plan")


def list_inline_endpoints(plan: PlanFile) -> list[Endpoint]:
    """The endpoints that stand in the file."""
    return [read_inline_endpoint(entry) for entry in plan.endpoint]


def read_inline_endpoint(entry: InlineTable) -> Endpoint:
    """An endpoint that stands in a file; PlanError says why it cannot be."""
    shown = entry.get("label")
    if lacking := [name for name in _NEEDED if name not in entry]:
        raise PlanError(f"endpoint {shown!r} of the plan: {lacking[0]}: is missing", code="bad_plan")
    models = entry["models"]
    if not isinstance(models, list) or not all(isinstance(model, (str, dict)) for model in models):
        raise PlanError(f"endpoint {shown!r} of the plan: models: {HINTS['models']}", code="bad_plan")
    tables = [{"name": model} if isinstance(model, str) else model for model in models]
    if nameless := [number for number, table in enumerate(tables) if not table.get("name")]:
        raise PlanError(f"endpoint {shown!r} of the plan: models[{nameless[0]}]: has no name", code="bad_plan")
    try:
        return read_endpoint_table({**entry, "models": tables})
    except EndpointError as error:
        problem = f"endpoint {shown!r} of the plan: {error}"
    raise PlanError(problem, code="bad_plan")


def make_run_arguments(plan: PlanFile, path: Path) -> dict[str, Any]:
    """The plan's settings as arguments of run(), endpoints aside; only those that are given."""
    names = (
        "repeats",
        "concurrency",
        "rate",
        "arrivals",
        "ramp_to",
        "seed",
        "warmup",
        "attempts",
        "profile",
        "timeouts",
        "shard",
    )
    given = {name: getattr(plan, name) for name in (*names, "processes") if getattr(plan, name) is not None}
    for name, limit in msgspec.structs.asdict(plan.limits or Limits()).items():
        if limit is not None:
            given[f"max_{name}"] = limit
    if plan.scenarios:
        given["scenarios"] = [path.parent / name if name.endswith(".toml") else name for name in plan.scenarios]
    return given
