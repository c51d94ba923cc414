"""Gates are right as often as they say: a short version of what `make calibrate` measures."""

import random

import pytest
from support.gate_truth import TRUTHS, find_verdict

TRIALS = {"TTFT +20 %": 15, "success −10 points": 3}
"""Drift → runs; that of 6 points takes too long for the suite."""


@pytest.mark.parametrize("name", TRIALS)
def test_a_drift_is_red_once_the_run_is_as_long_as_the_gate_asks(name: str) -> None:
    """Every one of a few; of 200 at least 95 %."""
    dice = random.Random(name)
    assert {find_verdict(name, dice, drifts=True) for _ in range(TRIALS[name])} == {"fail"}


@pytest.mark.parametrize("name", TRIALS)
def test_a_day_like_the_one_before_is_not_red(name: str) -> None:
    """Undecided it may be; of 200 at most 5 % are red."""
    dice = random.Random(name)
    assert "fail" not in {find_verdict(name, dice, drifts=False) for _ in range(TRIALS[name])}


def test_the_drifts_are_those_that_are_promised() -> None:
    """docs/gates.md names them."""
    assert list(TRUTHS) == ["TTFT +20 %", "success −10 points", "success −6 points"]
