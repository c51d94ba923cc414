"""Rules that are judged while a run goes on: what they decide, when, and how seldom they are wrong."""

import math
import random
from pathlib import Path

import pytest
from support.bench_server import MODEL, BenchServer, serving
from support.gate_worlds import PLAN, World
from support.made_run import MadeRun, row

from byok_bench.endpoints.endpoint import Endpoint
from byok_bench.endpoints.model import Model
from byok_bench.errors import PlanError
from byok_bench.report.gates.baselines import make_baseline
from byok_bench.report.gates.looks import check_lookable, is_every_rule_decided, judge_looked_at
from byok_bench.report.gates.rules import Rule
from byok_bench.runs.planning.rounds import ENOUGH
from byok_bench.runs.results import Run
from byok_bench.runs.runner import run


def verdict(rule: Rule, made: MadeRun, before: MadeRun | None = None) -> str:
    """What a rule says of a run that was looked at."""
    [found] = judge_looked_at(made, [rule], None if before is None else make_baseline(before))
    return found.verdict


def times(first: float, count: int = 200) -> MadeRun:
    """A run whose answers begin after `first` ms and some."""
    return MadeRun([row(repeat=n, ttft_ms=first + n % 7) for n in range(1, count)], PLAN)


SURE = World(20, 60, success=0.95)
CASES: dict[str, tuple[Rule, MadeRun, MadeRun | None, str]] = {
    "a median within": (Rule(metric="ttft_ms", max=200), times(100), None, "pass"),
    "a median beyond": (Rule(metric="ttft_ms", max=50), times(100), None, "fail"),
    "a tail within": (Rule(metric="ttft_ms.p90", max=200), times(100), None, "pass"),
    "at least": (Rule(metric="ttft_ms", min=200), times(100), None, "fail"),
    "too few": (Rule(metric="ttft_ms", max=200), times(100, 4), None, "undecided"),
    "success enough": (Rule(metric="outcome.ok", min=0.7), SURE.make_run(1), None, "pass"),
    "success not enough": (Rule(metric="outcome.ok", min=0.99), World(20, 99, success=0.7).make_run(1), None, "fail"),
    "few failures": (Rule(metric="failures.share", max=0.2), times(100), None, "pass"),
    "slower": (Rule(metric="ttft_ms", against="baseline"), SURE.make_run(2, slower=1.5), SURE.make_run(1), "fail"),
    "as before": (Rule(metric="ttft_ms", against="baseline", margin="20 %"), SURE.make_run(2), SURE.make_run(1),
        "pass"),
    "worse": (Rule(metric="outcome.ok", against="baseline"), World(20, 99).make_run(2, worse=0.4),
        World(20, 99).make_run(1), "fail"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_rule_is_decided_at_every_look(case: str) -> None:
    """Bounds, shares, and changes of medians and shares."""
    rule, made, before, expected = CASES[case]
    assert verdict(rule, made, before) == expected


def test_a_day_that_stands_on_the_bound_is_seldom_decided() -> None:
    """Looked at after every fifth repeat: a fixed-n interval would be wrong in a quarter of such runs."""
    decided = 0
    for seed in range(20):
        dice = random.Random(seed)
        rows = [row(repeat=n, ttft_ms=dice.lognormvariate(5, 0.5)) for n in range(1, 61)]
        rule = Rule(metric="ttft_ms", max=math.exp(5))  # the true median
        looks = (MadeRun(rows[:n], PLAN) for n in range(5, 61, 5))
        decided += any(is_every_rule_decided(one, [rule], None) for one in looks)
    assert decided <= 2


def test_counts_alone_cannot_be_waited_for() -> None:
    """They are decided by the end, whenever that is."""
    with pytest.raises(PlanError, match="no rule can be decided before the end of a run: failures"):
        check_lookable([Rule(metric="failures", max=0)])


def test_rules_that_are_called_alike_are_looked_at_one_by_one() -> None:
    """Rules without a name are called by their metric."""
    rules = [Rule(metric="ttft_ms", max=50), Rule(metric="ttft_ms", max=200)]
    assert [one.verdict for one in judge_looked_at(times(100), rules, None)] == ["fail", "pass"]


def test_what_a_look_leaves_undecided_counts_as_its_rule_says() -> None:
    """Also where the interval of one n would have decided."""
    [found] = judge_looked_at(times(100, 9), [Rule(metric="ttft_ms", max=200, undecided="fail")], None)
    assert (found.verdict, found.counts_as) == ("undecided", "fail")


def test_what_has_to_be_so_for_all_cannot_be_waited_for() -> None:
    """No look shows that a share is exactly 1: a run that waited for it would never end."""
    with pytest.raises(PlanError, match="no rule can be decided before the end of a run"):
        check_lookable([Rule(metric="outcome.ok", min=1), Rule(metric="failures.share", max=0)])


def test_shares_are_looked_at_in_rounds_that_both_sides_have() -> None:
    """A round without a call on one side has no share there, and moves no other round beside it."""
    rule = Rule(metric="tools.valid", against="baseline")
    before = [row(repeat=n, tool_calls=("f",) if n % 2 else (), valid_calls=n % 2) for n in range(1, 200)]
    after = [row(repeat=n, tool_calls=("f",), valid_calls=n % 2) for n in range(1, 200)]
    assert verdict(rule, MadeRun(after, PLAN), MadeRun(before, PLAN)) != "fail"


async def test_a_run_ends_once_its_rules_are_decided(tmp_path: Path) -> None:
    """What was not needed is left out and counts for nothing; mistakes of a client are played all the same."""
    rule = Rule(metric="ttft_ms", max=60_000)

    def enough(so_far: Run) -> bool:
        return is_every_rule_decided(so_far, [rule], None)

    async with serving(BenchServer()) as server:
        target = Endpoint(label="e", base_url=server.base_url, models=[Model(MODEL)])
        made = await run(target, ["plain-answer", "unknown-model"], 60, store=tmp_path / "b.sqlite", until=enough)
    agent = [one for one in made.rows if not one.wants_failure and not one.is_warmup]
    played = [one for one in agent if one.status == "done"]
    assert made.status == "finished"
    assert 5 < len(played) < 60
    assert {one.why for one in agent if one.status == "left_out"} == {(ENOUGH,)}
    assert sum(one.wants_failure for one in made.rows) == 60
    assert verdict(rule, MadeRun(played, made.plan)) == "pass"
