"""Failures that are not put down to an endpoint: rows are marked `caused_by_us` when they are read.

They are 429s of a cooldown that a mistake of ours began (cooldown.py), and answers that broke while this machine slept
or its clock was set: the connection was lost meanwhile, or a limit of ours passed. What a server said itself stays
its own.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from byok_bench.runs.cooldown import SAYS_COOLDOWN, find_caused, is_limited, name_server
from byok_bench.runs.planning.plan import Plan
from byok_bench.runs.row import Row
from byok_bench.runs.storage import ascii_json
from byok_bench.wire.recording.clock_watch import UNTIMED_FLAGS

BROKEN_OFF: Final = ("timeout", "network", "protocol", "egress")
"""Kinds of failure by which an answer that did not come, or not whole, is known; egress: a name that was not found."""
FIRST_REFUSAL: Final = 300
"""Status from which on a server said itself that there is no answer."""
IN_COOLDOWN: Final = "429 within the cooldown that an error scenario of this run caused"
WHILE_ASLEEP: Final = "broken off while this machine slept, or its clock was set"


class KeptEnding(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the rule of cooldowns asks of a row; read from a kept row, it leaves the rest unread."""

    exchange_id: int
    target: int
    timeline: str = ""
    start_ns: int | None = None
    end_ns: int | None = None
    http_status: int | None = None
    kind: str | None = None
    retry_after_s: float | None = None
    message: str | None = None
    wants_failure: bool = False


def mark_caused(plan: Plan, rows: Sequence[Row]) -> list[Row]:
    """The rows, those that failed by our doing marked and out of what counts."""
    cooling = find_cooling(plan, rows)
    return [mark_row(row, cooling) for row in rows]


def find_cooling(plan: Plan, rows: Iterable[Row] | Iterable[KeptEnding]) -> set[int]:
    """The exchanges that are 429s of cooldowns of ours."""
    return {
        row.exchange_id
        for together in _group_by_server(plan, rows)
        for row in find_caused(sorted(together, key=lambda row: row.end_ns or 0))
    }


def mark_row(row: Row, cooling: set[int]) -> Row:
    """The row, marked if it failed by our doing."""
    why = IN_COOLDOWN if row.exchange_id in cooling else WHILE_ASLEEP if is_broken_by_sleep(row) else None
    if why is None:
        return row
    outcome = None if row.outcome is None else "excluded"
    return msgspec.structs.replace(row, caused_by_us=True, outcome=outcome, why=(why,) if outcome else ())


def is_broken_by_sleep(row: Row) -> bool:
    """Whether an answer broke while the machine slept, and no word of the server says why."""
    told = row.http_status is not None and row.http_status >= FIRST_REFUSAL
    return row.kind in BROKEN_OFF and not told and not UNTIMED_FLAGS.isdisjoint(row.flags)


def read_ending(row: bytes) -> KeptEnding:
    """Of a row that was kept; without words that the rule does not look at, which are most of the bytes of many."""
    ending = ascii_json.from_ascii_fast(row, KeptEnding)
    said = (ending.message or "").lower() if is_limited(ending) else ""
    return msgspec.structs.replace(ending, message=next((words for words in SAYS_COOLDOWN if words in said), None))


def _group_by_server(plan: Plan, rows: Iterable[Row] | Iterable[KeptEnding]) -> Iterable[list[Row | KeptEnding]]:
    """Recorded rows of each origin, by one clock: a cooldown does not care for the dialect in which it is met."""
    found: dict[tuple[str, str], list[Row | KeptEnding]] = {}
    for row in rows:
        if row.end_ns is not None:
            found.setdefault((name_server(plan, row.target), row.timeline), []).append(row)
    return found.values()
