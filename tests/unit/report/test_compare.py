"""Paired comparison of runs that were written out by hand."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from support.made_run import MadeRun, failed, plan, row

from byok_bench.errors import PlanError
from byok_bench.report.compare import compare
from byok_bench.report.comparison_lines import ALL, list_differences
from byok_bench.report.comparison_page import render_comparison_part, write_comparison_page
from byok_bench.report.comparison_sentences import describe_changes

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
    assert (found["a"], found["b"], found["verdict"]) == (400.0, 405.0, "B is slower, by less than 5 %")
    assert line(made, "e2e_ms")["difference"] == 10.0


def test_no_difference_shown_is_a_result() -> None:
    """As many pairs up as down: the interval holds zero."""
    other = [at + (5 if n % 2 else -5) for n, at in enumerate(SLOW)]
    assert line(compare(run(SLOW), run(other)))["verdict"] == "no difference shown"


def test_too_few_pairs_are_said_so() -> None:
    """Five pairs give a median and no interval."""
    found = line(compare(run(SLOW[:5]), run(SLOW[:5])))
    assert found["verdict"] == "undecided: too few pairs, 5 of 6"
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
    assert line(compare(both, both, a="one", b="two"))["verdict"] == "B is slower, by less than 5 %"


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


def test_a_side_on_which_all_failed_is_one_clear_line() -> None:
    """Which side, how often, and of what."""
    dead = MadeRun([failed("rate_limit", repeat=n) for n in (1, 2)], plan(("one",)))
    with pytest.raises(PlanError, match=r"one · m: B has no answer to compare, all 2 failed \(rate_limit ×2\)"):
        compare(run(SLOW), dead)


def test_runs_that_were_asked_nothing_in_common_are_one_clear_line() -> None:
    """No pairs."""
    with pytest.raises(PlanError, match="nothing was asked of both sides"):
        compare(run(SLOW), MadeRun([row(sample="other", ttft_ms=1.0)], plan(("one",))))


@pytest.mark.parametrize(("name", "said"), [("ttft", "did you mean 'ttft_ms'"), ("zzz", "there are failures, ttft_ms")])
def test_a_metric_that_is_not_there_is_told_with_the_nearest(name: str, said: str) -> None:
    """And an endpoint as well."""
    with pytest.raises(PlanError, match=said):
        compare(run(SLOW), run(SLOW), metrics=[name])
    with pytest.raises(PlanError, match=said):
        compare(run(SLOW), run(SLOW), metrics=name)
    with pytest.raises(PlanError, match="did you mean 'one'"):
        compare(run(SLOW), run(SLOW), a="onne")


def make_failing(count: int, of: int = 40, slower: float = 1.0) -> MadeRun:
    """A run of many prompts of which some failed."""
    rows = [
        failed(sample=f"s{n}") if n < count else row(sample=f"s{n}", ttft_ms=100.0 + n * slower, e2e_ms=200.0 + n)
        for n in range(of)
    ]
    return MadeRun(rows, plan(("one",)))


def test_where_failures_differ_no_difference_is_never_said() -> None:
    """In no line, however alike the times are; and the failures come first."""
    lines = list_differences(make_failing(1), make_failing(12))
    assert lines[0]["metric"] == "failures"
    assert lines[0]["verdict"] == "B fails more"
    assert not any(found["verdict"].startswith("no difference") for found in lines if found["metric"] == "failures")
    assert line(compare(make_failing(1), make_failing(12)))["verdict"].startswith(
        "undecided: failures differ, 1 and 12"
    )
    assert describe_changes(lines)[0].startswith("one · m: more failures, 12 of 40 after 1")


def test_one_failure_more_is_told_and_is_undecided() -> None:
    """It is there, and may be chance."""
    (found, *_) = list_differences(make_failing(0), make_failing(1))
    assert found["verdict"] == "undecided: B failed more, 1 to 0"
    assert "whether that is chance is undecided" in describe_changes([found])[0]


def test_what_changed_is_said_in_words_worst_first() -> None:
    """By how much, with the interval and the share; what shows nothing comes last."""
    slower = MadeRun([row(repeat=n, ttft_ms=2 * at, e2e_ms=at * 2) for n, at in enumerate(SLOW, 1)], plan(("one",)))
    said = describe_changes(list_differences(run(SLOW), slower))
    assert said[0] == "TTFT of one · m rose by 400 ms (100–900, 100 %) on all" or said[0].startswith(
        "TTFT of one · m rose by 400 ms"
    )
    assert any(one.startswith("no change is shown in") for one in said[1:])


@pytest.mark.parametrize(
    ("by", "at_least", "verdict"),
    [
        (1.02, 0.05, "B is slower, by less than 5 %"),
        (1.02, 0.01, "B is slower"),
        (1.2, 0.05, "B is slower"),
        (0.8, 0.05, "B is faster"),
        (1.0, 0.05, "no difference of 5 %"),
        (1.0, 0.0, "no difference shown"),
    ],
)
def test_the_smallest_effect_is_settable(by: float, at_least: float, verdict: str) -> None:
    """A change that is shown and small is said to be small; one that can only be small is none."""
    assert line(compare(run(SLOW), run([at * by for at in SLOW]), at_least=at_least))["verdict"] == verdict


def test_one_metric_is_compared_by_its_name() -> None:
    """And an effect that is no number is refused."""
    assert set(compare(run(SLOW), run(SLOW), metrics="ttft_ms")["metric"]) == {"ttft_ms"}
    with pytest.raises(PlanError, match="from 0 up to 1, not '5 %'"):
        compare(run(SLOW), run(SLOW), at_least="5 %")  # type: ignore[arg-type]


def test_all_lines_together_are_judged_at_a_stricter_level() -> None:
    """Six pairs reach 97 %, and a family of several lines asks for more."""
    found = line(compare(run(SLOW), run([at * 2 for at in SLOW])))
    assert (found["verdict"], found["family"]) == ("B is slower", "undecided: too few pairs, 6 of 6")
    many = [float(100 + n) for n in range(40)]
    assert line(compare(run(many), run([at * 2 for at in many])))["family"] == "B is slower"


def test_several_endpoints_are_compared_with_one_at_once() -> None:
    """The baseline beside each of the others."""
    rows = [found for target in range(3) for found in run([at * (1 + target) for at in SLOW], target=target).rows]
    three = MadeRun(rows, plan(("one", "two", "three")))
    made = compare(three, three, a="one", b=["two", "three"])
    assert list(made["target"].unique()) == ["one · m → two · m", "one · m → three · m"]
    assert made.attrs["changes"][0].startswith("TTFT of one · m → three · m rose")


def test_a_page_says_the_same_and_needs_nothing_else(tmp_path: Path) -> None:
    """Sentences, table and notes; what stands in a label is escaped."""
    lines = list_differences(run(SLOW, ("<b>",)), run([at * 2 for at in SLOW], ("<b>",)))
    text = write_comparison_page(lines, "B against A", ["a note"], tmp_path / "c.html").read_text()
    assert "&lt;b&gt;" in text
    assert "<b>" not in text
    assert "a note" in text
    assert render_comparison_part(lines, ["a note"]) in text


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


def test_a_difference_of_shares_is_no_wider_than_shares_are() -> None:
    """Two prompts tell next to nothing, and still not that more than all of them fail."""
    good = MadeRun([row(sample=one, repeat=n) for one in "st" for n in (1, 2)], plan(("one",)))
    rows = [row(sample="s", repeat=1), failed(sample="s", repeat=2), *(failed(sample="t", repeat=n) for n in (1, 2))]
    found = line(compare(good, MadeRun(rows, plan(("one",)))), "failures")
    assert (found["low"] >= -1, found["high"]) == (True, 1.0)
