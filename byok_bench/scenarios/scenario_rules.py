"""What makes sense in a scenario beyond its types: every problem is one PlanError that names path and remedy."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from byok_bench.checks.registry import load_catalogue
from byok_bench.errors import PlanError
from byok_bench.scenarios.expectations.calls import CalledExactly
from byok_bench.scenarios.expectations.rounds import NoFinding
from byok_bench.scenarios.expectations.texts import TextMatches
from byok_bench.scenarios.fill import Fill
from byok_bench.scenarios.misfits import describe_misfit, suggest_name
from byok_bench.scenarios.own_tools import OwnTool
from byok_bench.scenarios.scenario import (
    DIALECTS,
    FORMAT_VERSION,
    Request,
    Sample,
    Scenario,
    find_turn_request,
    lay_over,
)
from byok_bench.scenarios.schema_fit import find_schema_fault
from byok_bench.scenarios.toolbox import open_toolbox


def check_scenario(scenario: Scenario) -> Scenario:
    """The same scenario, if it makes sense; PlanError says what does not."""
    if scenario.version not in (1, FORMAT_VERSION):
        raise PlanError(f"version {scenario.version} of the scenario format is neither 1 nor 2", code="bad_version")
    problem = next(_iterate_problems(scenario), None)
    if problem is not None:
        raise PlanError(problem, code="bad_scenario")
    return scenario


def _iterate_problems(scenario: Scenario) -> Iterator[str]:
    if not scenario.name or scenario.name != scenario.name.strip() or "/" in scenario.name:
        yield f"{scenario.name!r} is no name for a scenario"
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


def _find_sample_problems(scenario: Scenario, sample: Sample, place: str) -> Iterator[str]:
    if not sample.messages:
        yield f"{place} needs at least one message"
    if problem := _find_request_problem(scenario.request, sample.request, f"{place}.request"):
        yield problem
        return
    yield from _find_tool_problems(sample.tools or (), f"{place}.tools")
    task = lay_over(scenario, sample)
    if task.rounds < 1:
        yield f"{place}: max_rounds must be at least 1"
    yield from _find_turn_problems(task, "turns" if sample.turns is None else f"{place}.turns")
    yield from _find_fill_problems(task.fill, "fill" if sample.fill is None else f"{place}.fill")
    yield from _find_choice_problems(task, place)
    yield from _find_expectation_problems(task, sample, place)


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
        if isinstance(tool, str):
            continue
        where = f"{place}[{position}]"
        if not tool.name:
            yield f"{where}: a tool needs a name"
        if fault := find_schema_fault(tool.parameters):
            yield f"{where}.parameters is no JSON Schema: {fault}"
        for number, row in enumerate(tool.results):
            given = [one is not None for one in (row.result, row.template, row.words, row.error)]
            if sum(given) > 1:
                yield f"{where}.results[{number}]: only one of result, template, words and error can be given"
            yield from _find_pattern_problems(row.pattern, f"{where}.results[{number}].pattern")


def _find_pattern_problems(patterns: Mapping[str, str], place: str) -> Iterator[str]:
    for name, pattern in patterns.items():
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"{place}.{name}: {pattern!r} is no regular expression: {error}"


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
        if turn.max_rounds is not None and turn.max_rounds < 1:
            yield f"{where}: max_rounds must be at least 1"


def _find_fill_problems(fill: Fill | None, place: str) -> Iterator[str]:
    if fill is None:
        return
    if not 1 <= fill.tokens <= 10_000_000:
        yield f"{place}.tokens must be from 1 to 10000000"
    depths = [fact.at for fact in fill.facts] + ([] if fill.break_at is None else [fill.break_at])
    if any(not 0 <= depth <= 1 for depth in depths):
        yield f"{place}: a depth is from 0, the beginning, to 1, the end"


def _find_choice_problems(task: Scenario, place: str) -> Iterator[str]:
    offered = list(open_toolbox(task).tools)
    for turn in range(len(task.turns) + 1):
        request = find_turn_request(task, turn)
        choice, modes = request.tool_choice, ["auto", "required", "none", *offered]
        if choice is not None and choice not in modes:
            near = suggest_name(choice, modes)
            yield f"request.tool_choice {choice!r} is neither a mode nor an offered tool{near} ({place})"
        after = request.cancel_after
        if after is not None and (after.deltas is None) == (after.ms is None):
            yield f"request.cancel_after wants one of deltas and ms ({place})"
        if odd := [name for name in request.extra if name not in (*DIALECTS, "all")]:
            near = suggest_name(odd[0], [*DIALECTS, "all"])
            yield f"request.extra.{odd[0]}: there is no such dialect{near} ({place})"
        order = task.turns[turn - 1].tools if turn else ()
        if odd := [name for name in order if name not in offered]:
            near = suggest_name(odd[0], offered)
            yield f"turns[{turn - 1}].tools: no tool named {odd[0]!r} is offered{near} ({place})"


def _find_expectation_problems(task: Scenario, sample: Sample, place: str) -> Iterator[str]:
    labels = [expected.label for expected in sample.expect]
    for position, expected in enumerate(sample.expect):
        where = f"{place}.expect[{position}]"
        if expected.turn is not None and not 0 <= expected.turn <= len(task.turns):
            yield f"{where}.turn: there is no user turn {expected.turn}, they count from 0 to {len(task.turns)}"
        if isinstance(expected, TextMatches):
            yield from _find_pattern_problems({"pattern": expected.pattern}, where)
        if isinstance(expected, CalledExactly):
            for number, call in enumerate(expected.calls):
                yield from _find_pattern_problems(call.pattern, f"{where}.calls[{number}].pattern")
        if isinstance(expected, NoFinding):
            yield from _find_rule_problems(expected, where)
    for position, mistake in enumerate(sample.mistake):
        where = f"{place}.mistake[{position}].caught_by"
        if mistake.caught_by not in labels:
            yield f"{where}: no expectation is named {mistake.caught_by!r}{suggest_name(mistake.caught_by, labels)}"
        elif labels.count(mistake.caught_by) > 1:
            yield f"{where}: several expectations are named {mistake.caught_by!r}; give each a `name`"


def _find_rule_problems(expected: NoFinding, place: str) -> Iterator[str]:
    """A rule or a group that there is none of would always be met."""
    catalogue = load_catalogue()
    for field, known in (("group", {one.group for one in catalogue}), ("id", {one.id for one in catalogue})):
        name = getattr(expected, field)
        if name is not None and name not in known:
            yield f"{place}.{field}: the catalogue has no {field} {name!r}{suggest_name(name, sorted(known))}"
