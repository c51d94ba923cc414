"""DataFrames that follow one another into one file: CSV, Parquet. What a run of a million exchanges is written by."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

T = TypeVar("T")
AT_ONCE: Final = 8192
"""Rows of a DataFrame."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def iterate_batches(items: Iterable[T], size: int = AT_ONCE) -> Iterator[list[T]]:
    """Lists of so many, the last one of fewer; one at least, which may be empty."""
    source = iter(items)
    yield list(islice(source, size))
    while some := list(islice(source, size)):
        yield some


def write_csv_batches(batches: Iterable[pd.DataFrame], path: Path) -> None:
    """The columns are named once; text that a spreadsheet would execute gets an apostrophe in front."""
    for number, made in enumerate(batches):
        _defuse_formulas(made).to_csv(path, index=False, header=not number, mode="a" if number else "w")


def write_parquet_batches(batches: Iterable[pd.DataFrame], path: Path) -> None:
    """One group of rows a batch; the first one decides the types, and a column without a value in it is text."""
    writer: pq.ParquetWriter | None = None
    try:
        for made in batches:
            if writer is None:
                schema = _name_types(pa.Schema.from_pandas(_drop_attributes(made), preserve_index=False))
                writer = pq.ParquetWriter(path, schema)
            table = pa.Table.from_pandas(_drop_attributes(made), schema=schema, preserve_index=False)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()


def _name_types(schema: pa.Schema) -> pa.Schema:
    fields = [pa.field(one.name, pa.string()) if pa.types.is_null(one.type) else one for one in schema]
    return pa.schema(fields, schema.metadata)


def _drop_attributes(made: pd.DataFrame) -> pd.DataFrame:
    """Notes on a table are for readers of it in Python."""
    made = made.copy(deep=False)
    made.attrs = {}
    return made


def _defuse_formulas(made: pd.DataFrame) -> pd.DataFrame:
    made = made.copy(deep=False)
    for name in made.columns:
        if made[name].dtype == object or pd.api.types.is_string_dtype(made[name]):
            made[name] = [
                f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in made[name]
            ]
    return made
