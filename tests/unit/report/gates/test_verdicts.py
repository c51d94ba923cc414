"""What gates decide: bounds, counts, baselines, and what they say of it."""

from typing import Any

import pytest
from support.gate_worlds import PLAN, World, make_dead_run
from support.made_run import MadeRun, failed, plan, row

from byok_bench.checks.finding import Finding
from byok_bench.errors import PlanError
from byok_bench.report.gates.judged_rules import Judged, conclude
from byok_bench.report.gates.verdicts import gate
from byok_bench.runs.planning.load_patterns import ClosedLoad
from byok_bench.runs.planning.plan import PlanSettings, make_plan
from byok_bench.scenarios.selection import find_scenarios

BROKEN = Finding(check="tool.index-gap", severity="error", message="m")


def judged(run: MadeRun, rule: dict[str, Any], against: MadeRun | None = None) -> Judged:
    """The one result of one rule."""
    [found] = gate(run, {"version": 1, "rule": [rule]}, against)
    return found


def times(*values: float, **more: Any) -> MadeRun:
    """A run whose answers began after so many milliseconds."""
    return MadeRun([row(repeat=n, ttft_ms=value, **more) for n, value in enumerate(values, 1)], PLAN)


[GATEWAY] = PLAN.endpoints
TEN = times(*range(101, 111))
BOUNDS: dict[str, tuple[MadeRun, dict[str, Any], str, str]] = {
    "a median within": (TEN, {"metric": "ttft_ms", "max": 120}, "pass",
        "TTFT of gateway is 106 ms (102–109) over 10 answers; at most 120 ms is allowed"),
    "a median beyond": (TEN, {"metric": "ttft_ms", "max": 100}, "fail",
        "TTFT of gateway is 106 ms (102–109) over 10 answers, and at most 100 ms is allowed"),
    "a bound within the interval": (TEN, {"metric": "ttft_ms", "max": 107}, "undecided", "too few to tell"),
    "below a minimum": (TEN, {"metric": "ttft_ms", "min": 200}, "fail", "at least 200 ms is asked for"),
    "too few for an interval": (times(1, 2, 3), {"metric": "ttft_ms", "max": 9}, "undecided",
        "there is an interval from 6 answers on"),
    "too few for a tail": (TEN, {"metric": "ttft_ms.p90", "max": 900}, "undecided", "from 36 answers on"),
    "a number that no answer has": (TEN, {"metric": "cost", "max": 1}, "undecided",
        "none of the 10 exchanges of gateway has a cost"),
    "a total that no answer has": (TEN, {"metric": "cost.total", "max": 1}, "undecided", "has a total of cost"),
    "a total": (times(1, 2, cost=0.25), {"metric": "cost.total", "max": 0.4}, "fail", "total of cost of gateway: 0.5"),
    "nothing answered": (make_dead_run(), {"metric": "ttft_ms", "max": 9000}, "fail",
        "gateway has no TTFT: all 3 exchanges failed (network ×3)"),
    "success of few prompts": (World(9, 5, success=1.0).make_run(1), {"metric": "outcome.ok", "min": 0.9}, "undecided",
        "success of gateway is 100 % (70.1–100) over 9 prompts"),
    "success of all": (World(9, 5, success=1.0).make_run(1), {"metric": "outcome.ok", "min": 1}, "pass", "100 %"),
    "success of all but one": (MadeRun([row(), row(repeat=2, outcome="unmet")], PLAN),
        {"metric": "outcome.ok", "min": 1}, "fail", "success of gateway is 50 %"),
    "no finding": (TEN, {"metric": "findings.severity.error", "max": 0}, "pass",
        "findings of severity error of gateway: 0 in 10 exchanges; at most 0 is allowed"),
    "a finding": (times(1, 2, findings=(BROKEN,)), {"metric": "findings.check.tool.index-gap", "max": 0}, "fail",
        "findings of rule tool.index-gap of gateway: 2 in 2 exchanges"),
    "failures of a kind": (MadeRun([failed("rate_limit"), failed(repeat=2), row(repeat=3)], PLAN),
        {"metric": "failures.rate_limit", "max": 1}, "pass", "failures of kind rate_limit of gateway: 1 in 3"),
    "a refusal that was wanted": (MadeRun([failed("auth", wants_failure=True, outcome="ok"), row()], PLAN),
        {"metric": "failures", "max": 0}, "pass", "failures of gateway: 0 in 2"),
    "a failure is not a call that was left out": (
        MadeRun([row("forced-tool", tool_calls=("f",)), failed(scenario="forced-tool", repeat=2)], PLAN),
        {"metric": "tools.called", "min": 1}, "pass", "samples that called a tool of gateway is 100 %"),
    "tools of an environment are tools": (
        MadeRun([row("transactions", tool_calls=("f",))],
                make_plan([GATEWAY], find_scenarios("transactions"), PlanSettings())),
        {"metric": "tools.called", "min": 1}, "pass", "over 1 prompt"),
    "a count while a run goes on": (MadeRun([row(), row(repeat=2, status="planned", outcome=None)], PLAN),
        {"metric": "failures", "max": 0}, "undecided", "1 exchange of the plan still to be played"),
    "a count that is passed already": (MadeRun([failed(), row(repeat=2, status="planned", outcome=None)], PLAN),
        {"metric": "failures", "max": 0}, "fail", "failures of gateway: 1 in 1 exchange"),
    "warm-up counts for nothing": (MadeRun([failed(repeat=0), row()], PLAN), {"metric": "failures", "max": 0}, "pass",
        "0 in 1 exchange"),
}  # fmt: skip


@pytest.mark.parametrize("case", BOUNDS)
def test_a_bound_is_held_broken_or_undecided(case: str) -> None:
    """And the sentence says the number, its interval, how many, and what was asked."""
    run, rule, verdict, said = BOUNDS[case]
    found = judged(run, rule)
    assert (found.verdict, said in found.sentence) == (verdict, True), found.sentence


def test_failures_are_not_forgotten_where_they_have_no_number() -> None:
    """A quick endpoint that fails half the time must not look like a quick one."""
    run = MadeRun([*times(*range(1, 9)).rows, failed(repeat=9)], PLAN)
    assert "1 of 9 exchanges failed and have none" in judged(run, {"metric": "ttft_ms", "max": 100}).sentence


def test_an_undecided_rule_says_how_many_more_it_takes() -> None:
    """In the sentence and as a number."""
    found = judged(TEN, {"metric": "ttft_ms", "max": 107})
    assert found.needed
    assert f"about {found.needed} answers more would tell" in found.sentence


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any], str, str]] = {
    "slower on every prompt": ({"slower": 1.5}, {"metric": "ttft_ms"}, "fail", "on 9 of 9 prompts"),
    "as before": ({}, {"metric": "ttft_ms"}, "pass", "shows no difference"),
    "faster": ({"slower": 0.5}, {"metric": "ttft_ms"}, "pass", "TTFT of gateway fell by"),
    "faster, where that is worse": ({"slower": 0.5}, {"metric": "ttft_ms", "better": "higher"}, "fail", "fell by"),
    "slower within what is allowed": ({"slower": 1.2}, {"metric": "ttft_ms", "margin": "50 %"}, "pass", "rose by"),
    "a tail": ({"slower": 2.0}, {"metric": "ttft_ms.p90"}, "fail", "p90 of TTFT of gateway rose by"),
    "success": ({"worse": 0.5}, {"metric": "outcome.ok"}, "fail", "success of gateway fell by"),
    "few prompts as before": ({}, {"metric": "outcome.ok"}, "undecided", "prompts more would tell"),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_held_against_its_baseline(case: str) -> None:
    """By pairs for medians, by both sides' intervals for tails, by prompts for shares."""
    drift, rule, verdict, said = CHANGES[case]
    world = World(9, 12)
    found = judged(world.make_run(2, **drift), rule | {"against": "baseline"}, world.make_run(1))
    assert (found.verdict, said in found.sentence) == (verdict, True), found.sentence


def test_prompts_that_do_not_show_a_change_are_told() -> None:
    """Six of nine prompts slower: the sentence of the specification."""
    before = [row(sample=f"s{n}", repeat=r, ttft_ms=100.0 + r) for n in range(9) for r in range(1, 9)]
    after = [
        row(sample=f"s{n}", repeat=r, ttft_ms=100.0 + r + (42 if n < 6 else (-1) ** r)) for n in range(9)
        for r in range(1, 9)
    ]  # fmt: skip
    found = judged(MadeRun(after, PLAN), {"metric": "ttft_ms", "against": "baseline"}, MadeRun(before, PLAN))
    assert found.sentence.startswith("TTFT of gateway rose by 42 ms (")
    assert " on 6 of 9 prompts; the rest shows no difference; " in found.sentence


def test_sides_pair_whatever_their_address_is() -> None:
    """A plan key holds the address; a gateway that moved is the same gateway to a team."""
    moved = plan(["elsewhere", "gateway"])
    rows = [row(target=1, repeat=n, ttft_ms=100.0 + n) for n in range(1, 11)]
    found = judged(
        MadeRun(rows, moved), {"metric": "ttft_ms", "against": "baseline", "where": {"endpoint": "gate*"}}, TEN
    )
    assert found.n == 10


def test_each_rule_speaks_of_each_endpoint() -> None:
    """In the order of the rules, then of the plan."""
    run = MadeRun([row(), row(target=1)], plan(["one", "two"]))
    rules = {"version": 1, "rule": [{"metric": "failures", "max": 0}, {"metric": "findings.severity.warn", "max": 0}]}
    assert [(one.metric, one.endpoint) for one in gate(run, rules)] == [
        ("failures", "one"), ("failures", "two"), ("findings.severity.warn", "one"), ("findings.severity.warn", "two"),
    ]  # fmt: skip


def test_rules_are_also_judged_as_a_family() -> None:
    """With many rules, one at its own level and all of them together may differ."""
    run = times(*range(101, 109))  # 8 values: an interval at 95 %, none at 99.75 %
    rules = {"version": 1, "rule": [{"metric": "ttft_ms", "max": 900 + n} for n in range(20)]}
    found = gate(run, rules)
    assert {(one.verdict, one.family) for one in found} == {("pass", "undecided")}
    assert found[0].family_level == pytest.approx(1 - 0.05 / 20)


def test_a_bucket_of_prompts_is_found_by_what_others_counted() -> None:
    """A failure has no count of tokens, and must not vanish from the bucket of its prompt."""
    run = MadeRun([row(prompt_tokens=20_000), failed(repeat=2)], PLAN)
    [found] = gate(run, {"version": 1, "rule": [
        {"metric": "failures", "max": 0, "where": {"prompt_tokens": [16384, 32768]}},
        {"metric": "failures", "max": 0, "where": {"prompt_tokens": [0, 16384]}},
    ]})  # fmt: skip
    assert (found.value, found.n) == (1, 2)


@pytest.mark.parametrize(
    ("scenario", "n"),
    [("tools/*", 1), ("tools/forced-tool", 1), ("tools", 1), ("forced-*", 1), ("text/*", 2), ("agent", 3), ("*", 3)],
)
def test_scenarios_are_named_as_in_a_plan(scenario: str, n: int) -> None:
    """By name, group and name, group, or a set."""
    run = MadeRun([row(), row(repeat=2), row("forced-tool")], PLAN)
    assert judged(run, {"metric": "failures", "max": 0, "where": {"scenario": scenario}}).n == n


def test_a_label_is_meant_as_it_is_brackets_and_all() -> None:
    """Only `*` and `?` stand for other characters."""
    run = MadeRun(TEN.rows, plan(["gpt [eu]"]))
    assert judged(run, {"metric": "ttft_ms", "max": 120, "where": {"endpoint": "gpt [eu]"}}).verdict == "pass"


REFUSED: dict[str, tuple[MadeRun, dict[str, Any], MadeRun | None, str]] = {
    "no such endpoint": (TEN, {"metric": "ttft_ms", "max": 1, "where": {"endpoint": "gatewy"}}, None,
        "no endpoint of the run is called 'gatewy'; did you mean 'gateway'?"),
    "no such model": (TEN, {"metric": "ttft_ms", "max": 1, "where": {"model": "n"}}, None,
        "no model is called 'n'; there are m"),
    "no such scenario": (TEN, {"metric": "ttft_ms", "max": 1, "where": {"scenario": "plain-anser"}}, None,
        "did you mean 'plain-answer'?"),
    "no such sample": (TEN, {"metric": "ttft_ms", "max": 1, "where": {"sample": "capitel"}}, None,
        "no sample of the run is called 'capitel'; did you mean 'capital'?"),
    "a baseline that no rule needs": (TEN, {"metric": "ttft_ms", "max": 900},
        MadeRun([row(ttft_ms=1.0)], plan(["gateway"], loads=[ClosedLoad(concurrency=4)])), "is of another plan"),
    "no baseline": (TEN, {"metric": "ttft_ms", "against": "baseline"}, None, "needs a baseline"),
    "no pairs": (TEN, {"metric": "ttft_ms", "against": "baseline"},
        MadeRun([row(repeat=n, ttft_ms=1.0) for n in range(1, 9)], plan(["other"])),
        "no exchange of gateway · m has a pair in baseline made, which has other · m"),
    "a baseline of failures": (times(100), {"metric": "ttft_ms", "against": "baseline"},
        MadeRun([failed("network")], PLAN), "baseline made: gateway has no TTFT: all 1 exchanges failed"),
    "a run of failures": (MadeRun([failed("network")], PLAN), {"metric": "ttft_ms", "against": "baseline"}, times(100),
        "run: gateway has no TTFT: all 1 exchanges failed"),
    "another load": (MadeRun([row(ttft_ms=1.0)], plan(["gateway"], loads=[ClosedLoad(concurrency=4)])),
        {"metric": "ttft_ms", "against": "baseline"}, times(100), "the load is 4 at once, and was 1 at once"),
    "no prompt of that size": (TEN, {"metric": "ttft_ms", "max": 1, "where": {"prompt_tokens": [5, 9]}}, None,
        "no exchange of the run is of a size"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_judged_is_refused_in_a_line(case: str) -> None:
    """A rule that speaks of nothing would hold for ever."""
    run, rule, against, said = REFUSED[case]
    with pytest.raises(PlanError) as caught:
        judged(run, rule, against)
    assert said in str(caught.value)


CONCLUSIONS = {
    "all pass": ([("pass", None)], None, "pass"),
    "one fails": ([("pass", None), ("undecided", None), ("fail", None)], None, "fail"),
    "one is undecided": ([("pass", None), ("undecided", None)], None, "undecided"),
    "which counts as passed": ([("undecided", None)], "pass", "pass"),
    "which counts as failed": ([("undecided", None)], "fail", "fail"),
}


@pytest.mark.parametrize("case", CONCLUSIONS)
def test_the_worst_counts(case: str) -> None:
    """Exit codes follow from it."""
    verdicts, undecided, expected = CONCLUSIONS[case]
    made = [
        Judged("r", "e", verdict, None, None, None, 0, "s", counts_as=verdict)  # type: ignore[arg-type]
        for verdict, _ in verdicts
    ]
    assert conclude(made, undecided) == expected  # type: ignore[arg-type]


def beside(slower: float) -> MadeRun:
    """Two endpoints over the same prompts, the second slower."""
    rows = [
        row(target=target, sample=f"s{prompt}", repeat=repeat, ttft_ms=(100.0 + repeat) * (slower if target else 1))
        for target in range(2)
        for prompt in range(8)
        for repeat in range(1, 9)
    ]
    return MadeRun(rows, plan(["A", "B"]))


VENDORS: dict[str, tuple[float, dict[str, Any], str]] = {
    "as the reference": (1.0, {"metric": "vendor.ttft", "reference": "A"}, "pass"),
    "slower than the reference": (1.5, {"metric": "vendor.ttft", "reference": "A"}, "fail"),
    "slower, and allowed": (1.5, {"metric": "vendor.ttft", "reference": "A", "margin": 0.9}, "pass"),
    "success of few prompts": (1.0, {"metric": "vendor.task"}, "undecided"),
    "its own number within": (1.5, {"metric": "vendor.ttft", "max": 1.6}, "pass"),
    "its own number beyond": (1.5, {"metric": "vendor.ttft", "max": 1.4}, "fail"),
    "its own share, of few prompts": (1.0, {"metric": "vendor.task", "min": 0.73}, "undecided"),
}


@pytest.mark.parametrize("case", VENDORS)
def test_a_candidate_is_judged_as_in_the_table_of_vendors(case: str) -> None:
    """Beside the reference of the same run, for each other endpoint."""
    slower, rule, verdict = VENDORS[case]
    found = judged(beside(slower), rule)
    assert (found.endpoint, found.verdict) == ("B", verdict), found.sentence
    assert "of B beside A" in found.sentence


def test_results_are_in_the_order_of_their_rules() -> None:
    """Also where some are about the table of vendors: whoever sets them beside the rules need not sort."""
    rules = [{"metric": "vendor.ttft"}, {"metric": "failures", "max": 0}, {"metric": "vendor.task"}]
    found = gate(beside(1.0), {"version": 1, "rule": rules})
    assert [one.metric for one in found] == ["vendor.ttft", "failures", "failures", "vendor.task"]


NO_VENDORS: dict[str, tuple[dict[str, Any], str]] = {
    "no such reference": ({"metric": "vendor.ttft", "reference": "C"}, "no endpoint 'C'"),
    "no such candidate": ({"metric": "vendor.ttft", "where": {"endpoint": "Bee"}}, "no candidate is called 'Bee'"),
    "a bound and a margin": ({"metric": "vendor.ttft", "max": 3, "margin": 0.1}, "has a bound or a margin"),
    "a baseline": ({"metric": "vendor.ttft", "against": "baseline"}, "and no baseline"),
    "a share in percent": ({"metric": "vendor.trigger", "min": 73}, "is a share from 0 to 1"),
    "a part of the run": ({"metric": "vendor.ttft", "where": {"scenario": "x"}}, "where takes endpoint and model"),
    "a reference of another metric": (
        {"metric": "ttft_ms", "max": 1, "reference": "A"},
        "goes with a metric of vendor",
    ),
}


@pytest.mark.parametrize("case", NO_VENDORS)
def test_a_rule_about_vendors_that_cannot_be_is_refused(case: str) -> None:
    """In a line."""
    rule, said = NO_VENDORS[case]
    with pytest.raises(PlanError, match=said):
        judged(beside(1.0), rule)
