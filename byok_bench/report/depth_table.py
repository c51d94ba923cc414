"""The table `depth`: TTFT, prompt and cache by the rounds of a conversation, and by the length of a prompt."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from byok_bench.report.stats import median
from byok_bench.report.table_parts import Line, compute_median, iterate_parts, list_numbers, round_number
from byok_bench.runs.judging import Row
from byok_bench.runs.results import Run

SMALLEST: Final = 1024
"""Tokens of the first step; each further one is twice as far."""


def list_depth_lines(rows: Sequence[Row], run: Run) -> Iterator[Line]:
    """Lines by round where a sample has several, and by prompt tokens where they differ by a power of two.

    n counts exchanges. The prompt of a round is all that was said before: its tokens are those of the conversation.
    """
    wanted = [row for row in rows if not row.wants_failure]
    yield from _list_steps(wanted, run, "round", lambda row: row.turn)
    yield from _list_steps([row for row in wanted if row.prompt_tokens], run, "prompt tokens", find_step)


def find_step(row: Row) -> int:
    """Upper end of the step that a prompt falls in: 1024, 2048, 4096 …"""
    step = SMALLEST
    while (row.prompt_tokens or 0) > step:
        step *= 2
    return step


def _list_steps(rows: Sequence[Row], run: Run, by: str, measure: Callable[[Row], int]) -> Iterator[Line]:
    steps = sorted({measure(row) for row in rows})
    if len(steps) < 2:
        return
    for part in iterate_parts(rows, run):
        for step in steps:
            inside = [row for row in part.asked if measure(row) == step]
            if inside:
                yield part.head | {"by": by, "step": step} | _make_step_line(inside)


def _make_step_line(asked: Sequence[Row]) -> Line:
    good = [row for row in asked if row.kind is None]
    ttft = median(list_numbers(good, "ttft_ms"))
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


def _compute_cached_percent(good: Sequence[Row]) -> float | None:
    """Share of all prompt tokens that came from a cache, of the answers that tell both."""
    told = [row for row in good if row.cached_tokens is not None and row.prompt_tokens]
    total = sum(row.prompt_tokens or 0 for row in told)
    return round_number(100 * sum(row.cached_tokens or 0 for row in told) / total) if total else None
