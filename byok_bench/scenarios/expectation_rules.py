"""What makes sense in expectations, solutions and mistakes of a sample: an oracle that cannot fail measures nothing.

Each problem is a sentence that begins with the path.
"""

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

from byok_bench.checks.offered_tools import find_offered_tools
from byok_bench.checks.registry import load_catalogue
from byok_bench.scenarios.expectations.calls import (
    ArgumentsHold,
    CalledExactly,
    CallsInParallel,
    NotCalled,
    State,
    ToolCalled,
)
from byok_bench.scenarios.expectations.expected import Expected
from byok_bench.scenarios.expectations.rounds import AgreesWith, DiffersFrom, FailureKind, NoFinding
from byok_bench.scenarios.expectations.texts import (
    FactsNamed,
    Finished,
    JsonMatches,
    StoppedAt,
    TextContains,
    TextLacks,
    TextMatches,
)
from byok_bench.scenarios.expectations.token_usage import UsageBetween, UsageRises
from byok_bench.scenarios.misfits import suggest_name
from byok_bench.scenarios.patterns import find_pattern_problem
from byok_bench.scenarios.scenario import Sample, Scenario, find_turn_request
from byok_bench.scenarios.solutions import ScriptedAnswer
from byok_bench.scenarios.toolbox import open_toolbox
from byok_bench.wire.failures import KINDS

_WORDS: Final = (TextContains, TextLacks, StoppedAt)
FINISH_REASONS: Final = ("stop", "length", "tool_calls", "content_filter", "function_call")
"""What answers of all dialects are read as."""
FINISHES: Final = ("stop", "length", "tool_calls")
"""Finish reasons that a scripted answer can have, in chat's words."""


def find_expectation_problems(task: Scenario, sample: Sample, place: str) -> Iterator[str]:
    """`task` is the scenario with the sample's own settings, `place` where the sample stands."""
    offered = _list_offered(task)
    labels = [expected.label for expected in sample.expect]
    for position, expected in enumerate(sample.expect):
        where = f"{place}.expect[{position}]"
        yield from _find_turn_problems(task, expected, where)
        yield from _find_value_problems(expected, where)
        yield from _find_lacks(task, expected, where)
        yield from _find_name_problems(expected, offered, where)
    for position, answer in enumerate(sample.solution):
        yield from _find_answer_problems(answer, f"{place}.solution[{position}]")
    for position, mistake in enumerate(sample.mistake):
        where = f"{place}.mistake[{position}]"
        if mistake.caught_by not in labels:
            meant = suggest_name(mistake.caught_by, labels)
            yield f"{where}.caught_by: no expectation is named {mistake.caught_by!r}{meant}"
        elif labels.count(mistake.caught_by) > 1:
            yield f"{where}.caught_by: several expectations are named {mistake.caught_by!r}; give each a `name`"
        if not mistake.turns:
            yield f"{where}.turns: a mistake needs at least one answer"
        for number, answer in enumerate(mistake.turns):
            yield from _find_answer_problems(answer, f"{where}.turns[{number}]")


def _list_offered(task: Scenario) -> list[str]:
    """Names of all tools that some request offers: the scenario's, and those in members that are sent as they stand."""
    raw = [find_turn_request(task, turn).extra for turn in range(len(task.turns) + 1)]
    raw += [task.spoil.members] if task.spoil is not None else []
    as_they_stand = [name for members in raw for body in members.values() for name in find_offered_tools(body)]
    return list(dict.fromkeys([*open_toolbox(task).tools, *as_they_stand]))


def _find_turn_problems(task: Scenario, expected: Expected, where: str) -> Iterator[str]:
    last = len(task.turns)
    for field in ("turn", "as_turn", "from_turn"):
        turn = getattr(expected, field, None)
        if turn is not None and not 0 <= turn <= last:
            yield f"{where}.{field}: there is no user turn {turn}, they count from 0 to {last}"
    other = getattr(expected, "from_turn" if isinstance(expected, UsageRises) else "as_turn", None)
    if isinstance(expected, AgreesWith | DiffersFrom | UsageRises) and other == _read_turn(expected, last):
        yield f"{where}: user turn {other} is compared with itself; name two that differ"


def _read_turn(expected: Expected, last: int) -> int:
    return last if expected.turn is None else expected.turn


def _find_value_problems(expected: Expected, where: str) -> Iterator[str]:
    if isinstance(expected, _WORDS) and not all((expected.any_of, *expected.any_of)):
        yield f"{where}.any_of: name at least one text, and none that is empty"
    if isinstance(expected, ArgumentsHold) and not expected.text:
        yield f"{where}.text: an empty text is in all arguments"
    if isinstance(expected, Finished | FailureKind) and not expected.any_of:
        yield f"{where}.any_of: name at least one"
    if isinstance(expected, TextMatches) and (problem := find_pattern_problem(expected.pattern)):
        yield f"{where}.pattern: {problem}"
    if isinstance(expected, CalledExactly):
        for number, call in enumerate(expected.calls):
            for name, pattern in call.pattern.items():
                if problem := find_pattern_problem(pattern):
                    yield f"{where}.calls[{number}].pattern.{name}: {problem}"
    if isinstance(expected, CallsInParallel) and not expected.at_least and expected.at_most is None:
        yield f"{where}: give at_least or at_most; as it stands it is always met"
    if isinstance(expected, CallsInParallel | UsageBetween):
        least, most = expected.at_least, expected.at_most
        if least is not None and most is not None and least > most:
            yield f"{where}: at_least {least} is more than at_most {most}"


def _find_lacks(task: Scenario, expected: Expected, where: str) -> Iterator[str]:
    """What an expectation is about and the scenario has not."""
    turns = range(len(task.turns) + 1)
    if isinstance(expected, JsonMatches) and not any(find_turn_request(task, turn).answer_schema for turn in turns):
        yield f"{where}: no request has an answer_schema that the text could fit"
    fills = [task.fill, *(turn.fill for turn in task.turns)]
    if isinstance(expected, FactsNamed) and not any(fill is not None and fill.facts for fill in fills):
        yield f"{where}: no fill hides a fact"
    if isinstance(expected, State) and (task.environment is None or task.environment.name == "cities"):
        yield f"{where}: there is no environment that has a state; give files, shell or store"


def _find_name_problems(expected: Expected, offered: list[str], where: str) -> Iterator[str]:
    """A rule, a kind or a tool that there is none of would always be met, or never."""
    if isinstance(expected, NoFinding):
        catalogue = load_catalogue()
        for field, known in (("group", {one.group for one in catalogue}), ("id", {one.id for one in catalogue})):
            name = getattr(expected, field)
            if name is not None and name not in known:
                yield f"{where}.{field}: the catalogue has no {field} {name!r}{suggest_name(name, sorted(known))}"
    if isinstance(expected, FailureKind):
        for number, kind in enumerate(expected.any_of):
            if kind not in KINDS:
                yield f"{where}.any_of[{number}]: no kind of failure is {kind!r}{suggest_name(kind, sorted(KINDS))}"
    if isinstance(expected, Finished):
        for number, reason in enumerate(expected.any_of):
            # A server may have a word of its own; what is nearly one of the usual is a typo.
            if reason not in FINISH_REASONS and get_close_matches(reason, FINISH_REASONS, n=1):
                meant = suggest_name(reason, list(FINISH_REASONS))
                yield f"{where}.any_of[{number}]: no finish reason is {reason!r}{meant}"
    if isinstance(expected, ToolCalled | NotCalled):
        named = [(f"any_of[{number}]", name) for number, name in enumerate(expected.any_of)]
    elif isinstance(expected, CalledExactly):
        named = [(f"calls[{number}].name", call.name) for number, call in enumerate(expected.calls)]
    else:
        named = []
    for field, name in named:
        if name not in offered:
            yield f"{where}.{field}: no tool named {name!r} is offered{suggest_name(name, offered)}"


def _find_answer_problems(answer: ScriptedAnswer, where: str) -> Iterator[str]:
    if answer.finish_reason is not None and answer.finish_reason not in FINISHES:
        meant = suggest_name(answer.finish_reason, list(FINISHES))
        yield f"{where}.finish_reason: a scripted answer cannot end with {answer.finish_reason!r}{meant}"
    if answer.fault is not None:
        known = [one.id for one in load_catalogue()]
        if answer.fault not in known:
            yield f"{where}.fault: the catalogue has no rule {answer.fault!r}{suggest_name(answer.fault, known)}"
