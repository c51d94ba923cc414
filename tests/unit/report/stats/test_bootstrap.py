"""Draws of whole prompts: as many as were answered, each as likely as any other."""

import random
from collections import Counter

import pytest

from byok_bench.report.stats.bootstrap import BYTES, DRAWS, draw_places

SIZES = [1, 3, 40, 129, BYTES - 1, BYTES, BYTES + 1]
"""Around what a byte can be, and where many bytes have to be dropped."""


@pytest.mark.parametrize("count", SIZES)
def test_a_draw_holds_as_many_as_there_are(count: int) -> None:
    """A draw of fewer would be of another run."""
    assert {len(one) for one in draw_places(count, random.Random(5))} == {count}


@pytest.mark.parametrize("count", SIZES)
def test_each_place_is_as_likely_as_any_other(count: int) -> None:
    """Chi squared of how often each was drawn, within six standard deviations of what chance makes of it."""
    seen = Counter(place for one in draw_places(count, random.Random(5)) for place in one)
    assert sorted(seen) == list(range(count))
    distance = sum((times - DRAWS) ** 2 / DRAWS for times in seen.values())
    assert distance <= count + 6 * (2 * count) ** 0.5
