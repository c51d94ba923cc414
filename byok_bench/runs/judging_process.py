"""A process that judges a share of a run: `python -m byok_bench.runs.judging_process STORE RUN SHARE SHARES SPAN`.

It ends with the process that started it, which holds the other end of its standard input.
"""

import gc
import os
import sys
import threading
from pathlib import Path

from byok_bench.runs.judgement import judge_share


def main() -> None:
    """Judge and store what is missing in the spans of the share."""
    # Each exchange makes thousands of objects and no cycles: looking for these took a tenth of the time.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    path, run_id, *numbers = sys.argv[1:]
    judge_share(Path(path), run_id, *map(int, numbers))


def _end_with_parent() -> None:
    os.read(0, 1)
    os._exit(1)  # what is being judged is judged by the next; what was stored stands


if __name__ == "__main__":
    main()
