"""Rows that another tool measured, in the place of records: there are no bytes of theirs to judge.

Such a record has no chunk; its `meta` holds the row as one member more, so that whatever reads, merges or checks
records goes on as before.
"""

from typing import Final

import msgspec

from byok_bench.runs.row import Row, decode_row, encode_row
from byok_bench.runs.storage.ledger import ExchangeState
from byok_bench.runs.storage.records import Record, expand_meta, to_record
from byok_bench.wire.raw_exchange import Phases, RawExchange, RawRequest

_MEMBER: Final = b',"foreign":'
"""Within a string of JSON its quotes would be escaped: so it stands nowhere else."""
_NOTHING: Final = RawExchange(
    request=RawRequest(id="", method="POST", url="", headers=(), body=b""), phases=Phases(start=0)
)


def make_foreign_record(row: Row) -> Record:
    """What stands in the store for an exchange that another tool made."""
    record = to_record(_NOTHING)
    meta = expand_meta(record.meta)[:-1] + _MEMBER + encode_row(row) + b"}"
    return msgspec.structs.replace(record, meta=meta, sizes=b"")  # of a record whose head is not packed


def has_foreign_row(record: Record) -> bool:
    """Whether a record is another tool's row."""
    return record.meta.startswith(b"{") and _MEMBER in record.meta


def read_foreign_row(record: Record, state: ExchangeState) -> Row:
    """The row that another tool made, at its place in this run."""
    row = decode_row(record.meta.split(_MEMBER, 1)[1][:-1])
    return msgspec.structs.replace(row, exchange_id=state.id, status=state.status, attempt=state.attempt)
