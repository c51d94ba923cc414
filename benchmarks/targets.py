"""What we hold ourselves to: each a ratio of two figures of one run, or a figure where a limit says it all."""

from dataclasses import dataclass
from typing import Final

from benchmarks.part import LABELS, Rows, number


@dataclass(frozen=True)
class Target:
    """`ours.figure / theirs.figure` must be at most `limit` (at least, where `more`)."""

    part: str
    figure: str
    ours: str
    theirs: str | None
    limit: float
    more: bool = False


TARGETS: Final = (
    Target("burst", "ttft_p99", "byok", "limit", 1.0),
    Target("burst", "ttft_p99", "byok", "aiohttp", 1 / 20),
    Target("burst", "gap_p99", "byok", "limit", 0.5),
    Target("burst", "ttft_p99", "byok-run", "limit", 1.0),
    Target("burst", "ttft_p99", "byok-run", "aiohttp", 1 / 20),
    Target("burst", "gap_p99", "byok-run", "limit", 0.5),
    Target("burst", "ttft_p99", "byok-user", "limit", 2.0),
    Target("burst", "gap_p99", "byok-user", "limit", 10.0),
    Target("burst", "queued_p99", "byok", "aiohttp", 1.0),
    Target("steady", "cpu_100k", "byok", "aiohttp", 0.75),
    Target("steady", "cpu_100k", "byok", "httpx", 0.5),
    Target("steady", "cpu_100k", "byok", "openai", 0.35),
    Target("steady", "cpu_100k", "byok+uvloop", "httpx", 0.35),
    Target("steady", "cpu_100k", "byok-checks", "aiohttp", 1.0),
    Target("heavy", "late", "byok", None, 1.05),
    Target("heavy", "late", "byok+uvloop", None, 1.05),
    Target("heavy", "ttft_p99", "byok", "aiohttp", 1 / 5),
    Target("heavy", "gap_p99", "byok", "aiohttp", 1 / 5),
    Target("heavy", "ttft_p99", "byok+uvloop", "aiohttp", 1 / 10),
    Target("heavy", "gap_p99", "byok+uvloop", "aiohttp", 1 / 10),
    Target("alone", "cpu_100k", "byok-alone", "byok", 1.1),
    Target("alone", "gap_p99", "byok-alone", "byok", 1.1),
    Target("alone-256", "cpu_100k", "byok-alone", "byok", 1.1),
    Target("alone-256", "gap_p99", "byok-alone", "byok", 1.1),
    Target("packed", "events_s", "byok", "httpx", 2.5, more=True),
    Target("memory", "kib_stream", "byok", None, 100),
    Target("judging", "judged_s", "text", None, 100_000, more=True),
    Target("judging", "judged_s", "tool arguments", None, 100_000, more=True),
    Target("judging", "judged_s", "usage on every chunk", None, 100_000, more=True),
    Target("judging", "judged_s", "text, 100 events each", None, 100_000, more=True),
    Target("imports", "import_ms", "import byok_bench", "import httpx", 1.3),
    Target("blocked", "ttft_p99", "beside, blocked", "here, blocked", 1 / 20),
    Target("blocked", "gap_p99", "beside, blocked", "here, blocked", 1 / 20),
    Target("blocked", "marked", "beside, blocked", None, 0),
    *(
        Target("leaks", left, way, None, 0)
        for way in ("kernel stamps", "own stamps", "uvloop")
        for left in ("descriptors", "tasks")
    ),
)


def line(target: Target, title: str, rows: Rows) -> str:
    """One row of the table of targets."""
    ours = rows[target.ours][target.figure]
    ratio = ours / rows[target.theirs][target.figure] if target.theirs else ours
    met = ratio >= target.limit if target.more else ratio <= target.limit
    of = f"`{target.ours}`" + (f" / `{target.theirs}`" if target.theirs else "")
    what = LABELS[target.figure].partition(",")[0]
    limit = f"{'≥' if target.more else '≤'} {number(target.limit)}"
    return f"| {title}: {what} | {of} | {limit} | {number(ratio)} | {'met' if met else '**not met**'} |"
