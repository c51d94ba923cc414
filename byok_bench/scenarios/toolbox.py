"""Toolbox: the tools that one sample offers, with the state that calls leave behind.

The same calls in the same order leave the same state, so what happened is found again from the record alone.
"""

import copy
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from byok_bench.errors import PlanError
from byok_bench.scenarios.environments.cities import TOOLS
from byok_bench.scenarios.environments.environment import Environment, EnvironmentStart
from byok_bench.scenarios.environments.files import Files
from byok_bench.scenarios.environments.shell import Shell
from byok_bench.scenarios.environments.store import Store
from byok_bench.scenarios.own_tools import NO_RESULT, OwnTool
from byok_bench.scenarios.scenario import Scenario
from byok_bench.scenarios.tools import BadArguments, Tool, read_arguments, run_tool, to_result_text


class ToolAnswer(NamedTuple):
    """The answer to one call."""

    text: str
    delay: int = 0
    """It comes so many answers later; 0: at once."""


class Snapshot(NamedTuple):
    """What calls had left behind at one point."""

    state: Any
    used: Counter[tuple[str, int]]


_ENVIRONMENTS: Final[Mapping[str, Callable[[EnvironmentStart], Environment]]] = {
    "files": lambda start: Files(start.files),
    "shell": lambda start: Shell(start.files),
    "store": lambda start: Store(start.store),
}


class Toolbox:
    """The tools of one sample."""

    def __init__(self, task: Scenario) -> None:
        """`task`: the scenario with the sample's own settings. PlanError for a tool that there is none of."""
        self._own = {tool.name: tool for tool in task.tools if isinstance(tool, OwnTool)}
        start = task.environment
        self._environment = _ENVIRONMENTS[start.name](start) if start and start.name in _ENVIRONMENTS else None
        self._used: Counter[tuple[str, int]] = Counter()
        self.tools: dict[str, Tool] = {}
        """By name, in the order in which they are offered."""
        for tool in task.tools:
            offered = find_built_in_tool(tool) if isinstance(tool, str) else self._offer_own_tool(tool)
            self.tools[offered.name] = offered
        if start is not None:
            self.tools |= _choose_tools(start, self._environment)

    @property
    def state(self) -> Any:
        """Of the environment, as JSON; None where there is none."""
        return None if self._environment is None else self._environment.state

    def answer_call(self, name: str, arguments: str) -> ToolAnswer:
        """The answer to one call, carried out now."""
        if name not in self._own:
            return ToolAnswer(run_tool(name, arguments, self.tools))
        try:
            values = read_arguments(arguments)
        except BadArguments as error:
            return ToolAnswer(to_result_text({"error": str(error)}))
        return self._find_answer(name, values)

    def take_snapshot(self) -> Snapshot:
        """What calls have left behind so far."""
        return Snapshot(copy.deepcopy(self.state), self._used.copy())

    def restore(self, snapshot: Snapshot) -> None:
        """Go back to an earlier point."""
        self._used = snapshot.used.copy()
        if self._environment is not None:
            self._environment.state = copy.deepcopy(snapshot.state)

    def _find_answer(self, name: str, values: Mapping[str, Any]) -> ToolAnswer:
        for position, row in enumerate(self._own[name].results):
            used = self._used[name, position]
            if row.is_for(values) and (row.times is None or used < row.times):
                self._used[name, position] += 1
                return ToolAnswer(row.render_text(values, position), row.delay)
        return ToolAnswer(NO_RESULT)

    def _offer_own_tool(self, tool: OwnTool) -> Tool:
        def answer(values: Mapping[str, Any]) -> Any:
            return self._find_answer(tool.name, values).text

        return Tool(name=tool.name, description=tool.description, parameters=tool.parameters, answer=answer)


def open_toolbox(task: Scenario) -> Toolbox:
    """The tools of a sample at its start; `task` is the scenario with the sample's own settings."""
    return Toolbox(task)


def list_environment_tools(start: EnvironmentStart) -> list[str]:
    """Names of all tools of an environment, those that are not offered too."""
    if start.name not in _ENVIRONMENTS:
        return list(TOOLS)
    return [tool.name for tool in _ENVIRONMENTS[start.name](start).list_tools()]


def find_built_in_tool(name: str) -> Tool:
    """A tool that comes with the package; PlanError with those there are."""
    if name not in TOOLS:
        raise PlanError(f"no tool named {name!r}; there are {', '.join(TOOLS)}", code="unknown_tool")
    return TOOLS[name]


def _choose_tools(start: EnvironmentStart, environment: Environment | None) -> dict[str, Tool]:
    """The tools of an environment that are offered."""
    every = {tool.name: tool for tool in environment.list_tools()} if environment is not None else TOOLS
    unknown = [name for name in start.tools if name not in every]
    if unknown:
        names = ", ".join(every)
        raise PlanError(f"environment {start.name!r} has no tool {unknown[0]!r}; it has {names}", code="unknown_tool")
    return {name: every[name] for name in start.tools or every}
