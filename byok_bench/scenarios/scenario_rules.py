"""What makes sense in a scenario beyond its types: every problem is one PlanError that names path and remedy."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from byok_bench.errors import PlanError
from byok_bench.scenarios.environments.cities import TOOLS
from byok_bench.scenarios.expectation_rules import find_expectation_problems
from byok_bench.scenarios.misfits import describe_misfit, suggest_name
from byok_bench.scenarios.own_tools import OwnTool
from byok_bench.scenarios.patterns import find_pattern_problem
from byok_bench.scenarios.scenario import (
    FORMAT_VERSION,
    Request,
    Sample,
    Scenario,
    find_turn_request,
    lay_over,
)
from byok_bench.scenarios.schema_fit import find_schema_fault
from byok_bench.scenarios.toolbox import list_environment_tools, open_toolbox
from byok_bench.scenarios.value_rules import (
    find_cancel_problems,
    find_dialect_problems,
    find_fill_problems,
    find_limit_problems,
    find_spoil_problems,
    find_value_problems,
)


def check_scenario(scenario: Scenario) -> Scenario:
    """The same scenario, if it makes sense; PlanError says what does not."""
    if scenario.version not in (1, FORMAT_VERSION):
        raise PlanError(f"version {scenario.version} of the scenario format is neither 1 nor 2", code="bad_version")
    problem = next(_iterate_problems(scenario), None)
    if problem is not None:
        raise PlanError(problem, code="bad_scenario")
    return scenario


def _iterate_problems(scenario: Scenario) -> Iterator[str]:
    if not _is_name(scenario.name) or "/" in scenario.name:
        yield f"{scenario.name!r} is no name for a scenario"
    yield from find_value_problems(scenario)
    if not scenario.samples:
        yield "a scenario needs at least one [[samples]]"
    names = Counter(sample.name for sample in scenario.samples)
    if doubled := [name for name, count in names.items() if count > 1]:
        yield f"two samples have the same name {doubled[0]!r}"
    if scenario.max_turns < 1:
        yield "max_turns must be at least 1"
    yield from _find_tool_problems(scenario.tools, "tools")
    for position, sample in enumerate(scenario.samples):
        yield from _find_sample_problems(scenario, sample, f"samples[{position}]")


def _is_name(name: str) -> bool:
    """It can stand in a line of a table and be found again."""
    return bool(name) and name == name.strip() and name.isprintable()


def _find_sample_problems(scenario: Scenario, sample: Sample, place: str) -> Iterator[str]:
    if not _is_name(sample.name):
        yield f"{place}.name: {sample.name!r} is no name for a sample"
    if not sample.messages:
        yield f"{place} needs at least one message"
    if problem := _find_request_problem(scenario.request, sample.request, f"{place}.request"):
        yield problem
        return
    yield from _find_tool_problems(sample.tools or (), f"{place}.tools")
    task = lay_over(scenario, sample)
    if task.rounds < 1:
        yield f"{place}: max_rounds must be at least 1"
    yield from _find_environment_problems(task, "environment" if sample.environment is None else f"{place}.environment")
    yield from _find_turn_problems(task, "turns" if sample.turns is None else f"{place}.turns")
    yield from find_fill_problems(task.fill, "fill" if sample.fill is None else f"{place}.fill")
    yield from find_limit_problems(task.limits, "limits" if sample.limits is None else f"{place}.limits")
    yield from find_spoil_problems(task.spoil, place)
    yield from _find_choice_problems(task, place)
    yield from find_expectation_problems(task, sample, place)


def _find_request_problem(request: Request, members: Mapping[str, Any], place: str) -> str | None:
    try:
        msgspec.convert(msgspec.to_builtins(request) | dict(members), Request)
    except msgspec.ValidationError as error:
        return describe_misfit(error, Request, place)
    return None


def _find_tool_problems(tools: tuple[str | OwnTool, ...], place: str) -> Iterator[str]:
    names = Counter(tool if isinstance(tool, str) else tool.name for tool in tools)
    if doubled := [name for name, count in names.items() if count > 1]:
        yield f"{place}: two tools are named {doubled[0]!r}"
    for position, tool in enumerate(tools):
        where = f"{place}[{position}]"
        if isinstance(tool, str):
            if tool not in TOOLS:
                yield f"{where}: no tool named {tool!r} is built in{suggest_name(tool, list(TOOLS))}"
            continue
        if not tool.name:
            yield f"{where}: a tool needs a name"
        if fault := find_schema_fault(tool.parameters):
            yield f"{where}.parameters is no JSON Schema: {fault}"
        for number, row in enumerate(tool.results):
            given = [one is not None for one in (row.result, row.template, row.words, row.error)]
            if sum(given) != 1:
                can = "only one of result, template, words and error can be given"
                yield f"{where}.results[{number}]: {can if sum(given) else 'give result, template, words or error'}"
            yield from _find_pattern_problems(row.pattern, f"{where}.results[{number}].pattern")


def _find_pattern_problems(patterns: Mapping[str, str], place: str) -> Iterator[str]:
    for name, pattern in patterns.items():
        if problem := find_pattern_problem(pattern):
            yield f"{place}.{name}: {problem}"


def _find_environment_problems(task: Scenario, place: str) -> Iterator[str]:
    """Tools that it has, and none that a tool of the scenario's own would hide."""
    if task.environment is None:
        return
    known = list_environment_tools(task.environment)
    for position, name in enumerate(task.environment.tools):
        if name not in known:
            meant = suggest_name(name, known)
            yield f"{place}.tools[{position}]: environment {task.environment.name!r} has no tool {name!r}{meant}"
    own = [tool.name for tool in task.tools if isinstance(tool, OwnTool) and tool.name in known]
    if own:
        yield f"{place}: a tool of the scenario's own is named {own[0]!r} as well; give it another name"


def _find_turn_problems(task: Scenario, place: str) -> Iterator[str]:
    for position, turn in enumerate(task.turns):
        where = f"{place}[{position}]"
        if problem := _find_request_problem(task.request, turn.request, f"{where}.request"):
            yield problem
        if turn.again == bool(turn.user):
            yield f"{where}: give either `user`, or `again = true`"
        if not turn.again and (turn.messages or turn.fill or turn.tools):
            yield f"{where}: messages, fill and tools go with `again = true`"
        if turn.back_to is not None and (turn.again or not 0 <= turn.back_to <= position):
            yield f"{where}.back_to: {turn.back_to} is no user turn before this one, or `again` stands beside it"
        yield from find_fill_problems(turn.fill, f"{where}.fill")
        if turn.max_rounds is not None and turn.max_rounds < 1:
            yield f"{where}: max_rounds must be at least 1"


def _find_choice_problems(task: Scenario, place: str) -> Iterator[str]:
    offered = list(open_toolbox(task).tools)
    for turn in range(len(task.turns) + 1):
        request = find_turn_request(task, turn)
        choice, modes = request.tool_choice, ["auto", "required", "none", *offered]
        if choice is not None and choice not in modes:
            near = suggest_name(choice, modes)
            yield f"request.tool_choice {choice!r} is neither a mode nor an offered tool{near} ({place})"
        if choice == "required" and not offered:
            yield f"request.tool_choice: a call is required, and no tool is offered ({place})"
        if request.answer_schema is not None and (fault := find_schema_fault(request.answer_schema)):
            yield f"request.answer_schema is no JSON Schema: {fault} ({place})"
        yield from find_cancel_problems(request, place)
        yield from find_dialect_problems(request.extra, "request.extra", place)
        order = task.turns[turn - 1].tools if turn else ()
        if odd := [name for name in order if name not in offered]:
            near = suggest_name(odd[0], offered)
            yield f"turns[{turn - 1}].tools: no tool named {odd[0]!r} is offered{near} ({place})"
