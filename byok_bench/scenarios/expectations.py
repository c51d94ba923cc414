"""What a sample expects of its answers, as data, and whether the recorded exchanges meet it.

Pure functions of the record: nothing is sent, so a stored run can be judged again. An expectation gives None when
it is met and one sentence when it is not. Broken wire rules are the checks' business, not in here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from byok_bench.checks.json_schema import find_violation
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import ToolCall
from byok_bench.scenarios.tools import Tool
from byok_bench.wire.bodies import bounded_json
from byok_bench.wire.bodies.bounded_json import Malformed

OutcomeName = Literal["ok", "unmet", "failed", "excluded"]
"""ok: all met. unmet: answered, not as expected. failed: no good answer. excluded: not asked, with the reason."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one sample ended on one target in one repeat."""

    outcome: OutcomeName
    why: tuple[str, ...] = ()
    """One sentence for each expectation that was not met, or why it failed or was left out."""


class PlayedSample(msgspec.Struct, frozen=True):
    """What expectations look at: the exchanges of one sample, in turn order, and what was offered."""

    turns: Sequence[Exchange]
    tools: Mapping[str, Tool]
    answer_schema: dict[str, Any] | None
    """JSON Schema that the request demanded of the text."""

    @property
    def calls(self) -> list[ToolCall]:
        """Tool calls of all turns."""
        return [call for turn in self.turns for call in turn.output.tool_calls]


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="answered", tag_field="what"):
    """The last turn holds text."""

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        return None if seen.turns[-1].output.text.strip() else "the last answer holds no text"


class TextContains(msgspec.Struct, frozen=True, kw_only=True, tag="text_contains", tag_field="what"):
    """The last turn's text holds one of these words, in any case."""

    any_of: tuple[str, ...]

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        text = seen.turns[-1].output.text.casefold()
        if any(word.casefold() in text for word in self.any_of):
            return None
        return f"the last answer holds none of: {', '.join(self.any_of)}"


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finish_reason", tag_field="what"):
    """The last turn's finish reason is one of these."""

    any_of: tuple[str, ...]

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        reason = seen.turns[-1].output.finish_reason
        return None if reason in self.any_of else f"finish_reason is {reason!r}"


class ToolCalled(msgspec.Struct, frozen=True, kw_only=True, tag="tool_called", tag_field="what"):
    """Some turn asked for one of these tools; for any offered tool if none is named."""

    any_of: tuple[str, ...] = ()

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        wanted = self.any_of or tuple(seen.tools)
        names = [call.name for call in seen.calls]
        if any(name in wanted for name in names):
            return None
        return f"called {', '.join(names)}, expected {' or '.join(wanted)}" if names else "no tool was called"


class ArgumentsValid(msgspec.Struct, frozen=True, kw_only=True, tag="arguments_valid", tag_field="what"):
    """The arguments of every call are JSON and fit the schema of the tool; there is at least one call."""

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        if not seen.calls:
            return "no tool was called"
        for call in seen.calls:
            tool = seen.tools.get(call.name)
            why = find_misfit(call.arguments or "{}", tool.parameters) if tool else "no such tool was offered"
            if why:
                return f"arguments of {call.name}: {why}"
        return None


class ArgumentsHold(msgspec.Struct, frozen=True, kw_only=True, tag="arguments_hold", tag_field="what"):
    """Some call's arguments hold this text, in any case."""

    text: str

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        if any(self.text.casefold() in call.arguments.casefold() for call in seen.calls):
            return None
        return f"no call's arguments hold {self.text!r}"


class JsonMatches(msgspec.Struct, frozen=True, kw_only=True, tag="json_matches", tag_field="what"):
    """The last turn's text is JSON that fits the schema that the request demanded."""

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        if seen.answer_schema is None:
            return "the request demanded no schema"
        return find_misfit(seen.turns[-1].output.text, seen.answer_schema)


class Turns(msgspec.Struct, frozen=True, kw_only=True, tag="turns", tag_field="what"):
    """The conversation took at least this many turns."""

    at_least: int

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        count = len(seen.turns)
        return None if count >= self.at_least else f"{count} turns, expected at least {self.at_least}"


class OutputDeltas(msgspec.Struct, frozen=True, kw_only=True, tag="output_deltas", tag_field="what"):
    """The last turn's stream carried output in at least this many deltas."""

    at_least: int

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        count = len(seen.turns[-1].reading.marks)
        return None if count >= self.at_least else f"{count} deltas with output, expected at least {self.at_least}"


class FailureKind(msgspec.Struct, frozen=True, kw_only=True, tag="failure_kind", tag_field="what"):
    """The server refuses, and its refusal reads as one of these kinds (and has one of these statuses, if named)."""

    any_of: tuple[str, ...]
    statuses: tuple[int, ...] = ()

    def find_shortfall(self, seen: PlayedSample) -> str | None:
        """None if met."""
        error = seen.turns[-1].error
        if error is None:
            return f"the request was served, expected {' or '.join(self.any_of)}"
        if error.kind not in self.any_of:
            return f"failed as {error.kind}, expected {' or '.join(self.any_of)}"
        if self.statuses and error.status not in self.statuses:
            return f"status {error.status}, expected {' or '.join(map(str, self.statuses))}"
        return None


Expectation = (
    Answered
    | TextContains
    | Finished
    | ToolCalled
    | ArgumentsValid
    | ArgumentsHold
    | JsonMatches
    | Turns
    | OutputDeltas
    | FailureKind
)


def judge_expectations(expectations: Sequence[Expectation], seen: PlayedSample) -> Outcome:
    """The outcome of a sample whose turns were recorded; at least one turn."""
    wants_failure = any(isinstance(expected, FailureKind) for expected in expectations)
    error = seen.turns[-1].error
    if error is not None and not wants_failure:
        return Outcome(outcome="failed", why=(f"{error.kind} ({error.phase}): {error.message}",))
    if error is not None and error.phase in ("config", "policy", "dns", "connect", "tls"):
        # Nothing reached the server, so nothing was shown about how it refuses.
        return Outcome(outcome="failed", why=(f"{error.kind} ({error.phase}): {error.message}",))
    unmet = tuple(why for expected in expectations if (why := expected.find_shortfall(seen)) is not None)
    return Outcome(outcome="unmet" if unmet else "ok", why=unmet)


def find_misfit(text: str, schema: Mapping[str, Any]) -> str | None:
    """Why a text is not JSON of this schema; None if it is."""
    value = bounded_json.decode_json(text)
    if isinstance(value, Malformed):
        return "not JSON"
    broken = find_violation(value, schema)
    return None if broken is None else f"does not fit the schema: {broken}"
