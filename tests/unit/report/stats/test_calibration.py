"""A short, seeded part of `make calibrate`: what is promised of intervals holds in simulation."""

import pytest
from support.calibration import Case, list_cases

QUICK = {
    "order statistics": 300,
    "Wilson": 600,
    "clustered, t": 300,
    "clustered, Wilson": 300,
    "equal endpoints": 300,
    "Sequence": 20,
}
"""Group → trials. What draws resamples takes minutes, and runs in `make calibrate` alone."""
CHANCE = 0.045
"""What so few trials may be off: beyond three standard deviations."""
CHOSEN = [case for case in list_cases() if case.group in QUICK and not case.is_drawn][::4]


@pytest.mark.parametrize("case", CHOSEN, ids=lambda case: case.name)
def test_what_is_promised_holds_in_simulation(case: Case) -> None:
    """Within the bounds of docs/statistics.md and what chance adds."""
    assert case.lowest - CHANCE <= case.measure(QUICK[case.group]) <= case.highest + CHANCE
