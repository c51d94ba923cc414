"""Totals over totals, as the price of a solved task: BCa over prompts, top and bottom drawn together.

A mean of ratios would count a prompt without a solved task as nothing; the quotient of totals counts what was spent.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from byok_bench.report.stats.bootstrap import Estimator, Totals, draw_interval, sum_columns
from byok_bench.report.stats.interval import LEVEL, Interval, read_level, read_value

ENOUGH_PROMPTS: Final = 6
"""Prompts below which there is no interval: of fewer, draws hold hardly anything that was not seen."""
Parts = Mapping[Any, tuple[float, float]]
"""Prompt → (top, bottom)."""


def quotient(parts: Parts, level: float = LEVEL, seed: int = 0) -> Interval:
    """Sum of tops ÷ sum of bottoms of `{prompt: (top, bottom)}`, with an interval from 6 prompts on.

    Without a bottom above 0 the value is None. Raises ValueError for what is no finite number.
    """
    level = read_level(level)
    return _estimate([_read(parts, prompt, "parts") for prompt in sorted(parts, key=repr)], _divide, level, seed)


def compare_quotients(first: Parts, second: Parts, level: float = LEVEL, seed: int = 0) -> Interval:
    """The second side's quotient ÷ the first one's, over the prompts of both, drawn together."""
    level = read_level(level)
    shared = sorted(first.keys() & second.keys(), key=repr)
    rows = [(*_read(first, prompt, "first"), *_read(second, prompt, "second")) for prompt in shared]
    return _estimate(rows, _divide_twice, level, seed)


def _estimate(rows: Sequence[Totals], divide: Estimator, level: float, seed: int) -> Interval:
    value = divide(sum_columns(rows)) if rows else None
    if value is None:
        return Interval(None, None, None, len(rows), level)
    found = draw_interval(rows, divide, level, seed) if len(rows) >= ENOUGH_PROMPTS else None
    return found or Interval(value, None, None, len(rows), level)


def _read(parts: Parts, prompt: Any, name: str) -> tuple[float, float]:
    top, bottom = parts[prompt]
    return read_value(top, f"{name}[{prompt!r}]"), read_value(bottom, f"{name}[{prompt!r}]")


def _divide(totals: Totals) -> float | None:
    top, bottom = totals
    return top / bottom if bottom > 0 else None


def _divide_twice(totals: Totals) -> float | None:
    top, bottom, other_top, other_bottom = totals
    return other_top / other_bottom / (top / bottom) if bottom > 0 and other_bottom > 0 and top > 0 else None
