"""`make bench-store`: a result file of a million exchanges, what it takes, and how fast it is read.

    python -m benchmarks.store [--rows 1000000] [--judge 20000] [--anchors PYTHON] [--write]

The file is made of recorded exchanges of our simulator by the real writer (store_filling.py) and stays in build/store
until the next call with another number of rows. Its rows are those of the recordings; the rate of judging is that of
`--judge` exchanges in a file of their own, from their bytes. Each question is asked in a process of its own.
"""

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks import page, store_filling
from benchmarks.measure import machine
from benchmarks.truth import BUILD
from byok_bench.runs.judgement import update_judgement
from byok_bench.runs.results import DETAILS, TABLES, Run

FOLDER: Final = BUILD.parent / "store"
TABLE_S: Final = 2.0
TABLE_MB: Final = 500
LIMITS: Final = {"runs": (0.2, None), "exchange": (0.05, None)}
FILE_BYTES: Final = 2000
"""An exchange, without bodies."""
RATE: Final = 2000
"""Exchanges judged a second and core."""


class Made(NamedTuple):
    """A file, and what making it took."""

    exchanges: int
    gaps: int
    file_bytes: int
    body_bytes: int
    write_s: float
    judged: int
    judge_s: float
    cpu_s: float


def make_file(rows: int, judged: int) -> Made:
    """The file of so many exchanges; what was made before is taken if it is of as many."""
    path, told = FOLDER / "bench.sqlite", FOLDER / "made.json"
    if told.is_file() and json.loads(told.read_text())["asked"] == [rows, judged]:
        return Made(**json.loads(told.read_text())["made"])
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    source = store_filling.record_source(FOLDER / "source.sqlite")
    began = time.perf_counter()
    run_id = store_filling.store_exchanges(path, source, rows)
    store_filling.store_rows(path, run_id, source)
    written = time.perf_counter()
    with closing(sqlite3.connect(path)) as db:
        exchanges, bodies, gaps = (
            db.execute(asked).fetchone()[0]
            for asked in (
                "select count(*) from exchange",
                "select coalesce(sum(length(request) + length(response)), 0) from body",
                "select coalesce(sum(length(data) / 4), 0) from gap",
            )
        )
    made = Made(exchanges, gaps, path.stat().st_size, bodies, written - began, *judge_file(source, judged))
    told.write_text(json.dumps({"asked": [rows, judged], "made": made._asdict()}))
    return made


def judge_file(source: Run, exchanges: int) -> tuple[int, float, float]:
    """Judge a file of its own from the bytes: (exchanges, seconds, seconds of CPU of all processes)."""
    path = FOLDER / "judged.sqlite"
    run_id = store_filling.store_exchanges(path, source, exchanges)
    began, before = time.perf_counter(), os.times()
    update_judgement(path, run_id)
    ended, after = time.perf_counter(), os.times()
    return Run.open(run_id, path).states.total(), ended - began, sum(after[:4]) - sum(before[:4])


def ask(question: str, times: int = 2) -> dict[str, float]:
    """Seconds and MB of a question, of the quickest process: the first one reads the file into memory."""
    command = [sys.executable, "-m", "benchmarks.store_probe", str(FOLDER / "bench.sqlite"), question]
    answers = [json.loads(subprocess.run(command, capture_output=True, check=True).stdout) for _ in range(times)]
    return min(answers, key=lambda answer: answer["seconds"])


def ask_anchors(python: str) -> dict[str, dict[str, float]]:
    """Seconds of DuckDB and Polars for latency and gaps on plain columns."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from byok_bench.report.figure_arrays import Figures

    figures = Figures(Run.open("last", FOLDER / "bench.sqlite"))
    words = {name: figures.find_words(name) for name in ("target", "scenario")}
    kinds = figures.find_words("kind")
    exchanges = {
        name: pa.DictionaryArray.from_arrays(pa.array(column.codes.astype(np.int32)), pa.array(column.words))
        for name, column in words.items()
    } | {name: pa.array(figures.find_numbers(name), from_pandas=True) for name in ("ttft_ms", "e2e_ms")}
    exchanges["is_good"] = pa.array(kinds.codes == kinds.words.index(None))
    pq.write_table(pa.table(exchanges), FOLDER / "exchanges.parquet")
    targets = words["target"].codes
    with pq.ParquetWriter(FOLDER / "gaps.parquet", pa.schema({"target": pa.int8(), "ns": pa.uint32()})) as writer:
        for target in np.unique(targets):
            short, _ = figures.read_gaps(np.flatnonzero(targets == target))
            writer.write_table(
                pa.table({"target": pa.array(np.full(len(short), target, np.int8)), "ns": pa.array(short)})
            )
    script = str(Path(__file__).with_name("store_anchors.py"))
    answer = subprocess.run([python, script, str(FOLDER)], capture_output=True, check=True, text=True)
    return json.loads(answer.stdout)  # type: ignore[no-any-return]


def render(made: Made, answers: dict[str, dict[str, float]], anchors: dict[str, dict[str, float]]) -> str:
    """The section of the page."""
    each = (made.file_bytes - made.body_bytes) / made.exchanges
    rate = made.judged / made.cpu_s if made.judged else 0.0
    lines = [
        f"Measured on {machine()}: {made.exchanges:,} exchanges, {made.gaps:,} gaps, a file of "
        f"{made.file_bytes / 1e9:.2f} GB of which bodies are {made.body_bytes / 1e9:.2f} GB; "
        f"written in {made.write_s:.0f} s.",
        "",
        "| what | wanted | measured | |",
        "| --- | --- | --- | --- |",
        _render_line("file an exchange, without bodies", each, FILE_BYTES, "bytes"),
        _render_line("judging, exchanges/s a core (of CPU)", rate, RATE, "", at_least=True),
    ]
    for question in (*TABLES, *DETAILS):
        lines.append(_render_line(f"table `{question}`", answers[question]["seconds"], TABLE_S, "s"))
        lines.append(_render_line(f"table `{question}`, memory", answers[question]["mb"], TABLE_MB, "MB"))
    for question, (seconds, _) in LIMITS.items():
        name = {"runs": "list of runs", "exchange": "opening one exchange"}[question]
        lines.append(_render_line(name, answers[question]["seconds"], seconds, "s"))
    lines += ["", "On plain columns (Parquet, in memory by then), for the quantiles of these tables alone:", ""]
    lines += ["|  | latency, s | gaps of streaming, s |", "| --- | --- | --- |"]
    lines += [f"| {name} | {found['latency']:.2f} | {found['streaming']:.2f} |" for name, found in anchors.items()]
    return "\n".join(lines) + "\n"


def _render_line(what: str, value: float, limit: float, unit: str, *, at_least: bool = False) -> str:
    is_met = value >= limit if at_least else value <= limit
    shown = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
    sign = "≥" if at_least else "≤"
    return f"| {what} | {sign} {limit:g} {unit} | {shown} {unit} | {'met' if is_met else '**not met**'} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="exchanges")
    parser.add_argument("--judge", type=int, default=20_000, help="exchanges to judge from their bytes")
    parser.add_argument("--anchors", help="interpreter of an environment with duckdb and polars")
    parser.add_argument("--write", action="store_true", help="write docs/benchmarks.md")
    given = parser.parse_args()
    made = make_file(given.rows, given.judge)
    answers = {question: ask(question) for question in (*TABLES, *DETAILS, *LIMITS)}
    text = render(made, answers, ask_anchors(given.anchors) if given.anchors else {})
    print(text)
    if given.write:
        page.write("store", text)


if __name__ == "__main__":
    main()
