"""Baseline: what an earlier run measured, as a small JSON file for a team's repository. No body, no key, no text.

A baseline with a name is such a file in the folder `baselines` beside the book, so it outlives the run and its result
file. Two sides pair by endpoint label, model, scenario, sample, repeat, turn and load; plan keys hold the address and
would pair no two of them.
"""

import hashlib
import re
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

import msgspec

from byok_bench.endpoints.atomic_files import write_atomically
from byok_bench.endpoints.book import locate_home
from byok_bench.errors import BookError, PlanError, StoreError
from byok_bench.report.gates.observations import Observation, list_observations
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.results import Run

FILE_VERSION: Final = 1
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Baseline(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What gates compare with."""

    version: int = FILE_VERSION
    name: str
    """As it was called, or the id of the run."""
    run: str
    created: str
    """UTC, ISO 8601: when the run began."""
    scenarios: dict[str, str]
    """Name → digest of what it asks and expects."""
    loads: tuple[str, ...]
    observations: tuple[Observation, ...]


def make_baseline(run: Run, name: str = "") -> Baseline:
    """What a run measured, to be compared with. Raises PlanError if nothing was."""
    observations = tuple(one for one in list_observations(run) if not one.is_open)
    if not observations:
        raise PlanError(f"run {run.id} has no exchange that was played: it cannot be a baseline", code="no_baseline")
    return Baseline(
        name=name or run.id,
        run=run.id,
        created=run.created,
        scenarios=_describe_scenarios(run.plan),
        loads=tuple(load.name for load in run.plan.loads),
        observations=observations,
    )


def store_baseline(run: Run, name: str) -> Path:
    """Keep a run as the baseline of that name; an earlier one of the name is replaced. Raises PlanError, StoreError."""
    if not _NAME.fullmatch(name):
        raise PlanError(
            f"{name!r} is no name for a baseline: letters, digits, dots, dashes and underscores", code="bad_name"
        )
    return write_baseline(make_baseline(run, name), _locate_baselines() / f"{name}.json")


def write_baseline(baseline: Baseline, path: Path) -> Path:
    """Write a baseline file. Raises StoreError if it cannot be written."""
    lines = _to_lines(baseline)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, lines)
    except (OSError, BookError) as error:
        raise StoreError(f"the baseline cannot be written to {path}: {error}", code="unwritable") from None
    return path


def _to_lines(baseline: Baseline) -> str:
    """JSON with one exchange a line: a change is small in a repository."""
    head = msgspec.to_builtins(msgspec.structs.replace(baseline, observations=()))
    body = ",\n".join(msgspec.json.encode(one).decode() for one in baseline.observations)
    return msgspec.json.encode({"version": FILE_VERSION} | head).decode()[:-1] + f',"observations":[\n{body}\n]}}\n'


def read_baseline(path: Path) -> Baseline:
    """A baseline file. Raises PlanError for one that is none."""
    try:
        raw = path.read_bytes()
        version = msgspec.json.decode(raw, type=_Head).version
        if version != FILE_VERSION:
            raise PlanError(f"{path}: version {version} of a baseline is not {FILE_VERSION}", code="bad_version")
        return msgspec.json.decode(raw, type=Baseline)
    except OSError as error:
        raise PlanError(f"cannot read baseline {path}: {error.strerror}", code="unreadable") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PlanError(f"{path} is no baseline: {error}", code="bad_baseline") from None


class _Head(msgspec.Struct):
    version: int = 0


def find_baseline(wanted: str | Path | Run | Baseline, store: Any = None) -> Baseline:
    """A baseline by file, by name, or out of a run. Raises PlanError with the nearest name."""
    if isinstance(wanted, Baseline):
        return wanted
    if isinstance(wanted, Run):
        return make_baseline(wanted)
    if not isinstance(wanted, (str, Path)):
        raise PlanError(f"a baseline is a name, a file or a run, not {wanted!r}", code="no_baseline")
    if isinstance(wanted, Path) or wanted.endswith(".json"):
        return read_baseline(Path(wanted))
    named = _locate_baselines() / f"{wanted}.json"
    if _NAME.fullmatch(wanted) and named.is_file():
        return read_baseline(named)
    try:
        return make_baseline(Run.open(wanted, store))
    except StoreError as error:
        near = get_close_matches(wanted, list_baselines(), n=1)
        have = f"did you mean {near[0]!r}?" if near else f"baselines are {', '.join(list_baselines()) or 'none so far'}"
        raise PlanError(f"no baseline is called {wanted!r}; {have} ({error})", code="no_baseline") from None


def list_baselines() -> list[str]:
    """The names of all that are kept, in order."""
    return sorted(path.stem for path in _locate_baselines().glob("*.json"))


def _locate_baselines() -> Path:
    return locate_home() / "baselines"


def check_same_plan(plan: Plan, baseline: Baseline) -> None:
    """Raise PlanError if the two were asked different things, and say what. How often it was asked may differ."""
    now, before = _describe_scenarios(plan), baseline.scenarios
    found = [
        *(f"scenario {name} is in the run alone" for name in now if name not in before),
        *(f"scenario {name} is in the baseline alone" for name in before if name not in now),
        *(f"scenario {name} asks something else" for name in now if name in before and now[name] != before[name]),
    ]
    loads = tuple(load.name for load in plan.loads)
    if loads != baseline.loads:
        found.append(f"the load is {', '.join(loads)}, and was {', '.join(baseline.loads)}")
    if found:
        raise PlanError(
            f"baseline {baseline.name} is of another plan: {'; '.join(found)}. "
            f"Make it again: byok-bench runs baseline RUN --as NAME",
            code="other_plan",
        )


def _describe_scenarios(plan: Plan) -> dict[str, str]:
    return {one.name: hashlib.sha256(msgspec.json.encode(one)).hexdigest()[:16] for one in plan.scenarios}
