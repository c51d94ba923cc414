"""What an import costs, each in a fresh interpreter, in turn, with the bytecode of all at hand."""

import subprocess
import sys
from statistics import median

from benchmarks.part import Part, Rows
from benchmarks.truth import CLIENT_CORE, environment, pinned

STATEMENTS = {
    "import httpx": "import httpx",
    "import byok_bench": "import byok_bench",
    "byok_bench, send used": "import byok_bench; byok_bench.send",
    "byok_bench, run used": "import byok_bench; byok_bench.run",
    "import openai": "import openai",
}
TIMED = "import time; t = time.perf_counter(); {}; print(time.perf_counter() - t)"
RUNS_A_REPEAT = 4


def rows(repeats: int) -> Rows:
    """Median of several runs of each statement, ms; the first round writes the bytecode."""
    seconds: dict[str, list[float]] = {name: [] for name in STATEMENTS}
    for turn in range(1 + repeats * RUNS_A_REPEAT):
        for name, statement in STATEMENTS.items():
            command = pinned(CLIENT_CORE, [sys.executable, "-c", TIMED.format(statement)])
            done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
            if turn:
                seconds[name].append(float(done.stdout))
    return {name: {"import_ms": median(taken) * 1000} for name, taken in seconds.items()}


PART = Part("imports", "Imports", f"Median of {RUNS_A_REPEAT} fresh interpreters a repeat.", ("import_ms",), rows)
