"""How long `--help` takes: ours, and infermark's, in turn."""

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.tools.playing import run
from benchmarks.truth import CLIENT_CORE, pinned

TURNS = 9


def seconds(ours: Path, infermark: Path) -> dict[str, float]:
    """Wall s, medians; the first turn writes the bytecode."""
    commands = {"byok-bench": [str(ours)], "infermark": [str(infermark)]}
    taken: dict[str, list[float]] = {name: [] for name in commands}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(1 + TURNS):
            for name, command in commands.items():
                _, _, wall_s = run(pinned(CLIENT_CORE, [*command, "--help"]), Path(folder), {})
                if turn:
                    taken[name].append(wall_s)
    return {name: median(several) for name, several in taken.items()}
