"""What we hold ourselves to, each a ratio of two figures of one run."""

from dataclasses import dataclass
from typing import Final

Figures = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Target:
    """`ours.figure / theirs.figure` must be at most `limit` (at least, where `more`)."""

    load: str
    figure: str
    ours: str
    theirs: str | None
    limit: float
    more: bool = False


TARGETS: Final = (
    Target("burst", "ttft_p99", "byok", "limit", 1.0),
    Target("burst", "ttft_p99", "byok", "aiohttp", 1 / 20),
    Target("burst", "gap_p99", "byok", "limit", 0.5),
    Target("burst", "ttft_p99", "byok-user", "limit", 2.0),
    Target("burst", "gap_p99", "byok-user", "limit", 10.0),
    Target("burst", "queued_p99", "byok", "aiohttp", 1.0),
    Target("burst", "cpu_100k", "byok", "aiohttp", 0.75),
    Target("burst", "cpu_100k", "byok", "httpx", 0.5),
    Target("burst", "cpu_100k", "byok", "openai", 0.35),
    Target("burst", "cpu_100k", "byok+uvloop", "httpx", 0.35),
    Target("burst", "cpu_100k", "byok-checks", "aiohttp", 1.0),
    Target("heavy", "late", "byok", None, 1.05),
    Target("heavy", "ttft_p99", "byok", "aiohttp", 1 / 5),
    Target("heavy", "gap_p99", "byok", "aiohttp", 1 / 5),
    Target("heavy", "ttft_p99", "byok+uvloop", "aiohttp", 1 / 10),
    Target("heavy", "gap_p99", "byok+uvloop", "aiohttp", 1 / 10),
    Target("packed", "events_s", "byok", "httpx", 2.5, more=True),
)


def verdict(target: Target, figures: Figures) -> str | None:
    """One row of the targets table; None if its load was not measured."""
    rows = figures.get(target.load)
    if rows is None or target.ours not in rows or (target.theirs and target.theirs not in rows):
        return None
    ours = rows[target.ours][target.figure]
    ratio = ours / rows[target.theirs][target.figure] if target.theirs else ours
    met = ratio >= target.limit if target.more else ratio <= target.limit
    name = f"{target.load}: {target.figure} of {target.ours}" + (
        f" / {target.theirs}" if target.theirs else ""
    )
    sign, word = "≥" if target.more else "≤", "yes" if met else "**no**"
    return f"| {name} | {sign} {target.limit:.3g} | {ratio:.3g} | {word} |"
