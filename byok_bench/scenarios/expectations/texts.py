"""Expectations about what the last answer says."""

import re
from typing import Any, Final

from byok_bench.checks.json_schema import is_same_json
from byok_bench.scenarios.expectations.expected import Expected, PlayedSample
from byok_bench.scenarios.schema_fit import decode_json_text, find_misfit
from byok_bench.wire.bodies.bounded_json import Malformed

LONGEST_SEARCHED: Final = 100_000
"""Characters of an answer that a regular expression looks at."""


class Answered(Expected, frozen=True, kw_only=True, tag="answered"):
    """The last answer holds text."""

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        return None if seen.last.text.strip() else "the last answer holds no text"


class TextContains(Expected, frozen=True, kw_only=True, tag="text_contains"):
    """The last answer's text holds one of these words, in any case."""

    any_of: tuple[str, ...]

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        text = seen.last.text.casefold()
        if any(word.casefold() in text for word in self.any_of):
            return None
        return f"the last answer holds none of: {', '.join(self.any_of)}"


class TextLacks(Expected, frozen=True, kw_only=True, tag="text_lacks"):
    """The last answer's text holds none of these, in any case."""

    any_of: tuple[str, ...]

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        text = seen.last.text.casefold()
        held = [word for word in self.any_of if word.casefold() in text]
        return f"the last answer holds {held[0]!r}" if held else None


class TextMatches(Expected, frozen=True, kw_only=True, tag="text_matches"):
    """A regular expression is found in the last answer's text."""

    pattern: str

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        found = re.search(self.pattern, seen.last.text[:LONGEST_SEARCHED])
        return None if found else f"the last answer does not match {self.pattern!r}"


class Finished(Expected, frozen=True, kw_only=True, tag="finish_reason"):
    """The last answer's finish reason is one of these."""

    any_of: tuple[str, ...]

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        reason = seen.last.finish_reason
        return None if reason in self.any_of else f"finish_reason is {reason!r}"


class StoppedAt(Expected, frozen=True, kw_only=True, tag="stopped_at"):
    """The answer ended at a stop sequence: there is text, none of these is in it, and it says that it stopped."""

    any_of: tuple[str, ...]

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        held = [one for one in self.any_of if one in seen.last.text]
        if held:
            return f"the stop sequence {held[0]!r} is in the text"
        if not seen.last.text.strip():
            return "nothing was said before the stop sequence"
        reason = seen.last.finish_reason
        return None if reason == "stop" else f"finish_reason is {reason!r}"


class JsonMatches(Expected, frozen=True, kw_only=True, tag="json_matches"):
    """The last answer's text is JSON that fits the schema that the request demanded."""

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        if seen.answer_schema is None:
            return "the request demanded no schema"
        return find_misfit(seen.last.text, seen.answer_schema)


class JsonEquals(Expected, frozen=True, kw_only=True, tag="json_equals"):
    """The last answer's text is JSON that equals this value; without a value any JSON object will do."""

    value: Any = None

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        value = decode_json_text(seen.last.text)
        if isinstance(value, Malformed):
            return "not JSON"
        if self.value is None:
            return None if isinstance(value, dict) else "no JSON object"
        return None if is_same_json(value, self.value) else "the JSON is not the one expected"


class FactsNamed(Expected, frozen=True, kw_only=True, tag="facts"):
    """The last answer names the facts that were hidden in the prompt: all, or at least so many."""

    at_least: int | None = None

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        text = seen.last.text.casefold()
        missing = [fact for fact in seen.facts if fact.casefold() not in text]
        wanted = len(seen.facts) if self.at_least is None else self.at_least
        if len(seen.facts) - len(missing) >= wanted:
            return None
        return f"{len(seen.facts) - len(missing)} of {len(seen.facts)} facts named; not: {', '.join(missing)}"


class Reasoned(Expected, frozen=True, kw_only=True, tag="reasoned"):
    """There was reasoning beside the answer, in a field of its own."""

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        return None if any(turn.output.reasoning.strip() for turn in seen.turns) else "there was no reasoning"
