"""What came back as a record that holds no key: searching streams, and packing, are no work for a measuring loop."""

import sqlite3

from byok_bench.redact.logs import list_remembered_secrets
from byok_bench.runs.storage import ledger, records
from byok_bench.runs.storage.ledger import ExchangeEnd
from byok_bench.wire.cleaning.records import clean_stream
from byok_bench.wire.raw_exchange import RawExchange


def make_clean_record(raw: RawExchange) -> records.Record:
    """The record of an exchange, without the keys that this process remembers."""
    clean_stream(raw, list_remembered_secrets())
    return records.to_record(raw)


def store_clean_attempt(
    db: sqlite3.Connection, run_id: str, key: str, attempt: int, raw: RawExchange, end: ExchangeEnd | None
) -> int | None:
    """`ledger.store_attempt` of the clean record."""
    return ledger.store_attempt(db, run_id, key, attempt, make_clean_record(raw), end)
