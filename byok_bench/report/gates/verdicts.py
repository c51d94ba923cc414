"""gate(): rules over a run → a verdict for each rule and endpoint. How each is decided is in judgements.py."""

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

import msgspec

from byok_bench.errors import PlanError
from byok_bench.report.gates.baselines import Baseline, check_same_plan, find_baseline
from byok_bench.report.gates.estimates import Pair, Side, estimate_change
from byok_bench.report.gates.judged_rules import Judged, Subject
from byok_bench.report.gates.judgements import NOTHING, judge_bound, judge_count, judge_margin
from byok_bench.report.gates.metrics import NUMBERS
from byok_bench.report.gates.observations import Observation, list_observations
from byok_bench.report.gates.rule_files import RuleSource, describe_unknown, resolve_rules
from byok_bench.report.gates.rules import Rule
from byok_bench.report.gates.sentences import describe_silence
from byok_bench.report.gates.vendor_rules import judge_vendor_rule
from byok_bench.report.stats import compute_family_level
from byok_bench.runs.results import Run

LEVEL: Final = 0.95


def gate(run: Run | str, rules: RuleSource, against: Run | str | Path | Baseline | None = None) -> list[Judged]:
    """Judge a run by rules, one result for each rule and endpoint that it is about, in the order of the rules.

    * `run`: a run, its id, or `last`.
    * `rules`: a TOML file, the name of a preset (`tokenhub`, `aa-1k`, `openrouter-tools`), a table as a rules file
      would hold, or a list of rules, each a table or a `Rule`.
    * `against`: for rules against a baseline: a run, its id, a baseline's name, or its file.

    Raises PlanError for rules that name what is not there, a baseline of another plan, and where nothing pairs or one
    side has failures alone. Too few answers are undecided.
    """
    opened = Run.open(run) if isinstance(run, str) else run
    chosen = resolve_rules(rules)
    return Case(opened, against, chosen).judge()


def check_baseline_named(rules: Sequence[Rule], against: object) -> None:
    """Raise PlanError if a rule needs a baseline and there is none."""
    needing = [rule.label for rule in rules if rule.against]
    if against is None and needing:
        raise PlanError(f"rule {needing[0]!r} needs a baseline: name one with against", code="no_baseline")


class Case:
    """A run, what it is held against, and the rules."""

    def __init__(self, run: Run, against: Run | str | Path | Baseline | None, rules: Sequence[Rule]) -> None:
        if run.plan.measured_by:
            raise PlanError(
                f"run {run.id} was measured by {run.plan.measured_by}: rules judge what byok-bench measured; "
                "byok-bench compare holds the two side by side",
                code="foreign",
            )
        self._run = run
        self.rules = rules
        self._observations = list_observations(run, _list_numbers(rules))
        self._sizes = _list_sizes(self._observations)
        self._targets = [(target.label, target.alias or target.model) for target in run.plan.targets]
        self._scenarios = {one.name: one for one in run.plan.scenarios}
        self._before: dict[Any, Observation] = {}
        self._baseline: Baseline | None = None
        check_baseline_named(rules, against)
        if against is not None:  # one that no rule needs is checked all the same: who names it means something by it
            self._baseline = find_baseline(against, run.path)
            check_same_plan(run.plan, self._baseline)
            self._before = {one.place: one for one in self._baseline.observations}

    def judge(self) -> list[Judged]:
        """One result for each rule and endpoint, in the order of the rules."""
        return [one for _, one in self.judge_rules()]

    def judge_rules(self) -> list[tuple[Rule, Judged]]:
        """The same, each beside its rule: several may be called alike."""
        of_vendor = {place: rule for place, rule in enumerate(self.rules) if rule.get_metric().kind == "vendor"}
        others = [(place, rule) for place, rule in enumerate(self.rules) if place not in of_vendor]
        cases = [(place, (rule, *target)) for place, rule in others for target in self.list_judged_targets(rule)]
        if not cases and not of_vendor:
            raise PlanError("no exchange of the run is of a size that a rule is about", code="nothing_to_judge")
        found = [(place, one) for place, rule in of_vendor.items() for one in judge_vendor_rule(self._run, rule)]
        judged = self._judge_cases([case for _, case in cases])
        found += [(place, one) for (place, _), one in zip(cases, judged, strict=True)]
        return [(self.rules[place], one) for place, one in sorted(found, key=itemgetter(0))]

    def _judge_cases(self, cases: Sequence[tuple[Rule, str, str]]) -> list[Judged]:
        judged = [self._judge(*case, LEVEL) for case in cases]
        estimated = sum(one.family is not None for one in judged)
        if estimated == 0:
            return judged
        level = compute_family_level(estimated, LEVEL)
        return [
            one if one.family is None else _add_family(one, self._judge(*case, level) if estimated > 1 else one, level)
            for one, case in zip(judged, cases, strict=True)
        ]

    def list_judged_targets(self, rule: Rule) -> list[tuple[str, str]]:
        """The endpoints and models that a rule is about; none if no prompt is of its size. Raises PlanError."""
        found = [target for target in self._targets if rule.is_about(*target)]
        where = rule.where
        scenarios = self._run.plan.scenarios
        if not found:
            known = list(dict.fromkeys(label for label, _ in self._targets))
            model = [name for label, name in self._targets if rule.is_about(label, rule.where.model)]
            if model or where.endpoint == "*":
                raise PlanError(
                    f"rule {rule.label!r}: {describe_unknown(where.model, 'model', model)}", code="no_model"
                )
            raise PlanError(
                f"rule {rule.label!r}: {describe_unknown(where.endpoint, 'endpoint of the run', known)}",
                code="no_endpoint",
            )
        if not any(where.has_scenario(one.name, one.wants_failure, one) for one in scenarios):
            have = [one.name for one in scenarios]
            raise PlanError(
                f"rule {rule.label!r}: {describe_unknown(where.scenario, 'scenario of the run', have)}",
                code="no_scenario",
            )
        samples = {one.name for scenario in scenarios for one in scenario.samples} | {
            one.sample for one in self._observations
        }
        if not any(where.has_sample(name) for name in samples):
            raise PlanError(
                f"rule {rule.label!r}: {describe_unknown(where.sample, 'sample of the run', sorted(samples))}",
                code="no_sample",
            )
        if where.prompt_tokens is None:
            return found
        return [target for target in found if self._select(rule, target).asked]

    def _select(self, rule: Rule, target: tuple[str, str]) -> Side:
        mine = [
            one
            for one in self._observations
            if (one.endpoint, one.model) == target and rule.where.has_exchange(one, self._sizes, self._scenarios)
        ]
        asked = [one for one in mine if not one.is_open]
        return Side(asked, len(mine) - len(asked))

    def find_sides(self, rule: Rule, target: tuple[str, str]) -> tuple[Side, list[Pair]]:
        """What a rule is about on one endpoint and model, and its pairs with the baseline."""
        side = self._select(rule, target)
        return side, self._match_pairs(side)

    def _match_pairs(self, side: Side) -> list[Pair]:
        return [(self._before[one.place], one) for one in side.asked if one.place in self._before]

    def _judge(self, rule: Rule, endpoint: str, model: str, level: float) -> Judged:
        side = self._select(rule, (endpoint, model))
        names = [label for label, _ in self._targets]
        shown = f"{endpoint} · {model}" if names.count(endpoint) > 1 else endpoint
        subject = Subject(rule, endpoint, model, shown)
        if rule.against is not None:
            return self._judge_change(subject, side, level)
        if rule.get_metric().kind in ("count", "total"):
            return judge_count(subject, side)
        return judge_bound(subject, side, level)

    def _judge_change(self, subject: Subject, side: Side, level: float) -> Judged:
        metric, rule = subject.rule.get_metric(), subject.rule
        pairs = self._match_pairs(side)
        assert self._baseline is not None
        if side.asked and not pairs:
            have = dict.fromkeys(f"{one.endpoint} · {one.model}" for one in self._baseline.observations)
            raise PlanError(
                f"rule {rule.label!r}: no exchange of {subject.endpoint} · {subject.model} has a pair in baseline "
                f"{self._baseline.name}, which has {', '.join(have)}",
                code="nothing_to_pair",
            )
        if metric.kind == "number":
            for name, part in ((f"baseline {self._baseline.name}", Side([one for one, _ in pairs])), ("run", side)):
                if part.asked and part.count_failures().total() == len(part.asked):
                    said = describe_silence(metric, subject.shown, part)
                    raise PlanError(f"rule {rule.label!r}, {name}: {said}", code="nothing_to_pair")
        change = estimate_change(metric, pairs, level)
        if change.difference.value is None:
            return subject.make("undecided", NOTHING, describe_silence(metric, subject.shown, side))
        return judge_margin(subject, change)


def _add_family(one: Judged, wider: Judged, level: float) -> Judged:
    return msgspec.structs.replace(one, family=wider.verdict, family_level=level)


def _list_numbers(rules: Sequence[Rule]) -> list[str]:
    """The numbers of an exchange that some rule looks at, and by which its prompt's size is known."""
    wanted = {rule.get_metric().column for rule in rules} | {"prompt_tokens"}
    return [name for name in NUMBERS if name in wanted]


def _list_sizes(observations: Sequence[Observation]) -> Mapping[tuple[str, str, int], float]:
    """Tokens of each prompt, as most servers counted them: those that failed have no count of their own."""
    counted: dict[tuple[str, str, int], list[float]] = {}
    for one in observations:
        if "prompt_tokens" in one.numbers:
            counted.setdefault(one.prompt, []).append(one.numbers["prompt_tokens"])
    return {prompt: sorted(some)[len(some) // 2] for prompt, some in counted.items()}


def list_idle_rules(rules: Sequence[Rule], judged: Sequence[Judged]) -> Iterator[str]:
    """Rules that no exchange is about, each with why: a preset has rules for prompts of many sizes."""
    have = {one.rule for one in judged}
    yield from (f"{rule.label}: no exchange with {rule.where}" for rule in rules if rule.label not in have)
