"""Expectations about the token counts that the server told."""

from typing import Literal

from byok_bench.scenarios.expectations.expected import Expected, PlayedSample

Count = Literal["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"]
"""A field of Usage."""


class UsageBetween(Expected, frozen=True, kw_only=True, tag="usage_between"):
    """A token count of the last answer is within bounds."""

    field: Count
    at_least: int | None = None
    at_most: int | None = None

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        count = read_count(seen, self.field)
        if count is None:
            return f"no {self.field} were told"
        if self.at_least is not None and count < self.at_least:
            return f"{count} {self.field}, expected at least {self.at_least}"
        if self.at_most is not None and count > self.at_most:
            return f"{count} {self.field}, expected at most {self.at_most}"
        return None


class UsageRises(Expected, frozen=True, kw_only=True, tag="usage_rises"):
    """A token count is higher than in another user turn."""

    field: Count
    from_turn: int = 0

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        other = seen.find_part(self.from_turn)
        before = None if other is None else read_count(other, self.field)
        after = read_count(seen, self.field)
        if before is None or after is None:
            return f"no {self.field} were told"
        return None if after > before else f"{after} {self.field}, {before} in user turn {self.from_turn}"


class OutputReached(Expected, frozen=True, kw_only=True, tag="output_reached"):
    """The last answer is so many tokens long, or says that a limit ended it (finish reason `length`)."""

    tokens: int

    def judge_part(self, seen: PlayedSample) -> str | None:
        """None if met."""
        if seen.last.finish_reason == "length":
            return None
        count = read_count(seen, "completion_tokens")
        told = len(seen.turns[-1].reading.marks) if count is None else count
        return (
            None if told >= self.tokens else f"{told} tokens, expected {self.tokens} or the word that a limit ended it"
        )


def read_count(seen: PlayedSample, field: Count) -> int | None:
    """A count of the last answer; None if the server told none."""
    usage = seen.last.usage
    return None if usage is None else getattr(usage, field)
