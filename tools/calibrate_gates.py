"""How often gates are right, by simulation: writes the figures of docs/gates.md; 1 if one is out of its bounds.

    python tools/calibrate_gates.py      minutes

The worlds and drifts are those of tests/support/gate_truth.py.
"""

import os
import random
import sys
from multiprocessing import Pool
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT)]

from support.gate_truth import TRUTHS, find_verdict  # noqa: E402

PAGE = ROOT / "docs" / "gates.md"
HEADING = "## How often they are right\n"
RUNS = 200
LEAST_RED, MOST_RED = 0.95, 0.05
TEXT = """
Simulated by `make calibrate`, seeded: {runs} pairs of runs for each figure.
Prompts have a speed and a difficulty of their own, and are answered several times each.
A pilot is judged; while it is undecided, as many prompts are added as the gate names.

| drift | rule | red with the drift | red on identical days |
|---|---|---|---|
"""


def main() -> int:
    """Measure every drift, write the page."""
    cases = [(name, drifts, seed) for name in TRUTHS for drifts in (True, False) for seed in range(RUNS)]
    with Pool(os.cpu_count()) as pool:
        red = pool.starmap(measure, cases, chunksize=5)
    lines, good = [], True
    for name, truth in TRUTHS.items():
        with_drift, without = (
            sum(hit for hit, case in zip(red, cases, strict=True) if case[:2] == (name, drifts)) / RUNS
            for drifts in (True, False)
        )
        good = good and with_drift >= LEAST_RED and without <= MOST_RED
        lines.append(
            f"| {name} | `{truth.rule.metric}` against a baseline, margin {truth.rule.read_margin()} "
            f"| {100 * with_drift:.1f} % | {100 * without:.1f} % |"
        )
    before, _, _ = PAGE.read_text("utf-8").partition(HEADING)
    page = f"{before.rstrip()}\n\n{HEADING}{TEXT.format(runs=RUNS)}" + "\n".join(lines) + "\n"
    PAGE.write_text(page, "utf-8")
    print(*lines, sep="\n")
    return 0 if good else 1


def measure(name: str, drifts: bool, seed: int) -> bool:
    """Whether one pair of runs ends red."""
    return find_verdict(name, random.Random(f"{name} {seed}"), drifts=drifts) == "fail"


if __name__ == "__main__":
    sys.exit(main())
