"""What lies within exchanges, for exports: one line a finding, one line a chunk. Both join on `exchange_id`.

Chunks are many times as many as exchanges, so they are written as they are read. What was in them is in the export as
JSON lines; here are their times and sizes.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from byok_bench.runs.results import Run
from byok_bench.runs.row import Row

FINDING_TYPES: Final = {
    "exchange_id": "int64",
    "check": "str",
    "severity": "str",
    "message": "str",
    "event": "Int64",
    "offset": "Int64",
}
CHUNK_SCHEMA: Final = pa.schema(
    [
        pa.field("exchange_id", pa.int64(), nullable=False),
        pa.field("chunk", pa.int32(), nullable=False),
        pa.field("after_ms", pa.float64()),
        pa.field("size_bytes", pa.int64(), nullable=False),
    ]
)
"""`chunk` counts from 0 within an exchange; `after_ms` from the request written, null where nothing was."""
AT_ONCE: Final = 65_536
"""Chunks that are held before they are written."""
ChunkLine = tuple[int, int, float | None, int]


def make_finding_frame(rows: Iterable[Row]) -> pd.DataFrame:
    """Every finding of some rows, in the order of their exchanges."""
    lines = [
        (row.exchange_id, found.check, found.severity, found.message, found.event, found.offset)
        for row in rows
        for found in row.findings
    ]
    return pd.DataFrame(lines, columns=list(FINDING_TYPES)).astype(FINDING_TYPES)


def write_chunks(run: Run, path: Path) -> None:
    """Every chunk of every recorded exchange as a Parquet file."""
    with pq.ParquetWriter(path, CHUNK_SCHEMA) as writer:
        waiting: list[ChunkLine] = []
        for line in chain.from_iterable(_iterate_chunks(run)):
            waiting.append(line)
            if len(waiting) >= AT_ONCE:
                writer.write_table(_make_table(waiting))
                waiting = []
        writer.write_table(_make_table(waiting))


def _iterate_chunks(run: Run) -> Iterator[list[ChunkLine]]:
    for row, exchange in run.iterate_exchanges():
        written = exchange.raw.phases.written
        yield [
            (row.exchange_id, number, None if written is None else (stamp - written) / 1e6, len(data))
            for number, (stamp, data) in enumerate(exchange.chunks)
        ]


def _make_table(lines: list[ChunkLine]) -> pa.Table:
    columns = zip(*lines, strict=True) if lines else ([] for _ in CHUNK_SCHEMA)
    return pa.table([pa.array(cells, one.type) for cells, one in zip(columns, CHUNK_SCHEMA, strict=True)], CHUNK_SCHEMA)
