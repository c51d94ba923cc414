"""Scenario and Sample: an agent task as data, read from TOML, checked once on entry.

A scenario is a request template, the tools it offers, and samples; a sample is one input with what is expected of
the answers. How a request is worded in each dialect is in phrasing.py, the turn loop in agent.py.
"""

from collections.abc import Sequence
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from byok_bench.errors import PlanError
from byok_bench.scenarios.expectations import Expectation
from byok_bench.scenarios.tools import find_tools

FORMAT_VERSION: Final = 1


class Message(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One message of the opening."""

    role: Literal["system", "user", "assistant"]
    content: str


class Sample(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One input of a scenario, with what is expected."""

    name: str
    messages: tuple[Message, ...]
    expect: tuple[Expectation, ...] = ()
    """All must be met for the outcome `ok`."""


class Spoil(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is wrong with the request on purpose; an error scenario has one of these."""

    model: str | None = None
    """Ask for this model instead of the target's."""
    wrong_key: bool = False
    """Send a well-formed key that nobody issued; left out where the endpoint uses no key."""
    overflow: bool = False
    """Fill the last message beyond the model's context window."""


class Request(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Parameters of every request of a scenario, in the words of chat completions."""

    stream: bool = True
    max_tokens: int = 64
    temperature: float | None = 0.0
    seed: int | None = None
    tool_choice: str | None = None
    """auto, required, none, or the name of a tool; for the first turn. Later turns leave the choice to the model."""
    answer_schema: dict[str, Any] | None = None
    """JSON Schema that the text must fit (`response_format` json_schema, or what the dialect calls it)."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An agent task; the same for every target."""

    version: int
    name: str
    """Short, lower case, unique among the scenarios of a run."""
    title: str
    about: str = ""
    """What it shows, in a sentence or two."""
    request: Request = Request()
    tools: tuple[str, ...] = ()
    """Names from tools.py, in the order in which they are offered."""
    max_turns: int = 1
    """Answers at most, tool round trips included."""
    spoil: Spoil | None = None
    samples: tuple[Sample, ...] = ()

    @property
    def wants_failure(self) -> bool:
        """It is an error scenario: a good server refuses it."""
        return self.spoil is not None

    @property
    def has_overlong_prompt(self) -> bool:
        """Its prompt is longer than the context window."""
        return self.spoil is not None and self.spoil.overflow


def read_scenario_file(path: Path) -> Scenario:
    """Read one scenario file; PlanError names file and field."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PlanError(f"cannot read scenario {path}: {error.strerror}", code="unreadable") from None
    return parse_scenario(raw, str(path))


def parse_scenario(raw: bytes, where: str) -> Scenario:
    """A scenario out of TOML bytes; PlanError names `where` and the field."""
    try:
        scenario = msgspec.toml.decode(raw, type=Scenario)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise PlanError(f"{where}: {error}", code="bad_scenario") from None
    try:
        return check_scenario(scenario)
    except PlanError as error:
        raise PlanError(f"{where}: {error}", code=error.code) from None


def check_scenario(scenario: Scenario) -> Scenario:
    """The same scenario, if it makes sense; PlanError says what does not."""
    if scenario.version != FORMAT_VERSION:
        raise PlanError(
            f"version {scenario.version} of the scenario format is not {FORMAT_VERSION}", code="bad_version"
        )
    if not scenario.name or scenario.name != scenario.name.strip() or "/" in scenario.name:
        raise PlanError(f"{scenario.name!r} is no name for a scenario", code="bad_scenario")
    if not scenario.samples:
        raise PlanError("a scenario needs at least one [[samples]]", code="bad_scenario")
    if scenario.max_turns < 1:
        raise PlanError("max_turns must be at least 1", code="bad_scenario")
    names = [sample.name for sample in scenario.samples]
    if len(set(names)) != len(names):
        raise PlanError("two samples have the same name", code="bad_scenario")
    if any(not sample.messages for sample in scenario.samples):
        raise PlanError("a sample needs at least one message", code="bad_scenario")
    offered = find_tools(scenario.tools)
    choice = scenario.request.tool_choice
    if choice not in (None, "auto", "required", "none", *offered):
        raise PlanError(f"request.tool_choice {choice!r} is neither a mode nor an offered tool", code="bad_scenario")
    return scenario


def load_library() -> dict[str, Scenario]:
    """The scenarios that come with the package, by name: agent prompts first, then error scenarios."""
    folder = files("byok_bench.scenarios") / "library"
    found = [
        parse_scenario(entry.read_bytes(), entry.name) for entry in folder.iterdir() if entry.name.endswith(".toml")
    ]
    found.sort(key=lambda scenario: (scenario.wants_failure, scenario.name))
    return {scenario.name: scenario for scenario in found}


SETS: Final = ("agent", "errors", "all")
"""Names that stand for several scenarios of the library."""


def find_scenarios(wanted: Sequence[str | Path | Scenario] | str | Path | Scenario) -> tuple[Scenario, ...]:
    """Scenarios by name, set name, path or value, in that order, each once; PlanError names what is not there."""
    if isinstance(wanted, (str, Path, Scenario)):
        wanted = [wanted]
    known = load_library()
    chosen: dict[str, Scenario] = {}
    for item in wanted:
        for scenario in _resolve_scenarios(item, known):
            if chosen.setdefault(scenario.name, scenario) != scenario:
                raise PlanError(f"two different scenarios are named {scenario.name!r}", code="bad_scenario")
    if not chosen:
        raise PlanError("no scenario was named", code="no_scenario")
    return tuple(chosen.values())


def _resolve_scenarios(item: str | Path | Scenario, known: dict[str, Scenario]) -> list[Scenario]:
    if isinstance(item, Scenario):
        return [check_scenario(item)]
    if isinstance(item, str) and item in known:
        return [known[item]]
    if isinstance(item, str) and item in SETS:
        return [s for s in known.values() if item == "all" or s.wants_failure == (item == "errors")]
    if isinstance(item, Path) or item.endswith(".toml"):
        return [read_scenario_file(Path(item))]
    near = get_close_matches(str(item), [*SETS, *known], n=1)
    meant = f"did you mean {near[0]!r}? " if near else ""
    raise PlanError(f"no scenario named {item!r}; {meant}there are {', '.join([*SETS, *known])}", code="no_scenario")
