"""What a hostile error body costs to redact: 64 KiB of one unit, repeated, chosen to make each search work hardest."""

import time
from typing import Final

from benchmarks.part import Part, Rows
from byok_bench.redact import redact

SIZE: Final = 64 * 1024
KEY: Final = "sk-proj-Ab3dE5fG7hJ9kL1mN3pQ5rS7tU9"
UNITS: Final = {
    "masks behind the key's first letter": "s…",
    "masks and query values": "…&key=",
    "masks that look like echoes": "*sk-***9",
    "query values and written line ends": "?key=a\\\\n",
    "user names in URLs": "…://a@",
    "names of headers": "\\n('api-key', '",
    "escapes": "\\u0041",
    "plain text": "The quick brown fox. ",
}


def rows(repeats: int) -> Rows:
    """CPU seconds of the quickest repeat, and its share of the limit of 0.2 s."""
    found: Rows = {}
    for name, unit in UNITS.items():
        text = (unit * (SIZE // len(unit) + 1))[:SIZE]
        times = []
        for _ in range(repeats):
            start = time.process_time()
            redact(text, [KEY])
            times.append(time.process_time() - start)
        found[name] = {"redact_ms": min(times) * 1000, "of_limit": min(times) / 0.2}
    return found


PART = Part(
    "redacting",
    "Redacting a hostile body of 64 KiB",
    "CPU time of the quickest repeat; the limit is 200 ms.",
    ("redact_ms", "of_limit"),
    rows,
)
