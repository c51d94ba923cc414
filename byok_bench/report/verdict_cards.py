"""Verdict cards: can I build an agent on it, and if not, why. One piece of data, which every face only draws.

A card is about one target of a run. Its clauses say, worst first, what counts; each knows the exchanges behind it.
The states, and the thresholds that decide them:

* usable: every clause is good.
* limited: it answers well enough to be used, and something is to be known about it.
* unusable: nothing answered, or too much failed or was broken (thresholds.py).
* unknown: no agent prompt was asked.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import msgspec

from byok_bench.report.evidence import name_targets
from byok_bench.report.selections import Selection, select_measured
from byok_bench.report.stats import compute_quantile
from byok_bench.report.table_parts import count_each
from byok_bench.report.thresholds import Thresholds, make_thresholds
from byok_bench.runs.results import Run
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
OUTCOMES: Final = ("ok", "unmet", "failed")
"""Of samples that were played to their end."""
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
    if run.plan.measured_by:
        said = Clause(text=f"measured by {run.plan.measured_by}: no answer was looked at here", good=False)
        return [Card(endpoint=name, state="unknown", clauses=(said,)) for name in names]
    scenarios = {scenario.name: scenario for scenario in run.plan.scenarios}
    measured = select_measured(run)
    cards = []
    for index, name in enumerate(names):
        some = measured.select("target", index).select("caused_by_us", False)
        cards.append(_judge_target(name, _Target(some, scenarios), limits))
    return sorted(cards, key=lambda card: STATES.index(card.state))


class _Target:
    """The exchanges of one target, sorted into what the clauses are about."""

    def __init__(self, some: Selection, scenarios: dict[str, Scenario]) -> None:
        self.scenarios = scenarios
        self.asked = some.select("status", "done", "failed").select("wants_failure", False)
        self.over = self.asked.select("outcome", *OUTCOMES)
        self.good = self.asked.select("kind", None)
        refusals = some.select("wants_failure", True).select("outcome", *OUTCOMES)
        self.refusals = refusals.drop("http_status", None)
        """Answers to mistakes of a client; what never reached the server is none."""
        self.failures = self.over.select("outcome", "failed")
        """The last turn of each agent prompt that got no good answer."""
        self.breaches = self.asked.select("has_error", True)
        """Answers to agent prompts that broke a rule of severity error."""

    def select_offering(self, over: Selection, *, tools: bool) -> Selection:
        """Of prompts that offer tools of the package, or of those that do not."""
        return over.select("scenario", *(name for name, one in self.scenarios.items() if bool(one.tools) == tools))


def _judge_target(name: str, target: _Target, limits: Thresholds) -> Card:
    if not len(target.over):
        return Card(endpoint=name, state="unknown")
    clauses = list(_list_clauses(target, limits))
    failed, broken = len(target.failures) / len(target.over), len(target.breaches) / len(target.asked)
    if not len(target.good) or failed > limits.failed_share or broken > limits.broken_share:
        state: State = "unusable"
    else:
        state = "usable" if all(clause.good for clause in clauses) else "limited"
    return Card(endpoint=name, state=state, clauses=tuple(sorted(clauses, key=lambda clause: clause.good)))


def _list_clauses(target: _Target, limits: Thresholds) -> Iterator[Clause]:
    yield _describe_failures(target)
    if len(target.breaches):
        rules: Counter[str] = Counter()
        for (check, severity), count in count_each(target.breaches.count_values("findings")).items():
            if severity == "error":
                rules[check] += count
        text = f"{len(target.breaches)} of {len(target.asked)} answers broken: {_name_most(rules)}"
        yield Clause(text=text, good=False, evidence=_list_ids(target.breaches))
    yield from _describe_unmet(target)
    yield from _describe_tools(target)
    yield from _describe_speed(target, limits)
    yield from _describe_refusals(target)


def _describe_failures(target: _Target) -> Clause:
    count = len(target.over)
    if not len(target.failures):
        return Clause(text=f"{count}/{count} prompts answered", good=True, evidence=_list_ids(target.over))
    kinds = _name_most({kind or "failed": count for kind, count in target.failures.count_values("kind").items()})
    text = "nothing answered" if not len(target.good) else f"{len(target.failures)} of {count} prompts failed"
    return Clause(text=f"{text}: {kinds}", good=False, evidence=_list_ids(target.failures))


def _describe_unmet(target: _Target) -> Iterator[Clause]:
    """What was answered, and not as expected; tools have a clause of their own."""
    unmet = target.select_offering(target.over, tools=False).select("outcome", "unmet")
    if len(unmet):
        which = _name_most(unmet.count_values("scenario"))
        text = f"{len(unmet)} of {len(target.over)} not as expected: {which}"
        yield Clause(text=text, good=False, evidence=_list_ids(unmet))


def _describe_tools(target: _Target) -> Iterator[Clause]:
    asked = target.select_offering(target.over, tools=True).drop("outcome", "failed")
    unmet = asked.select("outcome", "unmet")
    if len(unmet):
        which = _name_most(unmet.count_values("scenario"))
        text = f"tools: {len(unmet)} of {len(asked)} not as expected: {which}"
        yield Clause(text=text, good=False, evidence=_list_ids(unmet))
    elif len(asked):
        yield Clause(text="tools ok", good=True, evidence=_list_ids(asked))


def _describe_speed(target: _Target, limits: Thresholds) -> Iterator[Clause]:
    timed = target.good.drop_missing("ttft_ms")
    median = compute_quantile(timed.list_numbers("ttft_ms"), 0.5)
    if median is not None:
        is_slow = median > limits.slow_ttft_ms
        text = f"{'slow: ' if is_slow else ''}{_render_ms(median)} to first token"
        yield Clause(text=text, good=not is_slow, evidence=_list_ids(timed))


def _describe_refusals(target: _Target) -> Iterator[Clause]:
    """Mistakes of a client: each kind of spoilt request that was not refused as by a good server has its words."""
    wrong = target.refusals.drop("outcome", "ok")
    if len(target.refusals) and not len(wrong):
        count = len(target.refusals)
        yield Clause(text=f"{count}/{count} refusals", good=True, evidence=_list_ids(target.refusals))
    for (name,), some in wrong.split("scenario").items():
        answered = len(some.select("kind", None)) > 0
        said = _describe_spoil(target.scenarios[name]) if answered else f"refuses {name} in a way of its own"
        yield Clause(text=said, good=False, evidence=_list_ids(some))


def _describe_spoil(scenario: Scenario) -> str:
    spoil = scenario.spoil
    if spoil is not None and spoil.model is not None:
        return "answers unknown models"
    if spoil is not None and spoil.wrong_key:
        return "accepts a wrong key"
    if spoil is not None and spoil.overflow:
        return "takes over-long prompts"
    return f"does not refuse {scenario.name}"


def _name_most(counts: Mapping[str, int]) -> str:
    """`a ×3, b, c and 2 more`: the most frequent first."""
    ranked = Counter(counts).most_common()
    shown = ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in ranked[:NAMED])
    return shown + (f" and {len(ranked) - NAMED} more" if len(ranked) > NAMED else "")


def _list_ids(some: Selection) -> tuple[int, ...]:
    return tuple(map(int, some.list_numbers("exchange_id")))


def _render_ms(value: float) -> str:
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"
