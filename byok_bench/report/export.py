"""Exports of a run: CSV, Parquet, JSON lines. Written whole or not at all.

A file is written as `name.tmp`, flushed to the disk, moved into place, and the folder flushed. Text that came from a
server is defused in CSV, where a spreadsheet would take `=…` for a formula.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pandas as pd

from byok_bench.errors import ExportError
from byok_bench.report.batched_files import iterate_batches, write_csv_batches, write_parquet_batches
from byok_bench.report.detail_frames import make_finding_frame, write_chunks
from byok_bench.report.frames import make_flat_frame, make_table_frame
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.tables import list_filled_tables
from byok_bench.runs.results import Run


def write_csv(run: Run, folder: Path) -> list[Path]:
    """`exchanges.csv`, `findings.csv` and one file a table; the files written."""
    return _write_tables(run, folder, "csv", write_csv_batches)


def write_parquet(run: Run, folder: Path) -> list[Path]:
    """`exchanges.parquet`, `findings.parquet`, `chunks.parquet` and one file a table; the files written."""
    written = _write_tables(run, folder, "parquet", write_parquet_batches)
    with replace_file(folder / "chunks.parquet") as temporary:
        write_chunks(run, temporary)
    return [*written, folder / "chunks.parquet"]


def write_jsonl(run: Run, path: Path) -> Path:
    """Every recorded exchange as one JSON document a line, version 1, with its findings."""
    with replace_file(path) as temporary, temporary.open("wb") as out:
        for row, exchange in run.iterate_exchanges():
            document = exchange.to_json(row.findings)
            document |= {"waited_ms": row.waited_ms, "client_ms": row.client_ms, "caused_by_us": row.caused_by_us}
            document |= {"stopped": row.stopped}
            out.write(msgspec.json.encode(replace_surrogates(document)) + b"\n")
    return path


@contextmanager
def replace_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path` that takes its place once the block is through. Raises ExportError."""
    temporary = path.with_name(f"{path.name}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush(temporary)
        os.replace(temporary, path)
        _flush(path.parent)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror or error}", code="unwritable") from None
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _write_tables(
    run: Run, folder: Path, ending: str, write: Callable[[Iterable[pd.DataFrame], Path], None]
) -> list[Path]:
    written = []
    for name, batches in _iterate_files(run):
        path = folder / f"{name}.{ending}"
        with replace_file(path) as temporary:
            write(batches, temporary)
        written.append(path)
    return written


def _iterate_files(run: Run) -> Iterator[tuple[str, Iterable[pd.DataFrame]]]:
    """Name and content. Rows go through some thousand at a time: a run may have a million of them."""
    yield "exchanges", (make_flat_frame(rows, run) for rows in iterate_batches(run.iterate_rows()))
    yield "findings", (make_finding_frame(rows) for rows in iterate_batches(run.iterate_rows()))
    for name in list_filled_tables(run):
        yield name, [make_table_frame(run, name)]


def _flush(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        return  # Windows opens no folder
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
