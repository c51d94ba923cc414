"""How often the intervals of `bb.stats` hold, by simulation: writes the figures of docs/statistics.md.

    python tools/calibrate.py [--trials N] [--processes N]

Minutes; exits 1 if a figure is out of its bounds. The cases, their trials and bounds are those of
tests/support/calibration.py; `--trials` caps the trials of what draws resamples, which take most of the time.
"""

import argparse
import os
import sys
from functools import partial
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from support.calibration import Case, list_cases  # noqa: E402

PAGE = ROOT / "docs" / "statistics.md"
HEADING = "## How often they hold\n"
Figure = tuple[Case, int, float]
"""Case, trials, what was measured."""


def main() -> int:
    """Measure all cases, write the page; 1 if one is out of its bounds."""
    asked = read_arguments()
    cases = list_cases()
    with Pool(asked.processes) as pool:
        found = pool.map(partial(measure, asked.trials), range(len(cases)), chunksize=1)
    figures = [(case, trials, share) for case, (trials, share) in zip(cases, found, strict=True)]
    out = [case for case, _, share in figures if not case.lowest <= share <= case.highest]
    for case in out:
        print(f"out of bounds: {case.group}, {case.name}")
    before, _, _ = PAGE.read_text("utf-8").partition(HEADING)
    PAGE.write_text(f"{before.rstrip()}\n\n{HEADING}{write_figures(figures)}", "utf-8")
    return 1 if out else 0


def read_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=0, help="at most so many of each case that draws resamples")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    return parser.parse_args()


def measure(most: int, place: int) -> tuple[int, float]:
    """One case, in a process of its own: how many trials, and what they gave."""
    case = list_cases()[place]
    trials = min(case.runs, most) if most and case.is_drawn else case.runs
    return trials, case.measure(trials)


def write_figures(figures: list[Figure]) -> str:
    """The table below the heading."""
    lines = [
        "",
        "Simulated by `make calibrate`, seeded; the suite runs a short version.",
        "What is measured is how often the interval at 95 % held the truth; of equal endpoints how often they were "
        "called different, of `Sequence` how often any of 1 000 looks was wrong, and its width.",
        "",
        "| what | case | trials | measured | bounds |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {case.group} | {case.name} | {trials} | {share:.2%} | {case.lowest:.1%} – {case.highest:.1%} |"
        for case, trials, share in figures
    ]
    return "\n".join(lines).replace("%", " %").replace("95  %", "95 %") + "\n"


if __name__ == "__main__":
    sys.exit(main())
