"""The same plan over days: one number a run, and the day on which it changed."""

import json
from collections.abc import Sequence

import msgspec
import pytest
from support.made_run import MadeRun, failed, plan, row

from byok_bench.cli import run_history as command
from byok_bench.errors import PlanError
from byok_bench.report.run_history import describe_height_change, make_history
from byok_bench.report.stats.change_points import find_changes

PLAN = plan(["gateway"])


def make_days(heights: Sequence[float], broken: Sequence[int] = ()) -> list[MadeRun]:
    """One run a day at these times to the first token."""
    runs = []
    for number, height in enumerate(heights):
        rows = [row(sample=f"s{n}", ttft_ms=height + n, e2e_ms=2 * height) for n in range(9)]
        run = MadeRun([failed(sample="s0"), *rows[1:]] if number in broken else rows, PLAN)
        run.id, run.created = f"run{number}", f"2026-11-{number + 1:02}T06:00:00+00:00"
        runs.append(run)
    return runs


WEEK = [100.0, 103.0, 99.0, 101.0, 102.0, 141.0, 139.0, 142.0, 140.0, 138.0]


def test_a_change_is_dated() -> None:
    """The first day at another height, from what to what."""
    history = make_history(make_days(WEEK), "gateway")
    assert [day.run for day in history.days if day.has_changed] == ["run5"]
    said = describe_height_change(history, 5)
    assert said == "ttft_ms of gateway changed on 2026-11-06: 105 ms before, 144 ms since"
    assert history.days[0].estimate.low is not None


def test_a_steady_week_has_no_change() -> None:
    """Nor has one of three days."""
    assert not any(
        day.has_changed for day in make_history(make_days([100, 103, 99, 101, 102, 100, 98]), "gateway").days
    )
    assert not any(day.has_changed for day in make_history(make_days([1, 2, 300]), "gateway").days)


def test_failures_have_a_history_too() -> None:
    """As a share over prompts."""
    history = make_history(make_days(WEEK, broken=range(5, 10)), "gateway", "failures")
    assert [round(day.estimate.value or 0, 2) for day in history.days] == [0.0] * 5 + [0.11] * 5
    assert describe_height_change(history, 5).endswith("0.0 % before, 11.1 % since")


def test_runs_of_another_plan_are_left_out_and_counted() -> None:
    """A number of other prompts would be another number."""
    smaller = msgspec.structs.replace(PLAN, scenarios=PLAN.scenarios[:1])
    other = MadeRun(make_days([5.0])[0].rows, smaller)
    history = make_history([other, *make_days(WEEK)], "gateway")
    assert (len(history.days), history.left_out) == (10, 1)


@pytest.mark.parametrize(
    ("endpoint", "metric", "said"),
    [("gatway", "ttft_ms", "did you mean 'gateway'"), ("gateway", "ttft", "did you mean 'ttft_ms'")],
)
def test_a_name_that_is_none_is_one_clear_line(endpoint: str, metric: str, said: str) -> None:
    """With the nearest."""
    with pytest.raises(PlanError, match=said):
        make_history(make_days(WEEK), endpoint, metric)


def test_the_plot_has_a_line_a_day_and_marks_the_change() -> None:
    """Date, number, place and interval; within a terminal's width."""
    drawn = command.draw_history(make_history(make_days(WEEK), "gateway"))
    assert len(drawn) == 10
    assert drawn[0].startswith("2026-11-01 06:00     104 ms")
    assert [("changed" in line) for line in drawn] == [False] * 5 + [True] + [False] * 4
    assert all("●" in line and len(line) < 80 for line in drawn)
    document = command.make_document(make_history(make_days(WEEK), "gateway"), [])
    assert json.loads(json.dumps(document))["runs"][5]["changed"] is True


CASES = [
    ([], []),
    ([1.0] * 20, []),
    ([1.0, 2.0] * 10, []),
    ([0.0] * 8 + [1.0] * 8, [8]),
    ([0.0, 0.1] * 5 + [9.0, 9.1] * 5 + [0.0, 0.1] * 5, [10, 20]),
]


@pytest.mark.parametrize(("values", "places"), CASES)
def test_changes_are_found_where_they_are(values: list[float], places: list[int]) -> None:
    """One, several or none."""
    assert find_changes(values) == places
