"""How often the intervals of `bb.stats` hold, by simulation: writes the figures of docs/statistics.md.

    python tools/calibrate.py            minutes; exits 1 if a figure is out of its bounds

The cases and their bounds are those of tests/support/calibration.py.
"""

import os
import sys
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from support.calibration import Case, list_cases  # noqa: E402

PAGE = ROOT / "docs" / "statistics.md"
HEADING = "## How often they hold\n"


def main() -> int:
    """Measure all cases, write the page; 1 if one is out of its bounds."""
    cases = list_cases()
    with Pool(os.cpu_count()) as pool:
        shares = pool.map(measure, range(len(cases)), chunksize=1)
    out = [case for case, share in zip(cases, shares, strict=True) if not case.lowest <= share <= case.highest]
    for case in out:
        print(f"out of bounds: {case.group}, {case.name}")
    before, _, _ = PAGE.read_text("utf-8").partition(HEADING)
    PAGE.write_text(before + HEADING + write_figures(list(zip(cases, shares, strict=True))), "utf-8")
    return 1 if out else 0


def measure(place: int) -> float:
    """One case, in a process of its own."""
    return list_cases()[place].measure()


def write_figures(found: list[tuple[Case, float]]) -> str:
    """The table below the heading."""
    lines = [
        "",
        "Simulated by `make calibrate`, seeded; the suite runs a short version.",
        f"What is measured is how often the interval at 95 % held the truth, but for the last two groups; "
        f"{len(found)} cases.",
        "",
        "| what | case | trials | measured | bounds |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {case.group} | {case.name} | {case.runs} | {share:.2%} | {case.lowest:.1%} – {case.highest:.1%} |"
        for case, share in found
    ]
    return "\n".join(lines).replace("%", " %") + "\n"


if __name__ == "__main__":
    sys.exit(main())
