"""Judged: what one rule says of one endpoint, and what all of them amount to."""

from collections.abc import Sequence
from typing import Any

import msgspec

from byok_bench.report.gates.rules import Rule, Undecided
from byok_bench.report.stats import Interval
from byok_bench.report.stats.decisions import Verdict


class Judged(msgspec.Struct, frozen=True, omit_defaults=False):
    """What one rule says of one endpoint."""

    rule: str
    endpoint: str
    """Label."""
    verdict: Verdict
    value: float | None
    """The number in its unit, a share from 0 to 1, or what it differs by from the baseline."""
    low: float | None
    """Ends of its 95 % interval; None for counts, and where n is too small."""
    high: float | None
    n: int
    """Answers, pairs, prompts (shares), or exchanges (counts)."""
    sentence: str
    """All of it in words."""
    model: str = ""
    metric: str = ""
    unit: str = ""
    counts_as: Verdict = "undecided"
    """The verdict, or what the rule lets an undecided one count for."""
    family: Verdict | None = None
    """The verdict at the level of the whole family of estimated rules (Bonferroni); None for counts."""
    family_level: float | None = None
    relative: tuple[float | None, float | None, float | None] | None = None
    """Value, low and high as a share of the baseline, where the margin is one."""
    needed: int | None = None
    """How many more would decide at 95 % power, in what n counts; None where that is not known."""


def conclude(judged: Sequence[Judged], undecided: Undecided | None = None) -> Verdict:
    """What all results amount to; `undecided` says what an undecided one counts for."""
    found = {undecided or "undecided" if one.counts_as == "undecided" else one.counts_as for one in judged}
    return "fail" if "fail" in found else "undecided" if "undecided" in found else "pass"


class Subject(msgspec.Struct, frozen=True):
    """The rule and the endpoint that a verdict is about."""

    rule: Rule
    endpoint: str
    model: str
    shown: str
    """How sentences call it."""

    def make(self, verdict: Verdict, found: Interval, sentence: str, **more: Any) -> Judged:
        """The verdict with its numbers."""
        metric = self.rule.get_metric()
        return Judged(
            rule=self.rule.label,
            endpoint=self.endpoint,
            verdict=verdict,
            value=found.value,
            low=found.low,
            high=found.high,
            n=found.n,
            sentence=sentence,
            model=self.model,
            metric=self.rule.metric,
            unit="share" if metric.kind == "share" else metric.unit,
            counts_as=self.rule.undecided or verdict if verdict == "undecided" else verdict,
            **more,
        )
