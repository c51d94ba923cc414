"""Expectations about which tools were called, with what, and what that made of the environment."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from byok_bench.checks.json_schema import is_same_json
from byok_bench.dialects.output import ToolCall
from byok_bench.scenarios.expectations.expected import Expected, PlayedSample
from byok_bench.scenarios.schema_fit import decode_json_text, find_misfit
from byok_bench.scenarios.tools import is_fitting
from byok_bench.wire.bodies.bounded_json import Malformed


class ToolCalled(Expected, frozen=True, kw_only=True, tag="tool_called"):
    """Some answer asked for one of these tools; for any offered tool if none is named."""

    any_of: tuple[str, ...] = ()

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        wanted = self.any_of or tuple(seen.tools)
        names = [call.name for call in seen.calls]
        if any(name in wanted for name in names):
            return None
        return f"called {', '.join(names)}, expected {' or '.join(wanted)}" if names else "no tool was called"


class NotCalled(Expected, frozen=True, kw_only=True, tag="not_called"):
    """None of these tools was asked for; no tool at all if none is named."""

    any_of: tuple[str, ...] = ()

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        names = [call.name for call in seen.calls if not self.any_of or call.name in self.any_of]
        return f"called {', '.join(dict.fromkeys(names))}, which was not wanted" if names else None


class WantedCall(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One call that is expected."""

    name: str
    arguments: dict[str, Any] | None = None
    """Equal as JSON; None: any."""
    pattern: dict[str, str] = {}
    """Argument → regular expression that is found in its text."""

    def is_met_by(self, call: ToolCall) -> bool:
        """Whether this is the call."""
        value = decode_json_text(call.arguments or "{}")
        if call.name != self.name or not isinstance(value, dict):
            return False
        if self.arguments is not None and not is_same_json(value, self.arguments):
            return False
        return is_fitting(value, self.pattern)


class CalledExactly(Expected, frozen=True, kw_only=True, tag="called_exactly"):
    """These calls were asked for and no others: in this order, or as a set."""

    calls: tuple[WantedCall, ...]
    in_order: bool = True

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        made = seen.calls
        if len(made) != len(self.calls):
            names = ", ".join(call.name for call in made) or "none"
            return f"{len(made)} calls ({names}), expected {len(self.calls)}"
        if self.in_order:
            missed = [want for want, call in zip(self.calls, made, strict=True) if not want.is_met_by(call)]
        else:
            missed = _list_unmatched(self.calls, made)
        if not missed:
            return None
        arguments = missed[0].arguments if missed[0].arguments is not None else missed[0].pattern
        return f"no call of {missed[0].name} with {msgspec.json.encode(arguments).decode()} where it was expected"


def _list_unmatched(wanted: Sequence[WantedCall], made: Sequence[ToolCall]) -> list[WantedCall]:
    """Wanted calls that cannot be paired with one made call each, as many as possible being paired.

    A wanted call whose only fit is taken makes the one that took it look for another (augmenting paths), so that no
    order of patterns decides whether the set fits.
    """
    fits = [[at for at, call in enumerate(made) if want.is_met_by(call)] for want in wanted]
    taken: dict[int, int] = {}

    def find_place(number: int, tried: set[int]) -> bool:
        for at in fits[number]:
            if at not in tried:
                tried.add(at)
                if at not in taken or find_place(taken[at], tried):
                    taken[at] = number
                    return True
        return False

    return [want for number, want in enumerate(wanted) if not find_place(number, set())]


class CallsInParallel(Expected, frozen=True, kw_only=True, tag="calls_in_parallel"):
    """One answer asked for at least so many calls; none for more than so many."""

    at_least: int = 0
    at_most: int | None = None

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        most = max(len(turn.output.tool_calls) for turn in seen.turns)
        if most < self.at_least:
            return f"at most {most} calls in one answer, expected {self.at_least}"
        return None if self.at_most is None or most <= self.at_most else f"{most} calls in one answer"


class ArgumentsValid(Expected, frozen=True, kw_only=True, tag="arguments_valid"):
    """The arguments of every call are JSON and fit the schema of the tool; there is at least one call."""

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        if not seen.calls:
            return "no tool was called"
        for call in seen.calls:
            tool = seen.tools.get(call.name)
            why = find_misfit(call.arguments or "{}", tool.parameters) if tool else "no such tool was offered"
            if why:
                return f"arguments of {call.name}: {why}"
        return None


class ArgumentsHold(Expected, frozen=True, kw_only=True, tag="arguments_hold"):
    """Some call's arguments hold this text, in any case: as they were sent, or in one of their values.

    A server may send `ü` as it is or as an escape, and says the same.
    """

    text: str

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        wanted = self.text.casefold()
        if any(wanted in text.casefold() for call in seen.calls for text in _iterate_texts(call)):
            return None
        return f"no call's arguments hold {self.text!r}"


def _iterate_texts(call: ToolCall) -> Iterator[str]:
    """The arguments as they were sent, the same without escapes, and each of their texts."""
    yield call.arguments
    left = [decode_json_text(call.arguments)]
    if not isinstance(left[0], Malformed):
        yield json.dumps(left[0], ensure_ascii=False)
    while left:
        value = left.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            left += [*value, *value.values()]
        elif isinstance(value, list):
            left += value


class PropertiesInOrder(Expected, frozen=True, kw_only=True, tag="properties_in_order"):
    """The properties of the first call's arguments, or of the JSON text if nothing was called, come in this order."""

    names: tuple[str, ...]

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        calls = seen.calls
        value = decode_json_text(calls[0].arguments if calls else seen.last.text)
        if not isinstance(value, dict):
            return "no JSON object"
        order = [name for name in value if name in self.names]
        return None if order == list(self.names) else f"properties in the order {', '.join(order)}"


class State(Expected, frozen=True, kw_only=True, tag="state"):
    """The environment after the last call: all of it, or some members; members that are not there."""

    equals: dict[str, Any] | None = None
    holds: dict[str, Any] = msgspec.field(default_factory=dict)
    lacks: tuple[str, ...] = ()

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        state: Mapping[str, Any] = seen.state if isinstance(seen.state, Mapping) else {}
        if self.equals is not None and not is_same_json(dict(state), self.equals):
            return f"the state differs: {_name_difference(state, self.equals)}"
        wrong = [name for name in self.holds if name not in state or not is_same_json(state[name], self.holds[name])]
        if wrong:
            return f"the state differs: {_name_difference(state, self.holds)}"
        left = [name for name in self.lacks if name in state]
        return f"{left[0]!r} is still there" if left else None


def _name_difference(state: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """The first member that differs, by name."""
    for name in wanted:
        if name not in state:
            return f"{name!r} is missing"
        if not is_same_json(state[name], wanted[name]):
            return f"{name!r} is another"
    return f"{next(name for name in state if name not in wanted)!r} should not be there"
