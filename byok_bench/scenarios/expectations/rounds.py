"""Expectations about the course of a sample: how many answers, how they came, how they compare, how they failed."""

from byok_bench.checks.json_schema import is_same_json
from byok_bench.checks.registry import load_catalogue, run_checks
from byok_bench.dialects.answer import AnswerReading
from byok_bench.dialects.exchange import Exchange
from byok_bench.dialects.output import ToolCall
from byok_bench.scenarios.expectations.expected import Expected, PlayedSample
from byok_bench.scenarios.schema_fit import decode_json_text
from byok_bench.wire.bodies.bounded_json import Malformed


class Turns(Expected, frozen=True, kw_only=True, tag="turns"):
    """There were at least so many answers."""

    at_least: int

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        count = len(seen.turns)
        return None if count >= self.at_least else f"{count} turns, expected at least {self.at_least}"


class MaxRounds(Expected, frozen=True, kw_only=True, tag="max_rounds"):
    """There were at most so many answers."""

    at_most: int

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        count = len(seen.turns)
        return None if count <= self.at_most else f"{count} answers, expected at most {self.at_most}"


class OutputDeltas(Expected, frozen=True, kw_only=True, tag="output_deltas"):
    """The last answer's stream carried output in at least this many deltas."""

    at_least: int

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        count = len(seen.turns[-1].reading.marks)
        return None if count >= self.at_least else f"{count} deltas with output, expected at least {self.at_least}"


class Cancelled(Expected, frozen=True, kw_only=True, tag="cancelled"):
    """The last answer was cut off by this side, as the request wanted: it was still coming then."""

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        end = seen.turns[-1].raw.end
        return None if end == "cancelled" else f"the answer was over before it could be cancelled ({end})"


class Choices(Expected, frozen=True, kw_only=True, tag="choices"):
    """The last answer holds at least so many choices, each with text or calls."""

    at_least: int

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        reading = seen.turns[-1].reading
        count = sum(not one.is_empty for one in reading.choices) if isinstance(reading, AnswerReading) else 0
        return None if count >= self.at_least else f"{count} choices, expected {self.at_least}"


class LogprobsGiven(Expected, frozen=True, kw_only=True, tag="logprobs_given"):
    """The last answer came with log probabilities."""

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        body = seen.turns[-1].reading.body.data
        # Every dialect calls the value so; in an answer's text the quotation marks would be escaped.
        return None if b'"logprob":' in body.replace(b" ", b"") else "no log probabilities came"


class AgreesWith(Expected, frozen=True, kw_only=True, tag="agrees_with"):
    """The last answer says and calls what that of another user turn does: streamed and whole, or twice the same."""

    as_turn: int = 0

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        other = seen.find_part(self.as_turn)
        if other is None:
            return f"user turn {self.as_turn} was not reached"
        difference = find_disagreement(seen.turns[-1], other.turns[-1])
        return f"differs from user turn {self.as_turn}: {difference}" if difference else None


class DiffersFrom(Expected, frozen=True, kw_only=True, tag="differs_from"):
    """The last answer is another one than that of another user turn."""

    as_turn: int = 0

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        other = seen.find_part(self.as_turn)
        if other is None:
            return f"user turn {self.as_turn} was not reached"
        differs = find_disagreement(seen.turns[-1], other.turns[-1])
        return None if differs else f"the same answer as in user turn {self.as_turn}"


def find_disagreement(one: Exchange, other: Exchange) -> str:
    """In what two answers differ: text, calls or finish reason; empty if in none of these. Ids do not count."""
    mine, theirs = one.output, other.output
    if mine.text != theirs.text:
        return "the text"
    if len(mine.tool_calls) != len(theirs.tool_calls) or not all(
        map(_is_same_call, mine.tool_calls, theirs.tool_calls)
    ):
        return "the calls"
    return "" if mine.finish_reason == theirs.finish_reason else "the finish reason"


def _is_same_call(one: ToolCall, other: ToolCall) -> bool:
    """The same tool with the same arguments, equal as JSON: Messages streams them as text and has an object else."""
    if one.name != other.name:
        return False
    if one.arguments == other.arguments:
        return True
    mine, theirs = decode_json_text(one.arguments), decode_json_text(other.arguments)
    return not isinstance(mine, Malformed) and not isinstance(theirs, Malformed) and is_same_json(mine, theirs)


class NoFinding(Expected, frozen=True, kw_only=True, tag="no_finding"):
    """No answer breaks a rule: of a group of the catalogue, or one rule by its id; any rule if neither is named."""

    group: str | None = None
    id: str | None = None

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        groups = {check.id: check.group for check in load_catalogue()}
        for turn in seen.turns:
            for finding in run_checks(turn):
                if self.id in (None, finding.check) and self.group in (None, groups[finding.check]):
                    return f"{finding.check}: {finding.message}"
        return None


class FailureKind(Expected, frozen=True, kw_only=True, tag="failure_kind"):
    """The server refuses, and its refusal reads as one of these kinds (and has one of these statuses, if named)."""

    any_of: tuple[str, ...]
    statuses: tuple[int, ...] = ()

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        error = seen.turns[-1].error
        if error is None:
            return f"the request was served, expected {' or '.join(self.any_of)}"
        if error.kind not in self.any_of:
            return f"failed as {error.kind}, expected {' or '.join(self.any_of)}"
        if self.statuses and error.status not in self.statuses:
            return f"status {error.status}, expected {' or '.join(map(str, self.statuses))}"
        return None
