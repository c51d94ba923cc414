"""Paired comparison of runs that were written out by hand."""

from typing import Any

import pandas as pd
import pytest
from support.made_run import MadeRun, failed, plan, row

from byok_bench.errors import PlanError
from byok_bench.report.compare import ALL, compare

SLOW = [100.0, 900.0, 300.0, 500.0, 700.0, 200.0]


def run(times: list[float], labels: tuple[str, ...] = ("one",), target: int = 0, **more: Any) -> MadeRun:
    """A run of one scenario with these times to the first token."""
    rows = [row(repeat=n, target=target, ttft_ms=at, e2e_ms=at * 2, **more) for n, at in enumerate(times, 1)]
    return MadeRun(rows, plan(labels))


def line(made: pd.DataFrame, metric: str = "ttft_ms", scenario: str = ALL) -> dict[str, Any]:
    """The line of a metric."""
    (found,) = made[(made["metric"] == metric) & (made["scenario"] == scenario)].to_dict("records")
    return found


def test_a_small_steady_difference_is_shown_though_values_scatter() -> None:
    """Pairing by scenario and repeat takes the scatter out."""
    made = compare(run(SLOW), run([at + 5 for at in SLOW]))
    found = line(made)
    assert (found["pairs"], found["difference"], found["low"], found["high"]) == (6, 5.0, 5.0, 5.0)
    assert (found["a"], found["b"], found["verdict"]) == (400.0, 405.0, "B is slower")
    assert line(made, "e2e_ms")["difference"] == 10.0


def test_no_difference_shown_is_a_result() -> None:
    """As many pairs up as down: the interval holds zero."""
    other = [at + (5 if n % 2 else -5) for n, at in enumerate(SLOW)]
    assert line(compare(run(SLOW), run(other)))["verdict"] == "no difference shown"


def test_too_few_pairs_are_said_so() -> None:
    """Five pairs give a median and no interval."""
    found = line(compare(run(SLOW[:5]), run(SLOW[:5])))
    assert found["verdict"].startswith("too few")
    assert pd.isna(found["low"])


def test_what_does_not_pair_is_counted_as_excluded() -> None:
    """Failed on either side, missing on one: not in the pairs, and said."""
    first = MadeRun([row(repeat=n, ttft_ms=float(n), e2e_ms=1.0) for n in range(1, 9)], plan(("one",)))
    rows = [row(repeat=n, ttft_ms=float(n), e2e_ms=1.0) for n in range(1, 7)] + [failed(repeat=7)]
    found = line(compare(first, MadeRun(rows, plan(("one",)))))
    assert (found["pairs"], found["failed_a"], found["failed_b"], found["excluded"]) == (6, 0, 1, 2)


def test_error_scenarios_and_warm_up_are_not_compared() -> None:
    """How fast a server refuses is no latency."""
    rows = [
        row(repeat=0, ttft_ms=1.0),
        row("bad-key", wants_failure=True, ttft_ms=1.0),
        row(ttft_ms=1.0, e2e_ms=2.0),
    ]
    made = compare(MadeRun(rows, plan(("one",))), MadeRun(rows, plan(("one",))))
    assert line(made)["pairs"] == 1
    assert set(made["scenario"]) == {ALL, "plain-answer"}


def test_two_runs_of_one_target_each_pair_whatever_they_are_called() -> None:
    """The usual case: yesterday's server and today's, or one provider and another."""
    found = line(compare(run(SLOW, ("old",)), run(SLOW, ("new",))))
    assert found["target"] == "old · m → new · m"


def test_targets_pair_by_name_in_larger_runs() -> None:
    """Each with itself, in both runs."""
    both = MadeRun([*run(SLOW, ("one", "two")).rows, *run(SLOW, target=1).rows], plan())
    assert set(compare(both, both)["target"]) == {"one · m", "two · m"}


def test_two_targets_of_one_run_can_be_compared() -> None:
    """By naming each side."""
    slower = [at + 1 for at in SLOW]
    both = MadeRun([*run(SLOW, ("one", "two")).rows, *run(slower, target=1).rows], plan())
    assert line(compare(both, both, a="one", b="two"))["verdict"] == "B is slower"


@pytest.mark.parametrize(
    ("first", "second", "names"),
    [
        (("one", "two"), ("three", "four"), {}),
        (("one",), ("one",), {"a": "won"}),
    ],
)
def test_runs_that_have_nothing_in_common_are_refused(
    first: tuple[str, ...], second: tuple[str, ...], names: dict[str, str]
) -> None:
    """The message says what each side has."""
    left = MadeRun([row(target=n) for n in range(len(first))], plan(first))
    right = MadeRun([row(target=n) for n in range(len(second))], plan(second))
    with pytest.raises(PlanError, match=r"won|three"):
        compare(left, right, **names)


def test_runs_in_which_all_failed_compare_to_nothing() -> None:
    """A table without times, not a traceback."""
    found = line(compare(MadeRun([failed()], plan(("one",))), MadeRun([failed()], plan(("one",)))))
    assert (found["pairs"], found["failed_a"], found["failed_b"]) == (0, 1, 1)
    assert pd.isna(found["a"])


@pytest.mark.parametrize(("a", "b", "is_said"), [(None, None, True), ("one", "one", True), ("one", "two", False)])
def test_a_run_beside_itself_is_told_so(a: str | None, b: str | None, is_said: bool) -> None:
    """All its differences are zero; two endpoints of one run are another matter."""
    both = MadeRun(
        [row(repeat=n, target=target, ttft_ms=1.0) for n in range(6) for target in (0, 1)],
        plan(("one", "two")),
    )
    told = compare(both, both, a=a, b=b).attrs["notes"]
    assert ("A and B are the same run: it is compared with itself" in told) is is_said


def test_a_side_that_is_not_over_is_told_with_how_far_it_is() -> None:
    """Five of six planned exchanges are no run to compare with, and it says which side they are."""
    half = [row(repeat=6, status="planned", outcome=None, http_status=None), *run(SLOW[:5]).rows]
    other = MadeRun(half, plan(("one",)), status="interrupted")
    other.id = "other"
    told = compare(run(SLOW), other).attrs["notes"]
    assert any(note.startswith("B: 5 of 6 planned exchanges are in here") for note in told)
    assert not any(note.startswith("A: ") for note in told)
