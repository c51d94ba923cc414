"""One question to a result file, in a process of its own: `python -m benchmarks.store_probe STORE QUESTION`.

QUESTION: a table's name, `runs` (the list), `exchange` (one from the middle), or `start` (nothing: what the rest begins
with). On stdout JSON: seconds of the question alone, and the largest resident memory of the process.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy  # noqa: F401 - what is imported is no part of the answer

from byok_bench.report.tables import list_table_lines
from byok_bench.runs.listing import summarize_store
from byok_bench.runs.results import Run


def main() -> None:
    path, question = Path(sys.argv[1]), sys.argv[2]
    open_exchange(path, 3)  # what is imported on first use
    began = time.perf_counter()
    if question == "runs":
        summarize_store(path)
    elif question == "exchange":
        open_exchange(path, 2)
    elif question != "start":
        assert list_table_lines(Run.open("last", path), question) is not None
    seconds = time.perf_counter() - began
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"seconds": seconds, "mb": kib / 1000}))


def open_exchange(path: Path, part: int) -> None:
    """Read and take apart one exchange of the latest run, from its `part`-th part."""
    run = Run.open("last", path)
    exchange = run.find_exchange(run.read_standing()[0] // part)
    assert exchange is not None
    assert exchange.output is not None


if __name__ == "__main__":
    main()
