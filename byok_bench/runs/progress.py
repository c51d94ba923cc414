"""What a run tells while it goes: a stream of events that nobody has to listen to.

A listener is called in the order of events, in the process of the caller. It must return quickly; what it raises
ends the run, with everything that was measured kept.
"""

import logging
import math
from collections.abc import Callable

import msgspec


class RunStarted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The plan is stored; nothing was sent yet."""

    run_id: str
    store: str
    """Path of the result file."""
    samples: int
    """Samples to play, warm-up included; a sample of several turns is one."""
    warmups: int = 0
    """Of these, the ones that only warm connections and caches."""
    stored: int
    """Of these, already stored by an earlier start of this run."""
    maybe_billed: int
    """Exchanges that an earlier start sent and never recorded; they are sent again."""
    targets: tuple[str, ...]
    scenarios: tuple[str, ...]
    began: str = ""
    """UTC, ISO 8601: when the run that is gone on with began; empty for a new one."""
    passed_over: str = ""
    """Why an unfinished run of the same plan is not gone on with, in a sentence."""
    unusable: tuple[str, ...] = ()
    """Endpoints that cannot be used now, each with the reason, in a line; they have no rows in this start."""


class ExchangeFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One exchange is stored."""

    run_id: str
    done: int = 0
    """Samples finished so far."""
    samples: int = 0
    target: str
    scenario: str
    sample: str
    repeat: int
    turn: int
    stage: str
    is_warmup: bool
    last: bool
    """It was the last turn of its sample."""
    wants_failure: bool = False
    """Its scenario asks for a refusal."""
    http_status: int | None = None
    kind: str | None = None
    """Failure kind where it is known without reading the stream."""
    ttfb_ms: float | None = None
    """Request written → first body byte."""
    e2e_ms: float | None = None
    """Request written → end, by the transport's marks."""

    @property
    def is_failed(self) -> bool:
        """No good answer where one was wanted, as far as that is known without reading the stream."""
        return not self.wants_failure and (self.kind is not None or (self.http_status or 0) >= 400)


class Waiting(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nothing is sent to a target for a while, and why."""

    run_id: str
    target: str
    why: str
    """A few words."""
    at_most_s: float

    @property
    def limit(self) -> str:
        """`2 s`: whole seconds that are not less than it waits."""
        return f"{max(1, math.ceil(self.at_most_s))} s"


class LimitMet(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The next request could pass a limit, so no more are sent."""

    run_id: str
    limit: str
    """`100 requests`, `a cost of 0.5`."""


class RunFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Nothing more is sent."""

    run_id: str
    status: str
    """finished or interrupted."""
    done: int
    samples: int
    note: str = ""
    """Why it was interrupted."""


RunEvent = RunStarted | ExchangeFinished | Waiting | LimitMet | RunFinished
MeasuringEvent = ExchangeFinished | Waiting | LimitMet
"""What the measuring process tells."""
Listener = Callable[[RunEvent], None]


def warn_in_log(event: RunEvent) -> None:
    """The listener of a run that nobody watches: what must not go by unheard is a warning in the log."""
    if isinstance(event, RunStarted):
        for line in (*event.unusable, event.passed_over):
            if line:
                logging.getLogger("byok_bench").warning("%s", line)
