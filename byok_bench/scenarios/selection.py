"""Which scenarios are meant: the library, and what names, groups, sets, globs and paths stand for."""

import functools
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec

from byok_bench.errors import PlanError
from byok_bench.scenarios.scenario import Scenario
from byok_bench.scenarios.scenario_file import decode_scenario, read_scenario_file
from byok_bench.scenarios.scenario_rules import check_scenario

GROUPS: Final = (
    "text", "stream", "tools", "schemas", "loops", "structured", "reasoning", "context", "cache", "params", "errors",
)  # fmt: skip
"""Folders of the library, in the order in which they are listed."""
SETS: Final = ("agent", "errors", "quick", "all")
"""Names that stand for several scenarios of the library: by tag, by what they want, or all of it."""


Wanted = Sequence[str | Path | Scenario] | str | Path | Scenario
"""What names scenarios."""


@functools.cache
def _load_folders() -> tuple[Scenario, ...]:
    library = files("byok_bench.scenarios") / "library"
    found = [
        msgspec.structs.replace(decode_scenario(entry.read_bytes(), f"{group}/{entry.name}"), group=group)
        for group in GROUPS
        if (library / group).is_dir()
        for entry in sorted((library / group).iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    ]
    found.sort(key=lambda scenario: scenario.wants_failure)
    return tuple(found)


def load_library() -> dict[str, Scenario]:
    """The scenarios that come with the package, by name: by group, what is meant to be answered first.

    They are not checked again each time: the suite does that.
    """
    return {scenario.name: scenario for scenario in _load_folders()}


def find_scenarios(wanted: Wanted) -> tuple[Scenario, ...]:
    """Scenarios by name, group/name, set, tag, glob, path or value, in that order, each once.

    PlanError names what is not there.
    """
    if isinstance(wanted, (str, Path, Scenario)):
        wanted = [wanted]
    elif not isinstance(wanted, Iterable):
        wanted = [wanted]  # what it is, is told below
    chosen: dict[str, Scenario] = {}
    for item in wanted:
        for scenario in _resolve_scenarios(item):
            if chosen.setdefault(scenario.name, scenario) != scenario:
                raise PlanError(f"two different scenarios are named {scenario.name!r}", code="bad_scenario")
    if not chosen:
        raise PlanError("no scenario was named", code="no_scenario")
    return tuple(chosen.values())


def _resolve_scenarios(item: str | Path | Scenario) -> list[Scenario]:
    if isinstance(item, Scenario):
        return [check_scenario(item)]
    if not isinstance(item, str | Path):
        raise PlanError(f"a scenario is a name, a path or a bb.Scenario, not {item!r}", code="no_scenario")
    if isinstance(item, Path) or item.endswith(".toml"):
        return [read_scenario_file(Path(item))]
    found = select_scenarios(item)
    if found:
        return found
    known = load_library()
    names = [*SETS, *GROUPS, *known, *sorted({tag for one in known.values() for tag in one.tags})]
    near = get_close_matches(item.rpartition("/")[2], names, n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise PlanError(
        f"no scenario named {item!r}; {meant}there are the sets {', '.join(SETS)}, the groups "
        f"{', '.join(f'{group}/*' for group in GROUPS)}, and what `byok-bench scenarios list` shows",
        code="no_scenario",
    )


def select_scenarios(name: str) -> list[Scenario]:
    """Scenarios of the library that a text means; none if it means nothing."""
    known = load_library()
    if name in known:
        return [known[name]]
    if name == "all":
        return [*known.values()]
    if name == "errors":  # but for what is dear, which is asked for by name
        return [one for one in known.values() if one.wants_failure and not one.cost]
    if any(mark in name for mark in "*?["):
        return [one for one in known.values() if fnmatchcase(f"{one.group}/{one.name}", name)]
    places = [one for one in known.values() if f"{one.group}/{one.name}" == name]
    return (
        places
        or [one for one in known.values() if name in one.tags]
        or [one for one in known.values() if name == one.group]
    )
