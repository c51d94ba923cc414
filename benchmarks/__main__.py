"""`make bench`: our client and its peers against the server with its own clock, as ratios of one run.

    python -m benchmarks [--repeats 5] [--only burst,heavy,packed,memory] [--write]

Clients are interleaved within every repeat, each on one core with the server on the other, so that the
machine's drift hits all alike. `--write` puts the tables into docs/benchmarks.md.
"""

import argparse
from pathlib import Path
from typing import Final

from benchmarks.measure import Load, Result, machine, measure, summary
from benchmarks.targets import TARGETS, verdict
from benchmarks.truth import truth_server

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"
PEERS: Final = ["aiohttp", "httpx", "httpx-sse", "openai"]
OURS: Final = ["byok", "byok-user", "byok+uvloop"]
CELLS: Final = {
    "burst": (Load("burst", 64, 2, 50, 10, 64), ["limit", *OURS, "byok-checks", "asyncio", *PEERS]),
    "heavy": (Load("heavy", 256, 1, 50, 10, 64), ["limit", *OURS, "asyncio", "aiohttp"]),
    "packed": (Load("packed", 4, 4, 5, 0, 2000, pack=20), ["byok", "aiohttp", "httpx"]),
    "many": (Load("many", 1000, 1, 2000, 10, 2), ["byok", "aiohttp", "httpx"]),
}
COLUMNS: Final = {
    "ttft_p50": "TTFT error p50, ms", "ttft_p99": "p99, ms",
    "gap_p50": "gap error p50, ms", "gap_p99": "p99, ms",
    "queued_p99": "queued p99, ms", "cpu_100k": "CPU s / 100 000 events",
    "late": "wall / schedule", "rss_mib": "RSS, MiB",
    "failed": "failed",
}  # fmt: skip


def table(load: Load, rows: dict[str, dict[str, float]]) -> str:
    """One Markdown table of a load."""
    head = f"### {load.name}: {load.streams} streams at once, {load.rounds} round(s), `{load.model}`\n\n"
    head += "| client | " + " | ".join(COLUMNS.values()) + " |\n|" + "---|" * (len(COLUMNS) + 1) + "\n"
    body = [
        f"| {name} | " + " | ".join(f"{figures[column]:.3g}" for column in COLUMNS) + " |"
        for name, figures in rows.items()
    ]
    return head + "\n".join(body) + "\n"


def run(repeats: int, names: list[str]) -> str:
    """Measure and return the tables and the targets as Markdown."""
    figures: dict[str, dict[str, dict[str, float]]] = {}
    with truth_server() as server:
        for name in names:
            load, clients = CELLS[name]
            results: dict[str, list[Result]] = {client: [] for client in clients}
            for repeat in range(repeats):
                for client in clients[repeat % len(clients) :] + clients[: repeat % len(clients)]:
                    print(f"{name} {repeat + 1}/{repeats} {client}", flush=True)
                    results[client].append(measure(server, client, load))
            figures[name] = {client: summary(found, load) for client, found in results.items()}
    tables = [table(CELLS[name][0], rows) for name, rows in figures.items()]
    checked = [line for target in TARGETS if (line := verdict(target, figures))]
    targets = (
        "### Targets\n\n| target | limit | measured | met |\n|---|---|---|---|\n" + "\n".join(checked) + "\n"
    )
    return f"Measured on {machine()}; {repeats} repeats, medians.\n\n" + "\n".join([*tables, targets])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default=",".join(CELLS))
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    text = run(given.repeats, given.only.split(","))
    print(text)
    if given.write:
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    main()
