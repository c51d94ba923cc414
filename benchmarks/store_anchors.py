"""What DuckDB and Polars take for the same numbers on plain columns: `PYTHON store_anchors.py FOLDER`.

Run by the interpreter of an environment that has both. FOLDER holds exchanges.parquet (target, scenario, is_good,
ttft_ms, e2e_ms) and gaps.parquet (target, ns), one row an exchange and one a gap.
"""

import json
import sys
import time
from collections.abc import Callable

import duckdb
import polars as pl

LATENCY = """select target, scenario, count(*), median(ttft_ms), quantile_cont(ttft_ms, [0.9, 0.99]), median(e2e_ms),
quantile_cont(e2e_ms, [0.9, 0.99]) from '{0}/exchanges.parquet' where is_good group by all"""
GAPS = "select target, quantile_cont(ns, [0.5, 0.99]), avg((ns = 0)::int) from '{0}/gaps.parquet' group by all"


def take_time(work: Callable[[], object]) -> float:
    """Seconds of the second of two calls: the file is in memory by then."""
    work()
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def main() -> None:
    folder = sys.argv[1]
    good = pl.scan_parquet(f"{folder}/exchanges.parquet").filter(pl.col("is_good"))
    wanted = [(name, q) for name in ("ttft_ms", "e2e_ms") for q in (0.5, 0.9, 0.99)]
    times = [pl.col(name).quantile(q, "linear").alias(f"{name}{q}") for name, q in wanted]
    every, ns = pl.scan_parquet(f"{folder}/gaps.parquet"), pl.col("ns")
    gaps = [ns.quantile(q, "linear").alias(f"p{q}") for q in (0.5, 0.99)] + [(ns == 0).mean().alias("zero")]
    answer = {
        "duckdb": {
            "latency": take_time(lambda: duckdb.sql(LATENCY.format(folder)).fetchall()),
            "streaming": take_time(lambda: duckdb.sql(GAPS.format(folder)).fetchall()),
        },
        "polars": {
            "latency": take_time(lambda: good.group_by("target", "scenario").agg(pl.len(), *times).collect()),
            "streaming": take_time(lambda: every.group_by("target").agg(gaps).collect()),
        },
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
