"""Which 429s an error scenario of ours caused: read from the rows of a run, so that it can be judged again.

Some gateways take a server out for a while once a request made it fail, and answer 429 until then, whatever is asked
(BerriAI/litellm: litellm/router_utils/cooldown_handlers.py). Where that request was a mistake that we sent on purpose,
the 429s are ours: own_failures.py marks them, and they are left out of what failed and counted apart.
"""

from collections.abc import Iterable, Iterator
from typing import Final, Protocol, TypeVar
from urllib.parse import urlsplit

from byok_bench.runs.planning.plan import Plan

LONGEST_COOLDOWN_NS: Final = 60_000_000_000
"""How long after our mistake a 429 is still put down to it; each marked one prolongs it by the delay that it tells."""
BROKE: Final = frozenset({"server", "overloaded", "timeout", "network"})
"""Kinds of failure after which a server is taken out: it failed, or gave no answer."""
SAYS_COOLDOWN: Final = ("cooldown", "cooling down", "no deployments available")
"""Words of a 429 that name a cooldown: then a plain refusal before it may be the cause, too (a 401 or 404 is one for
LiteLLM: the same file). Words: BerriAI/litellm litellm/types/router.py, RouterErrors."""


class Ending(Protocol):
    """What tells whether an answer belongs to a cooldown: a row, or the figures of one."""

    @property
    def start_ns(self) -> int | None:
        """Intended start, monotonic."""

    @property
    def end_ns(self) -> int | None:
        """Nothing came any more, monotonic."""

    @property
    def http_status(self) -> int | None:
        """None without a head."""

    @property
    def kind(self) -> str | None:
        """None for a good answer."""

    @property
    def retry_after_s(self) -> float | None:
        """The delay that it tells."""

    @property
    def message(self) -> str | None:
        """The server's words."""

    @property
    def wants_failure(self) -> bool:
        """It belongs to an error scenario."""


E = TypeVar("E", bound=Ending)


def find_caused(rows: Iterable[E]) -> Iterator[E]:
    """The 429s among the rows of one server, in the order in which they ended, that follow a mistake of ours.

    A good answer to a later request ends a cooldown. A server that was limiting already is not put down to us.
    """
    began = until = 0
    broke = limiting = False
    for row in rows:
        start, end = row.start_ns or 0, row.end_ns or 0
        if is_limited(row):
            if start <= until and (broke or is_cooldown_named(row)):
                until = max(until, end + min(int((row.retry_after_s or 0) * 1e9), LONGEST_COOLDOWN_NS))
                yield row
            else:
                limiting = True
        elif row.kind is None:
            if start >= began:
                until, limiting = 0, False
        elif row.wants_failure and not limiting:
            broke = row.kind in BROKE or (broke and start <= until)
            began, until = end, end + LONGEST_COOLDOWN_NS


def is_limited(row: Ending) -> bool:
    """Whether the row is a 429 that says "later"."""
    return row.http_status == 429 and row.kind != "quota"


def is_cooldown_named(row: Ending) -> bool:
    """Whether a 429 says that a server was taken out."""
    said = (row.message or "").lower()
    return any(words in said for words in SAYS_COOLDOWN)


def name_server(plan: Plan, target: int) -> str:
    """What a target shares with others that are taken out with it."""
    return urlsplit(plan.targets[target].base_url).netloc
