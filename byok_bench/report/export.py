"""Exports of a run: CSV, Parquet, JSON lines. Written whole or not at all.

A file is written as `name.tmp`, flushed to the disk, moved into place, and the folder flushed. Text that came from a
server is defused in CSV, where a spreadsheet would take `=…` for a formula.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import msgspec
import pandas as pd

from byok_bench.errors import ExportError
from byok_bench.report.detail_frames import make_finding_frame, write_chunks
from byok_bench.report.frames import make_flat_frame, make_table_frame
from byok_bench.report.printable_text import replace_surrogates
from byok_bench.report.tables import list_filled_tables
from byok_bench.runs.results import Run

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def write_csv(run: Run, folder: Path) -> list[Path]:
    """`exchanges.csv`, `findings.csv` and one file a table; the files written."""
    return _write_tables(run, folder, "csv", lambda made, path: _defuse_formulas(made).to_csv(path, index=False))


def write_parquet(run: Run, folder: Path) -> list[Path]:
    """`exchanges.parquet`, `findings.parquet`, `chunks.parquet` and one file a table; the files written."""
    written = _write_tables(run, folder, "parquet", lambda made, path: made.to_parquet(path, index=False))
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


def _write_tables(run: Run, folder: Path, ending: str, write: Callable[[pd.DataFrame, Path], None]) -> list[Path]:
    frames = {"exchanges": make_flat_frame(run), "findings": make_finding_frame(run)} | {
        name: make_table_frame(run, name) for name in list_filled_tables(run)
    }
    written = []
    for name, made in frames.items():
        path = folder / f"{name}.{ending}"
        with replace_file(path) as temporary:
            write(_drop_attributes(made), temporary)
        written.append(path)
    return written


def _drop_attributes(made: pd.DataFrame) -> pd.DataFrame:
    made = made.copy()
    made.attrs = {}
    return made


def _defuse_formulas(made: pd.DataFrame) -> pd.DataFrame:
    """Text that a spreadsheet would execute gets an apostrophe in front."""
    for name in made.columns:
        if made[name].dtype == object or pd.api.types.is_string_dtype(made[name]):
            made[name] = [
                f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in made[name]
            ]
    return made


def _flush(path: Path) -> None:
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:
        return  # Windows opens no folder
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
