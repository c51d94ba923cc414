"""Means over prompts, differences and agreement: what n is, and which interval is taken where."""

import random
from typing import Any

import pytest

import byok_bench as bb
from byok_bench.report.stats.student import compute_t

T_TABLE = [(1, 0.95, 12.706), (2, 0.95, 4.303), (4, 0.95, 2.776), (9, 0.99, 3.250), (19, 0.95, 2.093), (38, 0.9, 1.686)]


@pytest.mark.parametrize(("freedom", "level", "expected"), T_TABLE)
def test_t_is_that_of_printed_tables(freedom: int, level: float, expected: float) -> None:
    """To three digits, for odd and even degrees."""
    assert compute_t(freedom, level) == pytest.approx(expected, abs=6e-4)


def test_each_prompt_counts_alike_and_empty_ones_do_not() -> None:
    """A prompt with more answers weighs no more; n is prompts."""
    found = bb.stats.clustered({"a": [1.0, 2.0, 3.0], "b": [4.0], "c": [], "d": [6.0]})
    assert (found.value, found.n) == (4.0, 3)
    assert found.low == pytest.approx(4 - 4.3027 * (4 / 3) ** 0.5, abs=1e-3)
    assert found.high == pytest.approx(4 + 4.3027 * (4 / 3) ** 0.5, abs=1e-3)


def test_repeating_an_answer_makes_nothing_surer() -> None:
    """The same ten prompts asked twenty times are ten prompts."""
    once = {n: [float(n % 3)] for n in range(10)}
    assert bb.stats.clustered({n: some * 20 for n, some in once.items()}) == bb.stats.clustered(once)


def test_yes_and_no_of_few_prompts_have_wilsons_interval() -> None:
    """With n = prompts, whatever the repeats."""
    found = bb.stats.clustered({n: [True, False, True, True] for n in range(20)})
    share = bb.stats.rate(15, 20)
    assert (found.value, found.low, found.high, found.n) == (0.75, share.low, share.high, 20)


@pytest.mark.parametrize("n", [1, 39, 40, 200])
def test_prompts_that_are_all_alike_are_not_certain(n: int) -> None:
    """Neither t nor draws see anything vary; Wilson's interval has a width still."""
    found = bb.stats.clustered({prompt: [1, 1] for prompt in range(n)})
    assert found == bb.stats.rate(n, n)


def test_from_forty_prompts_on_prompts_are_drawn() -> None:
    """Seeded: the same values in any order give the same interval, another seed another one."""
    dice = random.Random(5)
    answers = {n: [dice.expovariate(1) for _ in range(3)] for n in range(60)}
    turned = dict(reversed(answers.items()))
    found = bb.stats.clustered(answers)
    assert found == bb.stats.clustered(turned)
    assert found != bb.stats.clustered(answers, seed=1)
    assert found.low < found.value < found.high  # type: ignore[operator]
    assert found.high - found.value > found.value - found.low  # type: ignore[operator]


def test_one_prompt_has_no_interval() -> None:
    """Nothing is known of what another one would give."""
    assert bb.stats.clustered({"a": [0.3, 0.4]}) == bb.stats.Interval(0.35, None, None, 1, 0.95)
    assert bb.stats.clustered({"a": [], "b": []}) == bb.stats.Interval(None, None, None, 0, 0.95)


@pytest.mark.parametrize("answers", [{"a": [float("nan")]}, {"a": ["x"]}, {"a": "01"}, [1, 2], {"a": [None]}])
def test_what_is_no_number_is_refused(answers: Any) -> None:
    """With the prompt that holds it."""
    with pytest.raises(ValueError, match="answers"):
        bb.stats.clustered(answers)


def test_a_difference_is_taken_prompt_by_prompt() -> None:
    """Prompts scatter by hundreds, the sides differ by about one."""
    first = {n: [100.0 * n, 100.0 * n] for n in range(10)}
    second = {n: [100.0 * n + 1, 100.0 * n + 1 + n % 2] for n in range(10)}
    found = bb.stats.difference(first, second)
    assert (found.value, found.n) == (1.25, 10)
    assert 1 < found.low < found.high < 1.5  # type: ignore[operator]


@pytest.mark.parametrize(("n", "is_sure"), [(2, False), (60, False), (130, True)])
def test_that_nothing_changed_in_few_prompts_passes_nothing(n: int, is_sure: bool) -> None:
    """All alike on both sides: as far to both sides as Wilson's interval for 0 of n."""
    same = {prompt: [True] * 3 for prompt in range(n)}
    found = bb.stats.difference(same, same)
    assert (found.value, found.low, found.high) == (
        0.0,
        pytest.approx(-bb.stats.rate(0, n).high),
        pytest.approx(bb.stats.rate(0, n).high),
    )  # type: ignore[operator]
    assert (bb.stats.decide(found, 0.03) == "pass") is is_sure


@pytest.mark.parametrize(("n", "is_sure"), [(1, False), (3, False), (6, True)])
def test_that_all_of_few_prompts_changed_is_shown_from_six_on(n: int, is_sure: bool) -> None:
    """One prompt that failed on one side is no difference yet."""
    found = bb.stats.difference(dict.fromkeys(range(n), TRUE), dict.fromkeys(range(n), FALSE))
    sure = bb.stats.rate(n, n).low
    assert (found.value, found.low, found.high) == (-1.0, -1.0, pytest.approx(1 - 2 * sure))  # type: ignore[operator]
    assert (bb.stats.decide(found, 0.03) == "fail") is is_sure


def test_sides_that_share_no_prompt_have_no_difference() -> None:
    """None, and no error."""
    assert bb.stats.difference({"a": [1]}, {"b": [1]}).value is None


TRUE, FALSE = [True], [False]
FIRST = {"a": [True, True], "b": [True], "c": [False, False], "d": [True], "only": [True]}
SECOND = {"a": [True, False, True], "b": [True], "c": [True, False], "d": [True], "other": [False]}


def test_agreement_counts_the_answers_that_have_a_partner() -> None:
    """The i-th against the i-th: 3 hits, 1 alarm, 1 miss, 1 agreed no; surplus answers and lone prompts are dropped."""
    found, share = bb.stats.agreement(FIRST, SECOND), bb.stats.agreement(FIRST, SECOND, rate=True)
    assert found is not None
    assert share is not None
    assert (found.value, found.n) == (pytest.approx(6 / 8), 4)
    assert (share.value, share.n) == (pytest.approx(4 / 6), 4)
    assert 0 <= found.low <= found.value <= found.high <= 1  # type: ignore[operator]


def test_f1_has_no_direction() -> None:
    """False alarms and misses weigh the same."""
    assert bb.stats.agreement(FIRST, SECOND) == bb.stats.agreement(SECOND, FIRST)


@pytest.mark.parametrize("n", [1, 12, 80])
def test_sides_that_never_differ_are_not_certain(n: int) -> None:
    """As f1 of as many hits; prompts without a yes say nothing of a yes."""
    same: dict[int, list[bool]] = {**dict.fromkeys(range(n), TRUE), **dict.fromkeys(range(n, n + 5), FALSE)}
    found, alike = bb.stats.agreement(same, same), bb.stats.agreement(same, same, rate=True)
    hits = bb.stats.f1(n, 0, 0)
    assert found == bb.stats.Interval(1.0, hits.low, hits.high, n + 5, 0.95)
    assert alike == bb.stats.rate(n + 5, n + 5)


def test_sides_that_never_agree_are_not_certain() -> None:
    """0 in all draws; Wilson's upper end is above."""
    found = bb.stats.agreement(dict.fromkeys(range(8), TRUE), dict.fromkeys(range(8), FALSE))
    assert found == bb.stats.f1(0, 0, 8)


def test_without_a_yes_there_is_no_f1() -> None:
    """And how often they agree is known all the same."""
    no = dict.fromkeys(range(4), FALSE)
    assert bb.stats.agreement(no, no) is None
    assert bb.stats.agreement({}, {}) is None
    assert bb.stats.agreement(no, no, rate=True) == bb.stats.rate(4, 4)
    assert bb.stats.agreement({}, {}, rate=True).value is None  # type: ignore[union-attr]


def test_agreement_is_the_same_for_the_same_seed() -> None:
    """Whatever the order of prompts."""
    turned = dict(reversed(FIRST.items()))
    assert bb.stats.agreement(FIRST, SECOND, seed=3) == bb.stats.agreement(turned, SECOND, seed=3)


@pytest.mark.parametrize(
    "sides", [({"a": [2]}, {"a": [True]}), ({"a": [None]}, {"a": [True]}), ([True], {"a": [True]})]
)
def test_agreement_refuses_what_is_neither_yes_nor_no(sides: tuple[Any, Any]) -> None:
    """Counts and gaps are no answers."""
    with pytest.raises(ValueError, match=r"True or False|first"):
        bb.stats.agreement(*sides)
