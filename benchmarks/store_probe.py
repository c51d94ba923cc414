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
from byok_bench.runs.storage.result_file import open_reader


def main() -> None:
    path, question = Path(sys.argv[1]), sys.argv[2]
    middle = find_middle(path)
    open_exchange(path, middle - 1)  # what is imported on first use
    began = time.perf_counter()
    if question == "runs":
        summarize_store(path)
    elif question == "exchange":
        open_exchange(path, middle)
    elif question != "start":
        assert list_table_lines(Run.open("last", path), question) is not None
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "mb": read_peak_kib() * 1024 / 1e6}))


def read_peak_kib() -> int:
    """The largest resident memory of this process; getrusage begins with that of the one which started it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM:"))


def find_middle(path: Path) -> int:
    """The id of an exchange that is neither among the first nor the last."""
    with open_reader(path) as db:
        return int(db.execute("select max(id) / 2 from exchange").fetchone()[0])


def open_exchange(path: Path, exchange_id: int) -> None:
    """Read and take apart one exchange of the latest run."""
    exchange = Run.open("last", path).find_exchange(exchange_id)
    assert exchange is not None
    assert exchange.output is not None


if __name__ == "__main__":
    main()
