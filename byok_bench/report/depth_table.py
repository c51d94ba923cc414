"""The table `depth`: TTFT, prompt and cache by the rounds of a conversation, and by the length of a prompt."""

import math
from collections.abc import Iterator

from byok_bench.report.selections import Selection
from byok_bench.report.stats import median
from byok_bench.report.table_parts import Line, compute_median, iterate_parts, round_number
from byok_bench.runs.results import Run


def list_depth_lines(measured: Selection, run: Run) -> Iterator[Line]:
    """Lines by round where a sample has several, and by prompt tokens where they differ by a power of two.

    n counts exchanges. The prompt of a round is all that was said before: its tokens are those of the conversation.
    """
    wanted = measured.select("wants_failure", False)
    yield from _list_steps(wanted, run, "round", "turn")
    yield from _list_steps(wanted.drop("prompt_step", None), run, "prompt tokens", "prompt_step")


def _list_steps(some: Selection, run: Run, by: str, column: str) -> Iterator[Line]:
    steps = sorted(some.count_values(column))
    if len(steps) < 2:
        return
    for part in iterate_parts(some, run):
        for step in steps:
            inside = part.asked.select(column, step)
            if len(inside):
                yield part.head | {"by": by, "step": step} | _make_step_line(inside)


def _make_step_line(asked: Selection) -> Line:
    good = asked.select("kind", None)
    ttft = median(good.list_numbers("ttft_ms"))
    return {
        "n": len(asked),
        "failed": len(asked) - len(good),
        "excluded": 0,
        "ttft_ms": round_number(ttft.value),
        "ttft_low_ms": round_number(ttft.low),
        "ttft_high_ms": round_number(ttft.high),
        "prompt_tokens": compute_median(good, "prompt_tokens"),
        "cached_tokens": compute_median(good, "cached_tokens"),
        "cached_percent": _compute_cached_percent(good),
        "e2e_ms": compute_median(good, "e2e_ms"),
    }


def _compute_cached_percent(good: Selection) -> float | None:
    """Share of all prompt tokens that came from a cache, of the answers that tell both."""
    told = good.drop("has_cached", None).drop("prompt_step", None)
    cached, total = (math.fsum(told.list_numbers(column)) for column in ("cached_tokens", "prompt_tokens"))
    return round_number(100 * cached / total) if total else None
