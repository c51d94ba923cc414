"""Candidates beside a reference: what passes, fails and stays undecided, and by which numbers."""

from functools import cache
from typing import Any

import pandas as pd
import pytest
from support.made_run import MadeRun, failed, plan, row
from support.vendor_worlds import Behaviour, VendorRun, make_world

import byok_bench as bb
from byok_bench.errors import PlanError
from byok_bench.report.vendor.comparison import conclude_lines, list_vendor_lines
from byok_bench.report.vendor.ranking import describe_ranking, list_ranking_lines
from byok_bench.report.vendor.wording import describe_candidate, render_ranking, render_vendor


@cache
def make(**differences: Any) -> VendorRun:
    """A world of a candidate that differs so."""
    return make_world(1, Behaviour(**differences))


def find(metric: str, **differences: Any) -> dict[str, Any]:
    """One line of the comparison with A."""
    (found,) = [line for line in list_vendor_lines(make(**differences), "A") if line["metric"] == metric]
    return found


def test_the_same_endpoint_twice_fails_in_nothing() -> None:
    """Its trigger is far from 1, and the floor is as far."""
    lines = list_vendor_lines(make(), "A")
    assert conclude_lines(lines) in ("pass", "undecided")
    trigger = next(line for line in lines if line["metric"] == "trigger")
    assert trigger["value"] < 0.85
    assert trigger["difference"] == pytest.approx(trigger["value"] - trigger["floor"], abs=1e-3)


WORSE = [
    ("schema_accuracy", {"valid": 0.8}),
    ("arguments", {"valid": 0.6}),
    ("trigger", {"triggers": 0.3}),
    ("finish", {"triggers": 0.3}),
    ("task", {"success": 0.5}),
    ("failures", {"fails": 0.3}),
    ("ttft", {"slower": 1.5}),
    ("e2e", {"slower": 1.5}),
]


@pytest.mark.parametrize(("metric", "differences"), WORSE)
def test_what_is_clearly_worse_fails(metric: str, differences: dict[str, Any]) -> None:
    """In its own metric, at the family's level too, and needs no more prompts."""
    found = find(metric, **differences)
    assert (found["verdict"], found["family"], found["needed"]) == ("fail", "fail", None)


def test_failures_are_in_a_line_of_their_own_and_no_no() -> None:
    """A third of the answers are refused: the trigger is as before, over what was answered."""
    found, before = find("trigger", fails=0.3), find("trigger")
    assert found["value"] == pytest.approx(before["value"], abs=0.08)
    kinds = [line for line in list_vendor_lines(make(fails=0.3), "A") if line["metric"] == "failures.rate_limit"]
    assert kinds[0]["value"] == find("failures", fails=0.3)["value"]
    assert kinds[0]["verdict"] is None


def test_a_hidden_prompt_and_another_tokenizer_are_told_apart() -> None:
    """A constant more is the one, a factor the other."""
    hidden = find("tokens.offset", tokens=add_forty), find("tokens.slope", tokens=add_forty)
    assert [line["value"] for line in hidden] == [40.0, 1.0]
    other = find("tokens.offset", tokens=double), find("tokens.slope", tokens=double)
    assert [line["value"] for line in other] == [0.0, 2.0]


def add_forty(tokens: int) -> int:
    """A system prompt of the provider's own."""
    return tokens + 40


def double(tokens: int) -> int:
    """Twice as many for the same text."""
    return tokens * 2


def test_what_is_undecided_says_what_it_takes() -> None:
    """Prompts more, and money at what a prompt has cost."""
    found = find("task")
    assert found["verdict"] == "undecided"
    assert found["needed"] > 0
    assert found["needed_cost"] == pytest.approx(found["needed"] * 0.01 * 4)


def test_margins_are_settable() -> None:
    """By metric, and for all rates or times."""
    run = make(slower=1.5)
    lines = list_vendor_lines(run, "A", margins={"times": 2.0, "e2e": 0.0, "rates": 0.5})
    verdicts = {line["metric"]: (line["margin"], line["verdict"]) for line in lines if line["verdict"]}
    assert verdicts["ttft"] == (2.0, "pass")
    assert verdicts["e2e"] == (0.0, "fail")
    assert verdicts["task"] == (0.5, "pass")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"reference": "a"}, r"no endpoint 'a'.*did you mean 'A'|there are A, B"),
        ({"reference": "A", "candidates": ["A"]}, "cannot be a candidate"),
        ({"reference": "A", "margins": {"triger": 0.1}}, "did you mean 'trigger'"),
        ({"reference": "A", "margins": {"rates": -1}}, "0 or more"),
        ({"reference": "A", "margins": {"rates": "3 %"}}, "is '3 %': it is a number"),
        ({"reference": "A", "candidates": "Beta"}, "no endpoint 'Beta'"),
    ],
)
def test_a_name_that_is_none_is_one_clear_line(arguments: dict[str, Any], said: str) -> None:
    """With the nearest one."""
    with pytest.raises(PlanError, match=said):
        list_vendor_lines(make(), **arguments)


def test_a_run_with_one_target_has_no_candidate() -> None:
    """It says so."""
    with pytest.raises(PlanError, match="there is no candidate"):
        list_vendor_lines(MadeRun([row()], plan(["one"])), "one")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([failed(target=0), failed("timeout", target=0, repeat=2), row(target=1)], r"all 2 exchanges failed \(server"),
        ([row(target=0, status="planned", outcome=None), row(target=1)], "asked nothing so far"),
    ],
)
def test_a_reference_without_an_answer_is_none(rows: list[Any], said: str) -> None:
    """A table without a line would read as if nobody fell short."""
    with pytest.raises(PlanError, match=f"one has no answer to hold others against: .*{said}"):
        list_vendor_lines(MadeRun(rows, plan()), "one")


def test_too_few_answers_are_undecided_and_no_error() -> None:
    """One answer a side; and one side that only fails."""
    one = MadeRun([row(target=0, ttft_ms=1.0), row(target=1, ttft_ms=9.0)], plan())
    assert conclude_lines(list_vendor_lines(one)) == "undecided"
    dead = MadeRun([row(target=0, ttft_ms=1.0), failed(target=1)], plan())
    lines = {line["metric"]: line["verdict"] for line in list_vendor_lines(dead)}
    assert lines["failures"] == "undecided"
    assert lines["failures.server"] is None


def test_the_frame_has_one_row_a_candidate_and_metric() -> None:
    """With numbers as numbers, NA where there is none, and the finish reasons beside it."""
    made = bb.vendor(make(valid=0.8), reference="A")
    assert not made.duplicated(["endpoint", "metric"]).any()
    assert list(made["endpoint"].unique()) == ["B"]
    assert {"value", "low", "high", "floor", "margin", "verdict", "needed"} <= set(made.columns)
    assert pd.api.types.is_float_dtype(made["value"])
    assert set(made.attrs["finish"]["B"]) == {"stop", "tool_calls"}
    assert made.equals(make(valid=0.8).table("vendor"))


def test_people_read_first_what_is_worse() -> None:
    """In words, with floor and margin; then the table, failed lines first."""
    lines = list_vendor_lines(make(valid=0.8), "A")
    first = next(iter(describe_candidate(lines)))
    assert first.startswith("B is worse than A: valid calls")
    assert render_vendor(lines)[0]["verdict"] == "fail"


def test_a_ranking_tells_who_is_best_and_whether_it_is_decided() -> None:
    """Twice as slow and half as reliable: decided; the price of an answer is the same, of a solved task it is not."""
    run = make(slower=2.0, success=0.4)
    first, second = list_ranking_lines(run)
    assert (first["endpoint"], first["quickest"], first["most_reliable"], first["cheapest"]) == (
        "A",
        "yes",
        "yes",
        "yes",
    )
    assert (second["quickest"], second["most_reliable"], second["cheapest"]) == ("no", "no", "no")
    assert second["price_per_solved"] == pytest.approx(0.01 * second["n"] / second["solved"], abs=1e-4)
    assert second["price_per_solved_low"] < second["price_per_solved"] < second["price_per_solved_high"]
    assert "quickest: A" in describe_ranking([first, second])
    assert render_ranking([first, second])[0]["solved"].endswith(" of 240")


def test_a_ranking_of_equals_is_undecided() -> None:
    """Nobody is best; without prices nobody is cheapest."""
    lines = list_ranking_lines(make())
    assert {line["most_reliable"] for line in lines} == {"undecided"}
    bare = MadeRun([row(target=0, e2e_ms=5.0), row(target=1, e2e_ms=5.0)], plan())
    assert [line["cheapest"] for line in list_ranking_lines(bare)] == [None, None]
    assert "cheapest: not to be had" in describe_ranking(list_ranking_lines(bare))
