"""Verdict cards: can I build an agent on it, and if not, why. One piece of data, which every face only draws.

A card is about one target of a run. Its clauses say, worst first, what counts; each knows the exchanges behind it.
The states, and the thresholds that decide them:

* usable: every clause is good.
* limited: it answers well enough to be used, and something is to be known about it.
* unusable: nothing answered, or too much failed or was broken (thresholds.py).
* unknown: no agent prompt was asked.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

from byok_bench.report.evidence import name_targets
from byok_bench.report.stats import compute_quantile
from byok_bench.report.thresholds import Thresholds, make_thresholds
from byok_bench.runs.results import Run
from byok_bench.runs.row import Row
from byok_bench.scenarios.scenario import Scenario

State = Literal["usable", "limited", "unusable", "unknown"]
STATES: Final[tuple[State, ...]] = ("unusable", "limited", "unknown", "usable")
"""Worst first."""
MARKS: Final = {"usable": "✔", "limited": "▲", "unusable": "✘", "unknown": "?"}
WORDS: Final = {
    "usable": "usable",
    "limited": "usable, with reservations",
    "unusable": "not usable",
    "unknown": "not judged: no agent prompt was asked",
}
NAMED: Final = 3
"""Rules or kinds that a clause names before it counts the rest."""


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that counts."""

    text: str
    good: bool
    evidence: tuple[int, ...] = ()
    """Exchange ids of the run: those that show what is wrong; for a good clause, all that were looked at."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict on one target, in words."""

    endpoint: str
    state: State
    clauses: tuple[Clause, ...] = ()
    """Worst first."""

    @property
    def headline(self) -> str:
        """`✔ My gateway: usable`."""
        return f"{MARKS[self.state]} {self.endpoint}: {WORDS[self.state]}"

    @property
    def sentence(self) -> str:
        """The whole card as one line."""
        clauses = " · ".join(clause.text for clause in self.clauses)
        return f"{self.headline}. {clauses}" if clauses else self.headline


def make_cards(run: Run, thresholds: Thresholds | None = None) -> list[Card]:
    """One card a target, worst first."""
    limits = thresholds or make_thresholds()
    names = name_targets(run)
    scenarios = {scenario.name: scenario for scenario in run.plan.scenarios}
    cards = []
    for index, name in enumerate(names):
        rows = [row for row in run.rows if row.target == index and not row.is_warmup and not row.caused_by_us]
        cards.append(_judge_target(name, _Target(rows, scenarios), limits))
    return sorted(cards, key=lambda card: STATES.index(card.state))


class _Target:
    """The rows of one target, sorted into what the clauses are about."""

    def __init__(self, rows: Sequence[Row], scenarios: dict[str, Scenario]) -> None:
        self.scenarios = scenarios
        self.asked = [row for row in rows if row.status in ("done", "failed") and not row.wants_failure]
        self.over = [row for row in self.asked if row.outcome in ("ok", "unmet", "failed")]
        self.good = [row for row in self.asked if row.kind is None]
        self.refusals = [row for row in rows if row.wants_failure and row.outcome in ("ok", "unmet", "failed")]

    @property
    def failures(self) -> list[Row]:
        """The last turn of each agent prompt that got no good answer."""
        return [row for row in self.over if row.outcome == "failed"]

    @property
    def breaches(self) -> list[Row]:
        """Answers to agent prompts that broke a rule of severity error."""
        return [row for row in self.asked if any(found.severity == "error" for found in row.findings)]


def _judge_target(name: str, target: _Target, limits: Thresholds) -> Card:
    if not target.over:
        return Card(endpoint=name, state="unknown")
    clauses = list(_list_clauses(target, limits))
    failed, broken = len(target.failures) / len(target.over), len(target.breaches) / len(target.asked)
    if not target.good or failed > limits.failed_share or broken > limits.broken_share:
        state: State = "unusable"
    else:
        state = "usable" if all(clause.good for clause in clauses) else "limited"
    return Card(endpoint=name, state=state, clauses=tuple(sorted(clauses, key=lambda clause: clause.good)))


def _list_clauses(target: _Target, limits: Thresholds) -> Iterator[Clause]:
    yield _describe_failures(target)
    if target.breaches:
        rules = (found.check for row in target.breaches for found in row.findings if found.severity == "error")
        text = f"{len(target.breaches)} of {len(target.asked)} answers broken: {_name_most(rules)}"
        yield Clause(text=text, good=False, evidence=_list_ids(target.breaches))
    yield from _describe_unmet(target)
    yield from _describe_tools(target)
    yield from _describe_speed(target, limits)
    yield from _describe_refusals(target)


def _describe_failures(target: _Target) -> Clause:
    count = len(target.over)
    if not target.failures:
        return Clause(text=f"{count}/{count} prompts answered", good=True, evidence=_list_ids(target.over))
    kinds = _name_most(row.kind or "failed" for row in target.failures)
    text = "nothing answered" if not target.good else f"{len(target.failures)} of {count} prompts failed"
    return Clause(text=f"{text}: {kinds}", good=False, evidence=_list_ids(target.failures))


def _describe_unmet(target: _Target) -> Iterator[Clause]:
    """What was answered, and not as expected; tools have a clause of their own."""
    unmet = [row for row in target.over if row.outcome == "unmet" and not target.scenarios[row.scenario].tools]
    if unmet:
        which = _name_most(row.scenario for row in unmet)
        text = f"{len(unmet)} of {len(target.over)} not as expected: {which}"
        yield Clause(text=text, good=False, evidence=_list_ids(unmet))


def _describe_tools(target: _Target) -> Iterator[Clause]:
    asked = [row for row in target.over if target.scenarios[row.scenario].tools and row.outcome != "failed"]
    unmet = [row for row in asked if row.outcome == "unmet"]
    if unmet:
        which = _name_most(row.scenario for row in unmet)
        text = f"tools: {len(unmet)} of {len(asked)} not as expected: {which}"
        yield Clause(text=text, good=False, evidence=_list_ids(unmet))
    elif asked:
        yield Clause(text="tools ok", good=True, evidence=_list_ids(asked))


def _describe_speed(target: _Target, limits: Thresholds) -> Iterator[Clause]:
    timed = [row for row in target.good if row.ttft_ms is not None]
    median = compute_quantile([row.ttft_ms for row in timed if row.ttft_ms is not None], 0.5)
    if median is not None:
        is_slow = median > limits.slow_ttft_ms
        text = f"{'slow: ' if is_slow else ''}{_render_ms(median)} to first token"
        yield Clause(text=text, good=not is_slow, evidence=_list_ids(timed))


def _describe_refusals(target: _Target) -> Iterator[Clause]:
    """Mistakes of a client: each kind of spoilt request that was not refused as by a good server has its words."""
    wrong = [row for row in target.refusals if row.outcome != "ok"]
    if target.refusals and not wrong:
        count = len(target.refusals)
        yield Clause(text=f"{count}/{count} refusals", good=True, evidence=_list_ids(target.refusals))
    for name in dict.fromkeys(row.scenario for row in wrong):
        rows = [row for row in wrong if row.scenario == name]
        answered = [row for row in rows if row.kind is None]
        said = _describe_spoil(target.scenarios[name]) if answered else f"refuses {name} in a way of its own"
        yield Clause(text=said, good=False, evidence=_list_ids(rows))


def _describe_spoil(scenario: Scenario) -> str:
    spoil = scenario.spoil
    if spoil is not None and spoil.model is not None:
        return "answers unknown models"
    if spoil is not None and spoil.wrong_key:
        return "accepts a wrong key"
    if spoil is not None and spoil.overflow:
        return "takes over-long prompts"
    return f"does not refuse {scenario.name}"


def _name_most(names: Iterable[str]) -> str:
    """`a ×3, b, c and 2 more`: the most frequent first."""
    ranked = Counter(names).most_common()
    shown = ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in ranked[:NAMED])
    return shown + (f" and {len(ranked) - NAMED} more" if len(ranked) > NAMED else "")


def _list_ids(rows: Iterable[Row]) -> tuple[int, ...]:
    return tuple(row.exchange_id for row in rows)


def _render_ms(value: float) -> str:
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
