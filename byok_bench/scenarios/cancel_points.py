"""Cancel points: where a scenario has this side close the stream, as the transport can tell while bytes arrive."""

from byok_bench.dialects.dialect import find_dialect
from byok_bench.scenarios.scenario import CancelAfter
from byok_bench.wire.raw_exchange import RawExchange
from byok_bench.wire.wire_request import Cancel


def make_cancel(wanted: CancelAfter | None, schema: str) -> Cancel | None:
    """The cancel that a request wants; deltas are counted as the dialect reads them, from the record so far."""
    if wanted is None:
        return None
    deltas = wanted.deltas
    if deltas is None:
        return Cancel(after_ms=wanted.ms)
    return Cancel(after_ms=wanted.ms, is_reached=lambda raw: count_output_deltas(raw, schema) >= deltas)


def count_output_deltas(raw: RawExchange, schema: str) -> int:
    """Events of a record, finished or not, that carry output."""
    return len({event for _, _, event in find_dialect(schema).read(raw).marks})
