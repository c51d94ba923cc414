"""All expectations, and the outcome of a sample whose answers were recorded."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from byok_bench.scenarios.expectations.calls import (
    ArgumentsHold,
    ArgumentsValid,
    CalledExactly,
    CallsInParallel,
    NotCalled,
    PropertiesInOrder,
    State,
    ToolCalled,
)
from byok_bench.scenarios.expectations.expected import PlayedSample
from byok_bench.scenarios.expectations.request_lines import (
    CallsFitRequest,
    NamesInOrder,
    NotOnlyReasoning,
    NotRepeated,
)
from byok_bench.scenarios.expectations.rounds import (
    AgreesWith,
    Cancelled,
    Choices,
    DiffersFrom,
    FailureKind,
    LogprobsGiven,
    MaxRounds,
    NoFinding,
    OutputDeltas,
    Turns,
)
from byok_bench.scenarios.expectations.texts import (
    Answered,
    FactsNamed,
    Finished,
    JsonEquals,
    JsonMatches,
    Reasoned,
    StoppedAt,
    TextContains,
    TextLacks,
    TextMatches,
)
from byok_bench.scenarios.expectations.token_usage import OutputReached, UsageBetween, UsageRises

OutcomeName = Literal["ok", "unmet", "failed", "excluded"]
"""ok: all met. unmet: answered, not as expected. failed: no good answer. excluded: not asked, with the reason."""

Expectation = (
    Answered | TextContains | TextLacks | TextMatches | Finished | StoppedAt | JsonMatches | JsonEquals | FactsNamed
    | Reasoned | ToolCalled | NotCalled | CalledExactly | CallsInParallel | ArgumentsValid | ArgumentsHold
    | PropertiesInOrder | State | Turns | MaxRounds | OutputDeltas | Cancelled | Choices | LogprobsGiven | AgreesWith
    | DiffersFrom | NoFinding | UsageBetween | UsageRises | OutputReached | FailureKind
    | CallsFitRequest | NamesInOrder | NotRepeated | NotOnlyReasoning
)  # fmt: skip


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How one sample ended on one target in one repeat."""

    outcome: OutcomeName
    why: tuple[str, ...] = ()
    """One sentence for each expectation that was not met, or why it failed or was left out."""


def judge_expectations(expectations: Sequence[Expectation], seen: PlayedSample) -> Outcome:
    """The outcome of a sample whose turns were recorded; at least one turn."""
    wants_failure = any(isinstance(expected, FailureKind) for expected in expectations)
    error = seen.turns[-1].error
    if error is not None and not wants_failure:
        return Outcome(outcome="failed", why=(f"{error.kind} ({error.phase}): {error.message}",))
    if error is not None and error.phase in ("config", "policy", "dns", "connect", "tls"):
        # Nothing reached the server, so nothing was shown about how it refuses.
        return Outcome(outcome="failed", why=(f"{error.kind} ({error.phase}): {error.message}",))
    unmet = list_unmet(expectations, seen)
    return Outcome(outcome="unmet" if unmet else "ok", why=tuple(why for _, why in unmet))


def list_unmet(expectations: Sequence[Expectation], seen: PlayedSample) -> list[tuple[str, str]]:
    """(label, why it is not met) of each expectation that is not."""
    found = [(expected.label, expected.find_shortfall(seen)) for expected in expectations]
    return [(label, why) for label, why in found if why is not None]
