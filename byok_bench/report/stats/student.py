"""Quantiles of Student's t for whole degrees of freedom, without SciPy."""

import math
from functools import lru_cache
from typing import Final

STEPS: Final = 60
"""Halvings of a right angle: below the last bit of a float."""


@lru_cache(maxsize=128)
def compute_t(freedom: int, level: float) -> float:
    """The t within which a share `level` lies, two-sided: 2.776 for 4 degrees and 0.95."""
    low, high = 0.0, math.pi / 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if _compute_share(middle, freedom) < level else (low, middle)
    return math.sqrt(freedom) * math.tan((low + high) / 2)


def _compute_share(angle: float, freedom: int) -> float:
    """How much lies within ± t, t = √freedom · tan angle (Abramowitz, Stegun, 26.7.3 and 26.7.4)."""
    sine, cosine = math.sin(angle), math.cos(angle)
    odd = freedom % 2
    term, total = (cosine if odd else 1.0), 0.0
    for k in range(1 + odd, freedom, 2):
        total += term
        term *= cosine * cosine * k / (k + 1)
    return 2 / math.pi * (angle + sine * total) if odd else sine * total
